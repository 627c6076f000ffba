//! The reasons of an alert, put together and in order.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::decision::reason::{Reason, ReasonSource};
use crate::profiles::{BlockEntry, BlockType};
use crate::python_format::rounded_to_tenths;
use crate::reasons::evidence::Examiner;
use crate::reasons::findings::{Finding, gather, slight_values};
use crate::reasons::inputs::AlertInputs;
use crate::reasons::rule_findings::is_unusual;
use crate::reasons::summary::{COMBINED, COMBINED_WITH_ONE, NOTHING_STANDS_OUT, sentence};
use crate::reasons::told::{Told, tell};
use crate::reasons::wording;

const BLOCK_LIST_WEIGHT: f64 = 1000.0;
const BLOCK_LIST: &str = "block_list";
const COMBINATION: &str = "combination";
/// What adds less than this share of what all together add is not told, unless there is nothing else.
const LEAST_SHARE: f64 = 0.02;
const LEAST_BESIDE_BLOCK_LIST: f64 = 5.0;
/// From this share of the score on that no single finding explains, the combination is told first.
const MOSTLY_COMBINED: f64 = 0.85;
/// What is unusual must explain this share of all findings to be told alone.
const ENOUGH_SHARE: f64 = 0.5;

/// The reasons, strongest first, and why in one sentence.
///
/// Block list entries and rules that force the action come first, flags last. A weight is the part of the risk score
/// that the reason explains; what the model saw in values that are no reason is left out, so that the weights sum to the
/// risk score at most. There is always a reason.
pub fn alert_reasons(inputs: &AlertInputs) -> (Vec<Reason>, String) {
    let examiner = Examiner::new(inputs);
    let score = 1000.0 * inputs.probability;
    let mut found = found_by_score(&examiner, score);
    if !inputs.blocked.is_empty() {
        let is_device_listed = inputs.blocked.iter().any(|entry| entry.kind == BlockType::Device);
        found.retain(|item| {
            item.reason.weight >= LEAST_BESIDE_BLOCK_LIST && !(is_device_listed && item.concept == BLOCK_LIST)
        });
    } else if !found.is_empty() && !inputs.hits.iter().any(|hit| hit.forces) {
        let explained: f64 = found.iter().map(|item| item.reason.weight).sum();
        let rest = score - explained;
        if rest > MOSTLY_COMBINED * 1000.0 * inputs.probability {
            let concepts: Vec<&str> = found.iter().map(|item| item.concept.as_ref()).collect();
            let combined = combination(&examiner, rest, &concepts);
            found.insert(0, combined);
        }
    }
    let mut told: Vec<Told> = inputs.blocked.iter().map(block_list_reason).chain(found).collect();
    let has_model_reasons = !inputs.contributions.is_empty() || !inputs.deviations.is_empty();
    if told.is_empty() && (has_model_reasons || inputs.flags.is_empty()) {
        told.push(combination(&examiner, score, &[]));
    }
    let mut seen = HashSet::new();
    told.retain(|item| seen.insert(item.reason.text.to_lowercase()));
    told.truncate(inputs.limit.saturating_sub(inputs.flags.len()).max(1));
    let summary = match told.is_empty() {
        true => sentence(&inputs.flags.iter().map(flag_told).collect::<Vec<Told>>(), inputs.unusual),
        false => sentence(&told, inputs.unusual),
    };
    let reasons = told.into_iter().map(|item| item.reason).chain(inputs.flags.iter().cloned()).collect();
    (reasons, summary)
}

/// What model, anomaly and rules found, each with its part of the score.
fn found_by_score<'a>(examiner: &Examiner<'a>, score: f64) -> Vec<Told<'a>> {
    let inputs = examiner.inputs;
    let parts = &inputs.parts;
    let (mut trees, mut rules, mut autoencoder) = (parts.model.max(0.0), parts.rules.max(0.0), parts.anomaly.max(0.0));
    if trees + rules + autoencoder <= 0.0 {
        trees = if inputs.contributions.is_empty() { 0.0 } else { 1.0 };
        rules = if inputs.hits.is_empty() { 0.0 } else { 1.0 };
    }
    if inputs.unusual {
        autoencoder = autoencoder.max(2.0 * (trees + rules)).max(1.0);
    }
    let score_per_log_odds = score / (trees + rules + autoencoder).max(1e-9);
    in_order(gather(examiner, trees, autoencoder, rules), score_per_log_odds, examiner)
}

/// The findings worth telling, those that force the action first, then by contribution.
///
/// A rule about a value that is usual for this user and the population is told only where the others explain less than
/// half of the score without it.
fn in_order<'a>(mut findings: Vec<Finding<'a>>, score_per_log_odds: f64, examiner: &Examiner<'a>) -> Vec<Told<'a>> {
    findings.sort_by(|one, other| {
        let by_force = other.forces().cmp(&one.forces());
        let by_contribution = other.contribution().partial_cmp(&one.contribution());
        by_force
            .then(by_contribution.unwrap_or(std::cmp::Ordering::Equal))
            .then_with(|| one.concept.cmp(&other.concept))
    });
    let is_told: Vec<bool> = findings.iter().map(|finding| is_unusual(finding, examiner)).collect();
    let whole: f64 = findings.iter().map(Finding::contribution).sum();
    let unusual = findings.iter().zip(&is_told).filter(|(_, is_unusual)| **is_unusual);
    let of_unusual: f64 = unusual.map(|(finding, _)| finding.contribution()).sum();
    if is_told.contains(&true) && of_unusual >= ENOUGH_SHARE * whole {
        let mut unusual = is_told.iter();
        findings.retain(|_| unusual.next() == Some(&true));
    }
    let worth_telling = findings
        .iter()
        .enumerate()
        .filter(|(number, finding)| *number == 0 || finding.contribution() >= LEAST_SHARE * whole || finding.forces());
    worth_telling.filter_map(|(_, finding)| tell(finding, score_per_log_odds, examiner)).collect()
}

/// Where no single value explains the score: the strongest of those that lean towards a risk, said to be only that.
fn combination<'a>(examiner: &Examiner<'a>, weight: f64, told_already: &[&str]) -> Told<'a> {
    let inputs = examiner.inputs;
    let slight = slight_values(examiner, told_already);
    let words: Vec<String> =
        slight.iter().map(|position| wording::text(examiner, *position, inputs.value(*position))).collect();
    let text = match words.len() {
        0 => NOTHING_STANDS_OUT.to_owned(),
        1 => format!("{COMBINED_WITH_ONE}: {}", words[0]),
        _ => format!("{COMBINED}: {}", words.join(", ")),
    };
    let source = if inputs.unusual { ReasonSource::Autoencoder } else { ReasonSource::Trees };
    let reason = Reason::new(source, COMBINATION, text.as_str(), rounded_to_tenths(weight));
    Told { reason, phrase: text, concept: Cow::Borrowed(COMBINATION) }
}

fn block_list_reason<'a>(entry: &BlockEntry) -> Told<'a> {
    let why = entry.reason_code.as_deref().filter(|code| !code.is_empty());
    let why = why.map_or_else(String::new, |code| format!(" ({code})"));
    let (kind, value) = (entry.kind.name(), &entry.value);
    let text = format!("{kind} {value} is on the block list{why}");
    let name = format!("{kind}:{value}");
    let reason = Reason::new(ReasonSource::BlockList, name, text.as_str(), BLOCK_LIST_WEIGHT);
    Told { reason, phrase: text, concept: Cow::Borrowed(BLOCK_LIST) }
}

fn flag_told<'a>(flag: &Reason) -> Told<'a> {
    Told { reason: flag.clone(), phrase: flag.text.clone(), concept: Cow::Borrowed("flag") }
}

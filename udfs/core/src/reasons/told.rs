//! A reason as it is told.

use std::borrow::Cow;

use crate::decision::reason::{Reason, ReasonSource};
use crate::python_format::rounded_to_tenths;
use crate::reasons::evidence::{Evidence, Examiner};
use crate::reasons::findings::Finding;
use crate::reasons::rule_findings::{evidence_of_rule, hit_to_tell};
use crate::reasons::wording;

/// Of a rule about no feature, next to which any feature of a lower rank tells more.
const RANK_OF_NO_FEATURE: u8 = 1;

/// A reason with the short words that a sentence is made of.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    pub reason: Reason,
    pub phrase: String,
    pub concept: Cow<'a, str>,
}

/// One finding by its most telling words: a feature's, or those that the bank gave a rule about it.
pub fn tell<'a>(finding: &Finding<'a>, score_per_log_odds: f64, examiner: &Examiner) -> Option<Told<'a>> {
    let weight = rounded_to_tenths(score_per_log_odds * finding.contribution());
    let source = source_of(finding);
    let in_words = |evidence: &Evidence| wording::text(examiner, evidence.feature, evidence.value);
    let Some((hit, is_fit)) = hit_to_tell(&finding.hits) else {
        let evidence = finding.evidence?;
        let name = examiner.inputs.feature(evidence.feature).map_or("", |feature| &feature.name);
        let text = in_words(&evidence);
        let reason = Reason::new(source, name, text.as_str(), weight);
        return Some(told(finding, reason, text, Some(evidence), examiner));
    };
    let of_rule = evidence_of_rule(hit, &finding.concept, examiner);
    let rank_of_rule = of_rule.map_or(RANK_OF_NO_FEATURE, |evidence| evidence.rank);
    let feature = finding.evidence.filter(|evidence| !is_fit || evidence.rank < rank_of_rule);
    if let Some(evidence) = feature {
        let text = in_words(&evidence);
        let reason = Reason::new(source, hit.id, text.as_str(), weight);
        return Some(told(finding, reason, text, Some(evidence), examiner));
    }
    let evidence = of_rule.or(finding.evidence);
    let text = if is_fit { hit.text.clone() } else { format!("rule {}", hit.id.replace('_', " ")) };
    let phrase = match evidence.filter(|evidence| evidence.strength != 0.0) {
        Some(evidence) => in_words(&evidence),
        None => text.clone(),
    };
    Some(told(finding, Reason::new(source, hit.id, text, weight), phrase, evidence, examiner))
}

fn told<'a>(
    finding: &Finding<'a>,
    reason: Reason,
    phrase: String,
    evidence: Option<Evidence>,
    examiner: &Examiner,
) -> Told<'a> {
    let value = evidence.map(|evidence| evidence.value);
    let usual = evidence.and_then(|evidence| wording::usual(examiner, evidence.feature, evidence.value));
    Told { reason: Reason { value, usual, ..reason }, phrase, concept: finding.concept.clone() }
}

fn source_of(finding: &Finding) -> ReasonSource {
    if !finding.hits.is_empty() && finding.rules >= finding.trees.max(finding.autoencoder) {
        ReasonSource::Rule
    } else if finding.trees >= finding.autoencoder {
        ReasonSource::Trees
    } else {
        ReasonSource::Autoencoder
    }
}

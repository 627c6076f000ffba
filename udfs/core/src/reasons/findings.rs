//! What speaks for fraud, by concept: trees, anomaly detectors and rules about the same thing are one finding.

use std::borrow::Cow;

use crate::features::signal::Direction;
use crate::reasons::evidence::{Evidence, Examiner};
use crate::reasons::inputs::{AlertInputs, RuleHit};

const SLIGHT_SHOWN: usize = 3;
/// A feature with less of its source's sum is not looked at.
const LEAST_CONTRIBUTION: f64 = 0.005;

/// One concept with what it contributes by source, in log-odds, the most telling feature and the rules, strongest first.
#[derive(Clone, Debug)]
pub struct Finding<'a> {
    pub concept: Cow<'a, str>,
    pub trees: f64,
    pub autoencoder: f64,
    pub rules: f64,
    pub evidence: Option<Evidence>,
    pub hits: Vec<&'a RuleHit<'a>>,
}

impl Finding<'_> {
    /// Of all sources together, in log-odds.
    pub fn contribution(&self) -> f64 {
        self.trees + self.autoencoder + self.rules
    }

    /// Is the action forced by one of its rules?
    pub fn forces(&self) -> bool {
        self.hits.iter().any(|hit| hit.forces)
    }
}

/// Where contributions come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Trees,
    Autoencoder,
}

/// Findings by concept, in the order in which they were found.
#[derive(Debug, Default)]
struct Findings<'a> {
    found: Vec<Finding<'a>>,
}

/// Findings with the log-odds of each source shared out by contributions, deviations and points.
pub fn gather<'a>(examiner: &Examiner<'a>, trees: f64, autoencoder: f64, rules: f64) -> Vec<Finding<'a>> {
    let inputs = examiner.inputs;
    let mut findings = Findings::default();
    if trees > 0.0 {
        findings.take(inputs.contributions, trees, Part::Trees, examiner);
    }
    if autoencoder > 0.0 {
        findings.take(inputs.deviations, autoencoder, Part::Autoencoder, examiner);
    }
    let mut hits: Vec<&'a RuleHit<'a>> = inputs.hits.iter().collect();
    hits.sort_by(|one, other| other.share.total_cmp(&one.share));
    for hit in hits {
        let concept = findings.concept_of_rule(hit, inputs);
        let finding = findings.of_concept(concept);
        finding.rules += rules * hit.share;
        finding.hits.push(hit);
    }
    findings.join(inputs);
    findings.found
}

impl<'a> Findings<'a> {
    fn place(&self, concept: &str) -> Option<usize> {
        self.found.iter().position(|finding| finding.concept == concept)
    }

    fn of_concept(&mut self, concept: Cow<'a, str>) -> &mut Finding<'a> {
        let place = self.place(&concept).unwrap_or_else(|| {
            let hits = Vec::new();
            self.found.push(Finding { concept, trees: 0.0, autoencoder: 0.0, rules: 0.0, evidence: None, hits });
            self.found.len() - 1
        });
        &mut self.found[place]
    }

    /// Share out one source's log-odds; what belongs to values that are no reason is nobody's.
    fn take(&mut self, contributions: &[(usize, f64)], log_odds: f64, part: Part, examiner: &Examiner<'a>) {
        let whole: f64 = contributions.iter().map(|(_, value)| value).sum();
        if whole.is_nan() || whole <= 0.0 {
            return;
        }
        let (scale, least) = (log_odds / whole, LEAST_CONTRIBUTION * whole);
        let mut companions: Vec<(&'a str, f64)> = Vec::new();
        for (position, contribution) in contributions.iter().take_while(|(_, contribution)| *contribution >= least) {
            let Some(feature) = examiner.inputs.feature(*position) else { continue };
            if examiner.inputs.value(*position).is_nan() {
                continue;
            }
            let (signal, share) = (&feature.signal, scale * contribution);
            if signal.direction == Direction::Never {
                companions.push((&signal.concept, share));
                continue;
            }
            let Some(evidence) = examiner.examine(*position) else { continue };
            let finding = self.of_concept(Cow::Borrowed(&signal.concept));
            finding.add(part, share);
            if finding.evidence.is_none_or(|best| is_more_telling(&evidence, &best)) {
                finding.evidence = Some(evidence);
            }
        }
        for (concept, share) in companions {
            if let Some(place) = self.place(concept) {
                self.found[place].add(part, share);
            }
        }
    }

    /// The concept that the features found speak of most among those that the condition reads; else the first of them.
    fn concept_of_rule(&self, hit: &'a RuleHit<'a>, inputs: &AlertInputs<'a>) -> Cow<'a, str> {
        let (mut chosen, mut most) = ("", -1.0);
        for name in &hit.topic.names {
            let concept = name.concept(inputs.catalogue);
            let contribution = self.place(concept).map_or(0.0, |place| self.found[place].contribution());
            if contribution > most {
                (chosen, most) = (concept, contribution);
            }
        }
        if chosen.is_empty() { Cow::Owned(format!("rule:{}", hit.id)) } else { Cow::Borrowed(chosen) }
    }

    /// Merge what says nearly the same as another finding, but for rules, which have words of their own.
    fn join(&mut self, inputs: &AlertInputs) {
        let mut place = 0;
        while place < self.found.len() {
            let finding = &self.found[place];
            let joins = finding.evidence.and_then(|evidence| Some(inputs.feature(evidence.feature)?.signal.joins));
            let other = joins.filter(|_| finding.hits.is_empty()).and_then(|joins| self.place(joins));
            match other.filter(|other| *other != place) {
                Some(other) => {
                    let (trees, autoencoder) = (finding.trees, finding.autoencoder);
                    self.found[other].trees += trees;
                    self.found[other].autoencoder += autoencoder;
                    self.found.remove(place);
                }
                None => place += 1,
            }
        }
    }
}

impl Finding<'_> {
    fn add(&mut self, part: Part, share: f64) {
        match part {
            Part::Trees => self.trees += share,
            Part::Autoencoder => self.autoencoder += share,
        }
    }
}

/// Of one concept the lowest rank is told, and of one rank the greatest strength.
fn is_more_telling(one: &Evidence, best: &Evidence) -> bool {
    one.rank < best.rank || (one.rank == best.rank && one.strength > best.strength)
}

/// The strongest features that lean towards a risk without being unusual, one of a concept that is not `told`.
pub fn slight_values(examiner: &Examiner, told: &[&str]) -> Vec<usize> {
    let inputs = examiner.inputs;
    let mut slight: Vec<(usize, &str)> = Vec::new();
    for (position, _) in inputs.contributions.iter().chain(inputs.deviations) {
        let Some(feature) = inputs.feature(*position) else { continue };
        let concept = feature.signal.concept.as_ref();
        let is_open = !told.contains(&concept) && slight.iter().all(|(_, known)| *known != concept);
        if is_open && examiner.is_slightly(*position) {
            slight.push((*position, concept));
            if slight.len() == SLIGHT_SHOWN {
                break;
            }
        }
    }
    slight.into_iter().map(|(position, _)| position).collect()
}

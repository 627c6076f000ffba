//! Puts together what the reasons of an alert are made from: once for each bundle and rule set, then for each alert.

use crate::decision::actions::Action;
use crate::decision::judge::{Judgement, Prediction};
use crate::decision::logarithm::ln;
use crate::decision::probability::clipped_logit;
use crate::decision::reason::Reason;
use crate::decision::score_blend::ScoreBlend;
use crate::features::feature::Feature;
use crate::profiles::BlockEntry;
use crate::reasons::alert_reasons::alert_reasons;
use crate::reasons::catalogue::Catalogue;
use crate::reasons::inputs::{AlertInputs, Levels, RuleHit, ScoreParts};
use crate::reasons::rule_topics::RuleTopic;
use crate::rules::number::Row;
use crate::rules::rulebook::{RuleResult, Rulebook};

/// Where the bundle does not tell how much of its data was fraud.
pub const USUAL_FRAUD_RATE: f64 = 0.01;

/// What a bundle and the configuration say that explanations need.
#[derive(Clone, Debug)]
pub struct ExplainerSettings {
    pub base_currency: Box<str>,
    /// The prior that smooths fraud rates.
    pub base_rate: f64,
    /// How many reasons are told at most.
    pub reasons_per_alert: usize,
    /// The share of fraud in the data that the bundle was made from (USUAL_FRAUD_RATE where it is not told).
    pub fraud_rate: f64,
    /// The weights of the model's probability in the blend, and of the anomaly's logarithm in the model's log-odds.
    pub model_weight: f64,
    pub log_error_weight: f64,
    /// Each feature's levels among legitimate training rows, in input order; `None` where none is known.
    pub quantiles: Vec<Option<Levels>>,
}

/// Explains by one bundle, blend and rule set. Immutable: any change makes a new one.
#[derive(Debug)]
pub struct Explainer {
    catalogue: Catalogue,
    settings: ExplainerSettings,
    topics: Vec<RuleTopic>,
    base_log_odds: f64,
    anomaly_weight: f64,
}

/// One decision to act, as far as its reasons look at it.
#[derive(Clone, Debug)]
pub struct Explained<'a> {
    pub row: Row<'a>,
    pub prediction: &'a Prediction,
    pub judgement: &'a Judgement,
    pub result: &'a RuleResult,
    /// Positions and values of `strongest` trees' contributions above 0, and of deviations above UNUSUAL_DEVIATIONS.
    pub contributions: &'a [(usize, f64)],
    pub deviations: &'a [(usize, f64)],
    pub flags: Vec<Reason>,
    pub blocked: &'a [BlockEntry],
    /// The user's local hour and minute; `None` where the time zone is not known.
    pub clock: Option<(u32, u32)>,
}

impl Explainer {
    /// `features` are those of the bundle's feature set.
    pub fn new<'a>(
        features: impl IntoIterator<Item = &'a Feature>,
        settings: ExplainerSettings,
        blend: &ScoreBlend,
        rulebook: &Rulebook,
    ) -> Self {
        let catalogue = Catalogue::new(features);
        let topic = |place| RuleTopic::new(rulebook.names_read(place).iter().map(String::as_str), &catalogue);
        let topics = (0..rulebook.rule_set().rules.len() as u16).map(topic).collect();
        Self {
            topics,
            base_log_odds: blend.part_of_model(clipped_logit(settings.fraud_rate)),
            anomaly_weight: settings.model_weight * settings.log_error_weight,
            catalogue,
            settings,
        }
    }

    /// The reasons of a decision to act, strongest first, and why in one sentence.
    pub fn reasons(&self, explained: Explained, rulebook: &Rulebook) -> (Vec<Reason>, String) {
        let Explained { row, prediction, judgement, result, .. } = explained;
        alert_reasons(&AlertInputs {
            transaction: row.transaction,
            features: row.features,
            catalogue: &self.catalogue,
            probability: judgement.probability,
            parts: self.parts(judgement, prediction),
            contributions: explained.contributions,
            deviations: explained.deviations,
            hits: result.hits.iter().filter_map(|hit| self.hit(*hit, &row, result, rulebook)).collect(),
            flags: explained.flags,
            blocked: explained.blocked,
            unusual: judgement.is_unusual(),
            quantiles: &self.settings.quantiles,
            base_currency: &self.settings.base_currency,
            base_rate: self.settings.base_rate,
            clock: explained.clock,
            limit: self.settings.reasons_per_alert,
        })
    }

    fn hit<'a>(&'a self, place: u16, row: &Row, result: &RuleResult, rulebook: &'a Rulebook) -> Option<RuleHit<'a>> {
        let rule = rulebook.rule(place).filter(|rule| !rule.only_flags())?;
        Some(RuleHit {
            id: &rule.id,
            text: rulebook.reason(place, row),
            share: if result.points == 0 { 0.0 } else { rule.points as f64 / result.points as f64 },
            topic: self.topics.get(usize::from(place))?,
            forces: rule.action.is_some_and(|action| action != Action::Allow),
        })
    }

    /// The anomaly's part is in the model's: what it adds for being above 1, the anomaly of a usual payment.
    fn parts(&self, judgement: &Judgement, prediction: &Prediction) -> ScoreParts {
        let model = judgement.from_model - self.base_log_odds;
        let mut anomaly = 0.0;
        if self.anomaly_weight > 0.0 && prediction.anomaly > 0.0 {
            anomaly = (self.anomaly_weight * ln(prediction.anomaly)).max(0.0);
        }
        ScoreParts { model: model - anomaly, rules: judgement.from_rules, anomaly }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::actions::RuleMapKind;
    use crate::rules::named_lists::Lists;
    use crate::rules::rule_set::RuleSet;

    const FRAUD_RATE: f64 = 0.03;
    const MODEL_WEIGHT: f64 = 0.9;
    const LOG_ERROR_WEIGHT: f64 = 0.4;

    fn explainer(rulebook: &Rulebook, blend: &ScoreBlend) -> Explainer {
        let settings = ExplainerSettings {
            base_currency: "USD".into(),
            base_rate: 0.01,
            reasons_per_alert: 8,
            fraud_rate: FRAUD_RATE,
            model_weight: MODEL_WEIGHT,
            log_error_weight: LOG_ERROR_WEIGHT,
            quantiles: Vec::new(),
        };
        Explainer::new([], settings, blend, rulebook)
    }

    #[test]
    fn the_anomaly_s_part_counts_from_a_usual_payment_s_anomaly_of_1() {
        let rule_set = RuleSet {
            name: "none".into(),
            version: 1,
            scale: vec![(0, 0), (1, 1)],
            rules: Vec::new(),
            description: String::new(),
        };
        let rulebook = Rulebook::new(rule_set, [], Lists::default()).unwrap();
        let blend = ScoreBlend::cautious(MODEL_WEIGHT, -0.2, rulebook.scale());
        let judgement = Judgement {
            probability: 0.4,
            risk_score: 400,
            action: Action::ReferToAnalyst,
            tags: Vec::new(),
            rule_map: RuleMapKind::Calibrated,
            from_model: 2.0,
            from_rules: 0.25,
        };
        let of_model = 2.0 - (MODEL_WEIGHT * (FRAUD_RATE / (1.0 - FRAUD_RATE)).ln() - 0.2);
        let e = std::f64::consts::E;
        for (anomaly, logarithm) in [(1.0, 0.0), (e, 1.0), (0.5, 0.0), (0.0, 0.0), (20.0, 20_f64.ln())] {
            let prediction = Prediction { probability: 0.4, margin: 0.0, anomaly, coverage: 1.0 };
            let parts = explainer(&rulebook, &blend).parts(&judgement, &prediction);
            let expected = MODEL_WEIGHT * LOG_ERROR_WEIGHT * logarithm;
            assert!((parts.anomaly - expected).abs() < 1e-12);
            assert!((parts.model - (of_model - expected)).abs() < 1e-12);
            assert_eq!(parts.rules, 0.25);
        }
    }
}

//! What is to be done with a payment, from the model's prediction and the rules that hit.

use crate::decision::actions::{Action, RuleMapKind, Tag};
use crate::decision::probability::{NotANumber, risk_score, sigmoid};
use crate::decision::score_blend::ScoreBlend;
use crate::decision::thresholds::{DecisionSettings, Thresholds};
use crate::rules::rulebook::{RuleResult, Rulebook, Shares};

/// What the bundle said: calibrated `probability` of fraud, the trees' `margin` in log-odds, the reconstruction error
/// `anomaly`, and `coverage`, the share of the model's importance that was known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    pub probability: f64,
    pub margin: f64,
    pub anomaly: f64,
    pub coverage: f64,
}

/// `probability` of fraud by model and rules; their parts of its log-odds, the model's with the blend's offset.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    pub probability: f64,
    pub risk_score: i64,
    pub action: Action,
    pub tags: Vec<Tag>,
    pub rule_map: RuleMapKind,
    pub from_model: f64,
    pub from_rules: f64,
}

impl Judgement {
    /// Did nothing but the anomaly detectors raise the alert?
    pub fn is_unusual(&self) -> bool {
        self.tags.contains(&Tag::Unusual)
    }
}

/// What a bundle says about decisions, beside the blend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecisionModel {
    pub thresholds: Thresholds,
    pub coverage_floor: f64,
    /// The reconstruction error from which on a payment is unusual; `None` where the bundle knows none.
    pub unusual_above: Option<f64>,
}

/// Decides by a bundle's blend and the thresholds. Immutable: any change makes a new one.
///
/// A customer's decisions are those by exactly the rules that are live for the customer, so each combination of partial
/// roll-outs has the blend of its rules.
#[derive(Clone, Debug)]
pub struct Judge {
    blends: Vec<ScoreBlend>,
    /// Of each combination of shares: which of the blends. The last is that of all live rules.
    blend_of_shares: Vec<usize>,
    pub thresholds: Thresholds,
    coverage_floor: f64,
    unusual_above: Option<f64>,
    block_list_action: Action,
}

impl Judge {
    /// `settings` go before what the bundle says. `blends` has at least one, and `blend_of_shares` one of them for each
    /// combination of shares.
    pub fn new(
        settings: &DecisionSettings,
        model: &DecisionModel,
        blends: Vec<ScoreBlend>,
        blend_of_shares: Vec<usize>,
    ) -> Self {
        Self {
            blends,
            blend_of_shares,
            thresholds: settings.thresholds_in_force(model.thresholds),
            coverage_floor: settings.coverage_floor.unwrap_or(model.coverage_floor),
            unusual_above: model.unusual_above,
            block_list_action: settings.block_list_action,
        }
    }

    /// The blend for customers of these shares; where there are no such, that of all live rules.
    pub fn blend(&self, shares: Shares) -> &ScoreBlend {
        let known = self.blend_of_shares.get(usize::from(shares)).or(self.blend_of_shares.last());
        known.and_then(|place| self.blends.get(*place)).unwrap_or(&self.blends[0])
    }

    /// The score's action; refer at most where too little was known; then what rules and block list force; and at
    /// least refer where nothing else calls for an action, but the anomaly detectors do.
    ///
    /// Raises NotANumber where the prediction is none.
    pub fn judge(
        &self,
        prediction: &Prediction,
        result: &RuleResult,
        rulebook: &Rulebook,
        shares: Shares,
        is_blocked: bool,
    ) -> Result<Judgement, NotANumber> {
        let blend = self.blend(shares);
        let from_model = blend.part_of_model(prediction.probability);
        let from_rules = blend.part_of_rules(result.points);
        let probability = sigmoid(from_model + from_rules);
        let risk_score = risk_score(probability)?;
        let mut action = self.thresholds.action(risk_score);
        let mut tags = Vec::new();
        let rule_map = if result.points > 0 { blend.map } else { RuleMapKind::None };
        if rule_map == RuleMapKind::Cautious {
            tags.push(Tag::CautiousRules);
        }
        let is_covered = prediction.coverage >= self.coverage_floor;
        if !is_covered {
            tags.push(Tag::LowCoverage);
            action = action.min(Action::ReferToAnalyst);
        }
        for hit in &result.hits {
            let forced = rulebook.rule(*hit).and_then(|rule| rule.action);
            action = forced.map_or(action, |forced| action.max(forced));
        }
        if is_blocked {
            action = action.max(self.block_list_action);
        }
        let is_unusual = self.unusual_above.is_some_and(|limit| prediction.anomaly >= limit);
        if action == Action::Allow && is_covered && is_unusual {
            tags.push(Tag::Unusual);
            action = Action::ReferToAnalyst;
        }
        Ok(Judgement { probability, risk_score, action, tags, rule_map, from_model, from_rules })
    }
}

//! What is to be done with a payment, from the model's prediction and the rules that hit.

use crate::decision::actions::{Action, RuleMapKind, Tag};
use crate::decision::probability::{NotANumber, clipped_logit, risk_score, sigmoid};
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

/// A prediction with the model's log-odds, which are the same for every rule set.
#[derive(Clone, Copy, Debug)]
pub struct Weighed<'p> {
    pub prediction: &'p Prediction,
    log_odds: f64,
}

impl<'p> Weighed<'p> {
    pub fn new(prediction: &'p Prediction) -> Self {
        Self { prediction, log_odds: clipped_logit(prediction.probability) }
    }
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
        weighed: &Weighed,
        result: &RuleResult,
        rulebook: &Rulebook,
        shares: Shares,
        is_blocked: bool,
    ) -> Result<Judgement, NotANumber> {
        let blend = self.blend(shares);
        let (from_model, from_rules) = (blend.part_of_model(weighed.log_odds), blend.part_of_rules(result.points));
        let probability = sigmoid(from_model + from_rules);
        let risk_score = risk_score(probability)?;
        let mut tags = Vec::new();
        let rule_map = if result.points > 0 { blend.map } else { RuleMapKind::None };
        if rule_map == RuleMapKind::Cautious {
            tags.push(Tag::CautiousRules);
        }
        let called = self.called(weighed.prediction, risk_score, result, rulebook, is_blocked);
        if !called.is_covered {
            tags.push(Tag::LowCoverage);
        }
        if called.is_unusual {
            tags.push(Tag::Unusual);
        }
        Ok(Judgement { probability, risk_score, action: called.action, tags, rule_map, from_model, from_rules })
    }

    /// The action alone that `judge` gives. `judged`: what another rule set's judge said of the same transaction, whose
    /// score is the same where the log-odds are.
    pub fn action(
        &self,
        weighed: &Weighed,
        result: &RuleResult,
        rulebook: &Rulebook,
        shares: Shares,
        is_blocked: bool,
        judged: &Judgement,
    ) -> Result<Action, NotANumber> {
        let blend = self.blend(shares);
        let log_odds = blend.part_of_model(weighed.log_odds) + blend.part_of_rules(result.points);
        let is_known = log_odds == judged.from_model + judged.from_rules;
        let risk_score = if is_known { judged.risk_score } else { risk_score(sigmoid(log_odds))? };
        Ok(self.called(weighed.prediction, risk_score, result, rulebook, is_blocked).action)
    }

    fn called(
        &self,
        prediction: &Prediction,
        risk_score: i64,
        result: &RuleResult,
        rulebook: &Rulebook,
        is_blocked: bool,
    ) -> Called {
        let mut action = self.thresholds.action(risk_score);
        let is_covered = prediction.coverage >= self.coverage_floor;
        if !is_covered {
            action = action.min(Action::ReferToAnalyst);
        }
        for hit in &result.hits {
            let forced = rulebook.rule(*hit).and_then(|rule| rule.action);
            action = forced.map_or(action, |forced| action.max(forced));
        }
        if is_blocked {
            action = action.max(self.block_list_action);
        }
        let is_above = self.unusual_above.is_some_and(|limit| prediction.anomaly >= limit);
        let is_unusual = action == Action::Allow && is_covered && is_above;
        Called { action: if is_unusual { Action::ReferToAnalyst } else { action }, is_covered, is_unusual }
    }
}

/// The action, whether enough was known for more than an analyst by score, and whether the anomaly detectors alone raised it.
struct Called {
    action: Action,
    is_covered: bool,
    is_unusual: bool,
}

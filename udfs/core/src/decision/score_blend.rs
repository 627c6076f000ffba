//! One probability of fraud from the model's and the rules' points, by what a bundle has learned.

use crate::decision::actions::RuleMapKind;
use crate::decision::probability::{clipped_logit, sigmoid};
use crate::decision::rule_map::{RuleMapError, cautious_shifts, learned_shifts};
use crate::rules::scale::Scale;

/// P = sigmoid(model_weight x logit(model's P) + offset + the points' shift). Rises with both.
#[derive(Clone, Debug)]
pub struct ScoreBlend {
    pub map: RuleMapKind,
    model_weight: f64,
    offset: f64,
    /// Log-odds by the sum of points, the last for all sums beyond; the first is 0.
    rule_shifts: Vec<f64>,
}

impl ScoreBlend {
    /// By a map that was learned with rules of this content: fraud `rates` of sums of `points`, weighted as learned.
    ///
    /// Raises RuleMapError.
    pub fn calibrated(
        model_weight: f64,
        offset: f64,
        rules_weight: f64,
        points: &[i64],
        rates: &[f64],
    ) -> Result<Self, RuleMapError> {
        let learned = learned_shifts(points, rates)?;
        let rule_shifts = learned.into_iter().map(|shift| rules_weight * shift).collect();
        Ok(Self { map: RuleMapKind::Calibrated, model_weight, offset, rule_shifts })
    }

    /// By the rules' own scale, with caution: history does not know these rules.
    pub fn cautious(model_weight: f64, offset: f64, scale: &Scale) -> Self {
        Self { map: RuleMapKind::Cautious, model_weight, offset, rule_shifts: cautious_shifts(scale) }
    }

    /// The model's part in log-odds, the offset included, of the model's own (`clipped_logit`).
    pub fn part_of_model(&self, log_odds: f64) -> f64 {
        self.model_weight * log_odds + self.offset
    }

    /// The rules' part in log-odds, from 0 upwards.
    pub fn part_of_rules(&self, points: i64) -> f64 {
        let place = usize::try_from(points).unwrap_or(0);
        self.rule_shifts.get(place).or(self.rule_shifts.last()).copied().unwrap_or(0.0)
    }

    /// The probability of fraud by model and rules together.
    pub fn probability(&self, probability: f64, points: i64) -> f64 {
        sigmoid(self.part_of_model(clipped_logit(probability)) + self.part_of_rules(points))
    }
}

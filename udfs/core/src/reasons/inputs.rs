//! What the reasons of one alert are made from.

use crate::decision::reason::Reason;
use crate::events::Transaction;
use crate::profiles::BlockEntry;
use crate::reasons::catalogue::{Catalogue, Known};
use crate::reasons::rule_topics::RuleTopic;
use crate::reasons::usual::UserAmounts;

/// A feature's values at the levels .01, .05, .25, .5, .75, .95, .99 among legitimate training rows.
pub type Levels = [Option<f64>; 7];
pub const UNKNOWN_LEVELS: Levels = [None; 7];
pub const Q01: usize = 0;
pub const Q05: usize = 1;
pub const Q25: usize = 2;
pub const Q50: usize = 3;
pub const Q75: usize = 4;
pub const Q95: usize = 5;
pub const Q99: usize = 6;

/// One rule that was true. `share` is its part of all the hits' points, 0 to 1; `topic` is what its condition reads;
/// `forces` says that its action is forced.
#[derive(Clone, Debug)]
pub struct RuleHit<'a> {
    pub id: &'a str,
    pub text: String,
    pub share: f64,
    pub topic: &'a RuleTopic,
    pub forces: bool,
}

/// What moved the score, in log-odds: the model's against its base, the rules', the anomaly's (0 where it has none).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreParts {
    pub model: f64,
    pub rules: f64,
    pub anomaly: f64,
}

/// One alert, as decided. Nothing in it changes with later transactions: of the user's habits only what the features hold.
///
/// `contributions` are the trees' in log-odds by feature, positive ones only, strongest first; `deviations` the anomaly
/// detectors', above their limit only, strongest first. `unusual` says that nothing but the anomaly's own budget raised
/// the alert. `quantiles` are the features' levels in input order, of those that are known (empty: none are). `base_rate`
/// is the prior that smooths fraud rates. `clock` is the user's local hour and minute, `None` where the time zone is not
/// known. `limit` is how many reasons are told at most; `flags` are all told.
#[derive(Clone, Debug)]
pub struct AlertInputs<'a> {
    pub transaction: &'a Transaction<'a>,
    pub features: &'a [f64],
    pub catalogue: &'a Catalogue,
    pub probability: f64,
    pub parts: ScoreParts,
    pub contributions: &'a [(usize, f64)],
    pub deviations: &'a [(usize, f64)],
    pub hits: Vec<RuleHit<'a>>,
    pub flags: Vec<Reason>,
    pub blocked: &'a [BlockEntry],
    pub unusual: bool,
    pub quantiles: &'a [Option<Levels>],
    pub base_currency: &'a str,
    pub base_rate: f64,
    pub clock: Option<(u32, u32)>,
    pub limit: usize,
}

impl<'a> AlertInputs<'a> {
    /// A feature's value; NaN where there is none.
    pub fn value(&self, position: usize) -> f64 {
        self.features.get(position).copied().unwrap_or(f64::NAN)
    }

    /// What is known of a feature, `None` for a position beyond all.
    pub fn feature(&self, position: usize) -> Option<&'a Known> {
        self.catalogue.features.get(position)
    }

    /// A feature's levels in the population, where any are known.
    pub fn known_levels(&self, position: usize) -> Option<&'a Levels> {
        self.quantiles.get(position)?.as_ref()
    }

    /// The same, with unknown levels where none are known.
    pub fn levels(&self, position: usize) -> &'a Levels {
        self.known_levels(position).unwrap_or(&UNKNOWN_LEVELS)
    }

    /// What this user pays, by the features.
    pub fn user_amounts(&self) -> Option<UserAmounts> {
        UserAmounts::of(self)
    }
}

//! Hourly buckets of what an entity did, as they are stored, and when one may be read.
//!
//! A bucket counts for activity once its end is 5 minutes past, for frauds once its end is the label delay past. What
//! arrives later than that counts in the bucket of the moment it became known. So a replay of history and the live job
//! see the same numbers, however the writer and the reader are aligned.

use crate::entities::kinds::EntityKind;
use crate::entities::risk::{BROAD_RISK_DAYS, LONG_RISK_DAYS, RISK_DAYS};
use crate::time_units::{DAY_MS, MINUTE_MS};

/// Later than any moment, milliseconds.
pub const FOR_EVER_MS: i64 = 1 << 62;
pub const DAY_HOURS: i64 = 24;
pub const WEEK_HOURS: i64 = 168;

/// When a bucket may be read, and the prior that smooths rates: (frauds + weight x rate) / (transactions + weight).
///
/// `risk_days` are the spans of the merchants' fraud rates, `broad_risk_days` those of broad kinds, `other_risk_days`
/// those of all other kinds; ascending, at most MOST_RISK_DAYS of each.
#[derive(Clone, Debug)]
pub struct BucketSettings {
    pub label_delay_ms: i64,
    pub activity_delay_ms: i64,
    pub prior_weight: f64,
    pub prior_fraud_rate: f64,
    pub risk_days: Vec<i64>,
    pub other_risk_days: Vec<i64>,
    pub broad_risk_days: Vec<i64>,
}

impl Default for BucketSettings {
    fn default() -> Self {
        Self {
            label_delay_ms: 7 * DAY_MS,
            activity_delay_ms: 5 * MINUTE_MS,
            prior_weight: 5.0,
            prior_fraud_rate: 0.01,
            risk_days: RISK_DAYS.to_vec(),
            other_risk_days: LONG_RISK_DAYS.to_vec(),
            broad_risk_days: BROAD_RISK_DAYS.to_vec(),
        }
    }
}

impl BucketSettings {
    /// The spans of a kind's fraud rates in days.
    pub fn risk_days_of(&self, kind: EntityKind) -> &[i64] {
        match kind {
            EntityKind::Merchant => &self.risk_days,
            kind if kind.is_broad() => &self.broad_risk_days,
            _ => &self.other_risk_days,
        }
    }
}

/// One entity's buckets: parallel lists over the hours that have anything, ascending.
///
/// `hours` are hours since the epoch; where hours were merged, a day stands at its first. `users_1d` and `users_7d` are
/// changes of the number of distinct users in the 24 and 168 hours that end with the hour's end, those to come included;
/// broad kinds leave both empty. `reported` are the same of the number of frauds that became known in 168 hours and have
/// not been cleared. `amounts` are sums in minor units of the base currency. The kind category also has sums of
/// ln(1 + amount in major units), and of its square, in millionths. `withdrawn` holds pairs: the hour that a fraud was
/// counted in, and the one from whose end it is none.
///
/// Rows of an earlier version have neither `amounts` nor `reported`; of an entity that was counted by one, both are whole
/// from `figures_from_hour` on. `complete_through_ms` is the event time up to which everything was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BucketRow {
    pub complete_through_ms: i64,
    pub first_hour: Option<i64>,
    pub hours: Vec<i64>,
    pub transactions: Vec<i64>,
    pub frauds: Vec<i64>,
    pub users_1d: Vec<i64>,
    pub users_7d: Vec<i64>,
    pub withdrawn: Vec<(i64, i64)>,
    pub amounts: Vec<i64>,
    pub reported: Vec<i64>,
    pub log_amounts: Vec<i64>,
    pub log_amount_squares: Vec<i64>,
    pub figures_from_hour: i64,
}

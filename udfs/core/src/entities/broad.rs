//! Categories' figures for the hour that the stream is at, read once instead of with every transaction.
//!
//! Nearly every transaction of an hour asks for the same categories. What was complete when it was read cannot change
//! within the hour of reading, so it is kept here, without its store being asked again; what was stale is not.

use hashbrown::HashMap;

use crate::entities::buckets::BucketSettings;
use crate::entities::kinds::EntityKind;
use crate::entities::risk::{EntityRisk, FraudRates};
use crate::maths::exp;
use crate::time_units::HOUR_MS;

/// Ids of a kind that are kept within an hour, whatever is sent.
const MOST_KNOWN: usize = 20_000;
const BROAD_KINDS: usize = EntityKind::CATEGORIES.len() + 1;

/// One category as the features take it.
#[derive(Clone, Copy, Debug)]
pub struct BroadFigures {
    fraud_rates: FraudRates,
    pub activity_ratio: f64,
    /// exp of `log_amount_mean`, in major units.
    pub amount_mean: f64,
    pub log_amount_mean: f64,
    pub log_amount_deviation: f64,
}

impl BroadFigures {
    /// The figures of a risk.
    pub fn new(risk: &EntityRisk) -> Self {
        Self {
            fraud_rates: risk.fraud_rates,
            activity_ratio: risk.activity_ratio(),
            amount_mean: exp(risk.log_amount_mean),
            log_amount_mean: risk.log_amount_mean,
            log_amount_deviation: risk.log_amount_deviation,
        }
    }

    /// Smoothed fraud rates, shortest span first.
    pub fn fraud_rates(&self) -> &[f64] {
        self.fraud_rates.as_slice()
    }
}

/// Figures by kind and id, of one hour at a time: the newest that was asked for.
#[derive(Debug, Default)]
pub struct BroadRisks {
    activity_end: i64,
    label_end: i64,
    known: [HashMap<Box<str>, BroadFigures>; BROAD_KINDS],
}

impl BroadRisks {
    /// Go to the hour of a transaction's time. False for an earlier hour, of which nothing is kept.
    pub fn is_at(&mut self, time_ms: i64, settings: &BucketSettings) -> bool {
        let activity_end = (time_ms - settings.activity_delay_ms).div_euclid(HOUR_MS);
        let label_end = (time_ms - settings.label_delay_ms).div_euclid(HOUR_MS);
        if activity_end < self.activity_end || label_end < self.label_end {
            return false;
        }
        if (activity_end, label_end) != (self.activity_end, self.label_end) {
            (self.activity_end, self.label_end) = (activity_end, label_end);
            self.known.iter_mut().for_each(HashMap::clear);
        }
        true
    }

    /// What is kept of a category for the hour; the kind must be a broad one.
    pub fn get(&self, kind: EntityKind, id: &str) -> Option<&BroadFigures> {
        self.known[place_of(kind)].get(id)
    }

    /// Keep final figures for the hour.
    pub fn keep(&mut self, kind: EntityKind, id: &str, figures: BroadFigures) {
        let known = &mut self.known[place_of(kind)];
        if known.len() < MOST_KNOWN {
            known.insert(id.into(), figures);
        }
    }
}

fn place_of(kind: EntityKind) -> usize {
    (kind as usize).saturating_sub(EntityKind::Category as usize)
}

//! The features of one feature set, as reasons look at them: by position, with signal and words.

use std::collections::HashMap;

use crate::features::feature::{Feature, Words};
use crate::features::signal::Signal;
use crate::rules::event_fields::{EVENT_TEXTS, ReadText};

/// One feature.
#[derive(Debug)]
pub struct Known {
    pub name: Box<str>,
    pub signal: Signal,
    pub words: Words,
    /// The position of the feature that its signal needs; `None` where it needs none.
    pub needs: Option<usize>,
    /// The field of the event that names what a flag is about, where there is one.
    pub identity: Option<ReadText>,
}

/// Positions of the features that tell of the user or of the circumstances; beyond all features where there is none.
#[derive(Debug)]
pub struct Positions {
    pub amount: usize,
    pub hour_local: usize,
    pub is_night: usize,
    pub user_night_share: usize,
    pub user_txn_count: usize,
    pub user_avg_amount: usize,
    pub user_std_amount: usize,
    pub user_max_amount: usize,
    pub user_txn_count_30d: usize,
    pub user_avg_amount_30d: usize,
    pub user_std_amount_30d: usize,
    pub user_txn_per_day: usize,
    pub known_device_count: usize,
    pub km_from_last: usize,
    pub seconds_since_last: usize,
    pub prior_fraud_count: usize,
}

/// All features of a feature set, in input order.
#[derive(Debug)]
pub struct Catalogue {
    pub features: Vec<Known>,
    pub at: Positions,
    positions: HashMap<Box<str>, usize>,
}

impl Catalogue {
    /// Of a feature set's features.
    pub fn new<'a>(features: impl IntoIterator<Item = &'a Feature>) -> Self {
        let features: Vec<&Feature> = features.into_iter().collect();
        let positions: HashMap<Box<str>, usize> =
            features.iter().enumerate().map(|(at, feature)| (feature.name.as_ref().into(), at)).collect();
        let beyond = features.len();
        let at = |name: &str| positions.get(name).copied().unwrap_or(beyond);
        let known = features.iter().map(|feature| {
            let (words, signal) = (feature.words.clone(), feature.signal.clone());
            let needs = if signal.needs.is_empty() { None } else { Some(at(&signal.needs)) };
            let identity = EVENT_TEXTS.into_iter().find(|(field, _)| *field == words.field).map(|(_, read)| read);
            Known { name: feature.name.as_ref().into(), words, signal, needs, identity }
        });
        let known = known.collect();
        let at = Positions {
            amount: at("amount"),
            hour_local: at("hour_local"),
            is_night: at("is_night"),
            user_night_share: at("user_night_share"),
            user_txn_count: at("user_txn_count"),
            user_avg_amount: at("user_avg_amount"),
            user_std_amount: at("user_std_amount"),
            user_max_amount: at("user_max_amount"),
            user_txn_count_30d: at("user_txn_count_30d"),
            user_avg_amount_30d: at("user_avg_amount_30d"),
            user_std_amount_30d: at("user_std_amount_30d"),
            user_txn_per_day: at("user_txn_per_day"),
            known_device_count: at("known_device_count"),
            km_from_last: at("km_from_last"),
            seconds_since_last: at("seconds_since_last"),
            prior_fraud_count: at("prior_fraud_count"),
        };
        Self { features: known, at, positions }
    }

    /// Where the flags stand that are computed from a field of the event.
    pub fn read_from(&self, field: &str) -> Vec<usize> {
        let of_field = |feature: &Known| feature.signal.read_from == field;
        self.features.iter().enumerate().filter(|(_, feature)| of_field(feature)).map(|(at, _)| at).collect()
    }

    /// Where a feature stands; `None` for a name that is none.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(name).copied()
    }
}

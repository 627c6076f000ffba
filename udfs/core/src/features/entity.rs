//! The features that entities of several kinds have by their history: fraud rates, reported frauds, activity, users.
//!
//! `kind` begins the names, `entity` are the words for one of the kind, e.g. `this merchant`.

use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;

pub const HISTORY: &str = "entity_history";
const DAY: &str = "24 hourly buckets";
const WEEK: &str = "168 hourly buckets";

/// `KIND_fraud_rate_DAYSd`.
pub fn fraud_rate(kind: &str, entity: &str, days: i64, concept: &str, groups: &[&str]) -> Feature {
    let since = if days <= 7 { "" } else { ", from the UTC midnight before them" };
    let hours = days * 24;
    let formula = format!(
        "(frauds + weight x prior) / (transactions + weight) over the {hours} hourly buckets that ended by \
         t - label delay{since}; unknown without any"
    );
    let span = format!("{days} day{}", if days > 1 { "s" } else { "" });
    let words = Words::number(Form::Percent, format!("fraud rate of {entity} {{}} in {span}"))
        .unknown(format!("no payments known with {entity} in {span}"));
    let signal = Signal::rate(format!("{concept}_risk"));
    Feature::new(format!("{kind}_fraud_rate_{days}d"), "rate", formula, words, signal).groups(&with_history(groups))
}

/// `KIND_frauds_reported_7d`.
pub fn frauds_reported(kind: &str, entity: &str, concept: &str, groups: &[&str]) -> Feature {
    let formula = format!("frauds by the hour they became known in, the {WEEK} that ended by t - 5 minutes");
    let words = Words::number(Form::Count, format!("{{}} frauds with {entity} reported in 7 days"))
        .unknown(unknown_history(entity));
    let signal = Signal::high(format!("{concept}_risk"), 1.0, 2.0).rank(0);
    let name = format!("{kind}_frauds_reported_7d");
    Feature::new(name, "frauds", formula, words, signal).groups(&with_history(groups))
}

/// `KIND_activity_ratio`.
pub fn activity_ratio(kind: &str, entity: &str, formula: &'static str, signal: Signal, groups: &[&str]) -> Feature {
    let words = Words::number(Form::Times, format!("{{}} the usual payments with {entity} in the last day"))
        .unknown(format!("no payments known with {entity} in 7 days"));
    let name = format!("{kind}_activity_ratio");
    Feature::new(name, "ratio", formula, words, signal).groups(&with_history(groups))
}

/// `KIND_user_count_1d`, `KIND_user_count_7d` and `KIND_txn_count_1d` of what few people should share.
pub fn use_by_others(kind: &str, entity: &str, concept: &str, groups: &[&str]) -> [Feature; 3] {
    let groups = with_history(groups);
    let feature = |name: &str, unit: &'static str, formula: String, words: String, least: f64, clear: f64| {
        let words = Words::number(Form::Count, words).unknown(unknown_history(entity));
        let signal = Signal::high(concept.to_owned(), least, clear);
        Feature::new(format!("{kind}_{name}"), unit, formula, words, signal).groups(&groups)
    };
    let users = |buckets: &str| format!("distinct users of the {buckets} that ended by t - 5 minutes");
    let mut payments = feature(
        "txn_count_1d",
        "transactions",
        format!("the {DAY} that ended by t - 5 minutes"),
        format!("{{}} payments with {entity} in 1 day"),
        10.0,
        30.0,
    );
    payments.signal.rank = 2;
    [
        feature("user_count_1d", "users", users(DAY), format!("{{}} users of {entity} in 1 day"), 3.0, 4.0),
        feature("user_count_7d", "users", users(WEEK), format!("{{}} users of {entity} in 7 days"), 3.0, 6.0),
        payments,
    ]
}

/// What is said where an entity's history is not known.
fn unknown_history(entity: &str) -> String {
    format!("no history of {entity}")
}

fn with_history(groups: &[&str]) -> Vec<String> {
    groups.iter().copied().chain([HISTORY]).map(str::to_owned).collect()
}

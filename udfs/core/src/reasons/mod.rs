//! The reasons of an alert: what raised the risk and is unusual, from model, rules, anomaly and lists together, in words.

pub mod alert_reasons;
pub mod catalogue;
pub mod decider;
pub mod event_concepts;
pub mod evidence;
pub mod explainer;
pub mod findings;
pub mod inputs;
pub mod quantities;
pub mod rule_findings;
pub mod rule_topics;
pub mod strongest;
pub mod summary;
pub mod told;
pub mod usual;
pub mod wording;
pub mod words;

#[cfg(feature = "python")]
pub mod python;
#[cfg(test)]
mod reasons_tests;

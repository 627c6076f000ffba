//! What is to be done with a payment, and the records that say so.

pub mod actions;
pub mod base64;
pub mod blake2b;
pub mod decision_record;
pub mod flags;
pub mod identifiers;
pub mod json;
pub mod judge;
pub mod logarithm;
pub mod logged_features;
pub mod notices;
pub mod probability;
pub mod reason;
pub mod reply;
pub mod rule_map;
pub mod score_blend;
pub mod shadow;
pub mod thresholds;

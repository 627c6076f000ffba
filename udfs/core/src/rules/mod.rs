//! Rules as a bank writes them: a condition, what it adds to the score, and the words for it.
//!
//! A condition's text becomes tokens, a typed tree and a compiled form that is asked once a transaction.

pub mod cases;
pub mod check;
pub mod close_match;
pub mod columns;
pub mod condition;
pub mod constraints;
pub mod domains;
pub mod enumerated;
pub mod errors;
pub mod event_fields;
pub mod expressions;
pub mod facts;
pub mod functions;
pub mod language;
pub mod named_lists;
pub mod names;
pub mod names_read;
pub mod number;
pub mod past;
pub mod population;
#[cfg(feature = "python")]
pub mod python;
#[cfg(feature = "python")]
mod python_tree;
pub mod reason_text;
pub mod rollout;
pub mod rule_set;
pub mod rulebook;
pub mod satisfiability;
pub mod scale;
pub mod tokens;
pub mod type_checks;

#[cfg(test)]
mod check_tests;
#[cfg(test)]
mod language_tests;

//! The same conditions over columns: a block of transactions at a time, for rules that are tried on many decisions.
//!
//! The parser is that of single transactions (`language.rs`), and so are the numbers' operations (`number.rs`). What each
//! node of a condition means for a block stands in `values.rs` and `condition.rs`, whose matches name every node: a new one
//! does not compile before it is told what it means here.

pub mod block;
pub mod condition;
pub mod rules;
pub mod values;

#[cfg(test)]
mod tests;

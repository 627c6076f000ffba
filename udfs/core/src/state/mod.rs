//! One user's state: what is remembered of transactions, logins, account changes and labels, and its stored bytes.

pub mod account_history;
pub mod arrivals;
pub mod cache;
pub mod distinct;
pub mod entries;
pub mod flag_days;
pub mod habits;
mod hashing;
pub mod known;
pub mod memory;
pub mod recent;
pub mod settings;
pub mod snapshot;
pub mod sorted_times;
#[cfg(test)]
mod stored_tests;
pub mod sums;
pub mod texts;
pub mod user;
pub mod window;

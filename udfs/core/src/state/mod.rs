//! One user's state: what is remembered of transactions, logins, account changes and labels, and its stored bytes.

pub mod account_history;
pub mod amounts;
pub mod answer;
pub mod arrivals;
#[cfg(test)]
mod busy_tests;
pub mod cache;
pub mod distinct;
pub mod entries;
pub mod flag_days;
pub mod habits;
mod hashing;
pub mod hourly;
pub mod known;
pub mod memory;
pub mod occurrences;
pub mod packed_hours;
pub mod recent;
pub mod settings;
pub mod slices;
pub mod snapshot;
pub mod sorted_times;
#[cfg(test)]
mod stored_tests;
pub mod sums;
pub mod texts;
pub mod user;
pub mod window;

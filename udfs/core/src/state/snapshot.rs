//! A user's decoded state as versioned msgpack bytes: everything but the log of recent events.
//!
//! Layout 1 is [1, sequence, newest_ms, lifetime, peak, first_ms, night_count, newest_day, days, known, before, logins,
//! unblocked_ms, labels]. Sums are [count, total, squares], the last two as big-endian bytes: msgpack's integers end at
//! 64 bits. `logins` are those that the log does not hold. Layout 2 adds the timezone of the profile; layout 3 count and
//! total of the known categories, [merchant, purchased, refunded, refunds] of the known merchants, and the days on which
//! flags were told; layout 4 how far the limit on a user's events has forgotten some, and [time, verified] of
//! the changes that verified the user or took it back. Layout 5 adds the first hour (since the epoch) whose payments were all
//! counted by hour, and of each hour with payments hours since the one before, payments and their sum, in one flat array. In a
//! state of an earlier layout all of these begin with what comes after it.

use std::sync::Arc;

use crate::state::account_history::AccountHistory;
use crate::state::entries::{LoginEntry, TransactionEntry};
use crate::state::flag_days::FlagDays;
use crate::state::habits::Habits;
use crate::state::hourly::HourlyPayments;
use crate::state::texts::Texts;

mod reading;
mod writing;
pub use reading::decode;
pub use writing::encode;

/// How many fields each layout has, behind its tag.
const FIELDS_OF_LAYOUT: [usize; 5] = [13, 14, 17, 19, 21];

/// The stored parts of a user that has no other place while it is loaded.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub sequence: i64,
    pub newest_ms: i64,
    pub habits: Habits,
    pub hourly: HourlyPayments,
    pub account: AccountHistory,
    pub before: Option<TransactionEntry>,
    pub timezone: Option<Arc<str>>,
    pub flag_days: FlagDays,
    pub limited_ms: i64,
}

/// The parts of a user that a snapshot is made of; `logins` are the account's that the log does not hold.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    pub sequence: i64,
    pub newest_ms: i64,
    pub habits: &'a Habits,
    pub hourly: &'a HourlyPayments,
    pub account: &'a AccountHistory,
    pub before: Option<&'a TransactionEntry>,
    pub logins: &'a [Arc<LoginEntry>],
    pub timezone: Option<&'a str>,
    pub flag_days: &'a FlagDays,
    pub limited_ms: i64,
    pub texts: &'a Texts,
}

//! What of a user is kept, and for how long.

use crate::time_units::{DAY_MS, HOUR_MS, MINUTE_MS};

/// Widths in milliseconds. An event up to `lateness_ms` behind the newest one still sees its own full day.
#[derive(Clone, Debug)]
pub struct WindowSettings {
    pub five_minutes_ms: i64,
    pub hour_ms: i64,
    pub day_ms: i64,
    pub lateness_ms: i64,
    pub forget_batch: usize,
}

impl Default for WindowSettings {
    fn default() -> Self {
        Self { five_minutes_ms: 5 * MINUTE_MS, hour_ms: HOUR_MS, day_ms: DAY_MS, lateness_ms: DAY_MS, forget_batch: 32 }
    }
}

impl WindowSettings {
    /// How far behind the newest event a transaction can still matter to a window, in milliseconds.
    pub fn horizon_ms(&self) -> i64 {
        self.day_ms + self.lateness_ms
    }
}

/// How many different values of each kind stay known; the least recently used goes first.
#[derive(Clone, Debug)]
pub struct HabitSettings {
    pub devices: usize,
    pub countries: usize,
    pub cities: usize,
    pub merchants: usize,
    pub categories: usize,
    pub ip_addresses: usize,
    pub beneficiaries: usize,
    pub days: i64,
}

impl Default for HabitSettings {
    fn default() -> Self {
        Self {
            devices: 16,
            countries: 8,
            cities: 16,
            merchants: 64,
            categories: 32,
            ip_addresses: 16,
            beneficiaries: 32,
            days: 32,
        }
    }
}

/// The newest `logins` logins of `horizon_ms` behind the user's newest event are kept; at least `keep` stay.
///
/// Counts of failed logins end at `logins`: an attack with more tells nothing more.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    pub horizon_ms: i64,
    pub logins: usize,
    pub keep: usize,
    pub unblocks: usize,
    pub labels: usize,
}

impl AccountSettings {
    /// The usual limits behind a horizon.
    pub fn new(horizon_ms: i64) -> Self {
        Self { horizon_ms, logins: 256, keep: 8, unblocks: 8, labels: 64 }
    }
}

/// `cache_bytes` bounds the decoded users in memory, `max_events` what is remembered of one: of a user with more events within the
/// horizon the oldest are forgotten. The others trade bytes written for work on a cold load.
#[derive(Clone, Debug)]
pub struct UserStateSettings {
    pub cache_bytes: usize,
    pub snapshot_every: i64,
    pub snapshot_after_ms: i64,
    pub compact_slack: usize,
    pub max_events: i64,
    pub windows: WindowSettings,
    pub habits: HabitSettings,
}

impl Default for UserStateSettings {
    fn default() -> Self {
        Self {
            cache_bytes: 512 << 20,
            snapshot_every: 64,
            snapshot_after_ms: 7 * DAY_MS,
            compact_slack: 64,
            max_events: 100_000,
            windows: WindowSettings::default(),
            habits: HabitSettings::default(),
        }
    }
}

impl UserStateSettings {
    /// A user's oldest events are looked for, and forgotten, every so many.
    pub fn limit_every(&self) -> i64 {
        (self.max_events / 8).max(1)
    }
}

//! One user, decoded, and how it learns.
//!
//! The stored state is complete after every event: an entry is appended with each, the snapshot is only rewritten now and
//! then and the log's tail is folded into it on a cold load. So dropping a decoded user costs time and nothing else.

use std::sync::Arc;

use crate::msgpack::reader::Malformed;
use crate::msgpack::writer::Writer;
use crate::state::account_history::AccountHistory;
use crate::state::arrivals::{Arrival, Arrivals, IdKind, Number};
use crate::state::entries::{LogEntry, TransactionEntry};
use crate::state::flag_days::FlagDays;
use crate::state::habits::Habits;
use crate::state::hourly::HourlyPayments;
use crate::state::recent::{Previous, Recent, RecentTransactions};
use crate::state::settings::{AccountSettings, UserStateSettings};
use crate::state::snapshot::{self, Parts};
use crate::state::texts::Texts;

/// Ids go in batches, every so many events.
const FORGET_EVERY: i64 = 32;

/// What is to be written to the user's keyed state, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Add an entry to the log.
    Append(Vec<u8>),
    /// The whole log is this.
    Replace(Vec<Vec<u8>>),
    /// Save the snapshot.
    Snapshot(Vec<u8>),
    /// Remove snapshot and log.
    Clear,
}

/// One user, decoded.
#[derive(Clone, Debug)]
pub struct User {
    pub texts: Texts,
    pub habits: Habits,
    /// All payments, late ones too.
    pub hourly: HourlyPayments,
    pub account: AccountHistory,
    pub recent: Recent,
    pub arrivals: Arrivals,
    pub flag_days: FlagDays,
    /// The timezone of the profile, as the state knows it.
    pub timezone: Option<Arc<str>>,
    /// The newest event time accepted, epoch milliseconds; -1 before any.
    pub newest_ms: i64,
    /// Until the horizon has passed this, events are missing that the limit has forgotten; -1 before any.
    pub limited_ms: i64,
    /// The number of the newest entry.
    pub sequence: i64,
    log_length: usize,
    snapshot_sequence: i64,
    snapshot_newest_ms: i64,
}

impl Default for User {
    fn default() -> Self {
        Self {
            texts: Texts::default(),
            habits: Habits::default(),
            hourly: HourlyPayments::default(),
            account: AccountHistory::default(),
            recent: Recent::default(),
            arrivals: Arrivals::default(),
            flag_days: FlagDays::default(),
            timezone: None,
            newest_ms: -1,
            limited_ms: -1,
            sequence: 0,
            log_length: 0,
            snapshot_sequence: 0,
            snapshot_newest_ms: -1,
        }
    }
}

impl User {
    /// A user from the stored snapshot and the log's entries, in the order in which they were appended.
    ///
    /// Raises `Malformed` for bytes of an unknown layout.
    pub fn load(
        snapshot: Option<&[u8]>,
        log: &[&[u8]],
        settings: &UserStateSettings,
        account_settings: &AccountSettings,
    ) -> Result<Self, Malformed> {
        let mut user = Self::default();
        let horizon_ms = settings.windows.horizon_ms();
        let mut before: Option<TransactionEntry> = None;
        let mut logins_since_ms = -1;
        if let Some(bytes) = snapshot {
            let stored = snapshot::decode(bytes, &mut user.texts)?;
            user.habits = stored.habits;
            user.hourly = stored.hourly;
            user.account = stored.account;
            (user.sequence, user.snapshot_sequence) = (stored.sequence, stored.sequence);
            (user.newest_ms, user.snapshot_newest_ms) = (stored.newest_ms, stored.newest_ms);
            before = stored.before;
            user.timezone = stored.timezone;
            user.flag_days = stored.flag_days;
            user.limited_ms = stored.limited_ms;
            logins_since_ms = stored.newest_ms.saturating_sub(horizon_ms);
        }
        user.log_length = log.len();
        let mut transactions: Vec<(i64, Number)> = Vec::new();
        for item in log {
            let entry = LogEntry::decode(item, &mut user.texts)?;
            let is_new = entry.sequence() > user.snapshot_sequence;
            if !is_new {
                if let LogEntry::Login(login) = &entry
                    && login.remembered_ms > logins_since_ms
                {
                    user.account.learn_login(login.clone(), account_settings);
                }
            } else if let LogEntry::Transaction(entry) = &entry {
                user.sequence = entry.sequence;
                user.newest_ms = entry.remembered_ms;
                user.hourly.learn(entry.timestamp_ms, entry.minor);
                if !entry.late {
                    user.habits.learn(entry, &settings.habits, &mut user.texts);
                }
            }
            match entry {
                LogEntry::Transaction(entry) => {
                    let (is_late, time_ms) = (entry.late, entry.timestamp_ms);
                    let number = user.arrivals.push(Arrival::Transaction(entry));
                    user.arrivals.remember(number);
                    if !is_late {
                        transactions.push((time_ms, number));
                    }
                }
                entry if is_new => user.learn_other(entry, account_settings),
                LogEntry::Login(login) => user.remember(Arrival::Login(login)),
                LogEntry::Account(change) => user.remember(Arrival::Account(change)),
                LogEntry::Label(_) | LogEntry::Zone(_) | LogEntry::Flags(_) => {}
            }
        }
        let start_ms = user.newest_ms.saturating_sub(horizon_ms);
        user.restore_windows(transactions, before, start_ms);
        user.arrivals.forget_ids(start_ms);
        user.limit(settings);
        user.arrivals.drop_unneeded(&mut user.texts);
        Ok(user)
    }

    /// Is this id among those accepted within 48 h of the user's newest event, the one at `time_ms` included?
    pub fn has_seen(&self, kind: IdKind, id: &str, time_ms: i64, horizon_ms: i64) -> bool {
        self.arrivals.knows(kind, id, self.newest_ms.max(time_ms).saturating_sub(horizon_ms))
    }

    /// Are events of the horizon missing, because there were more than are remembered of one user?
    pub fn is_limited(&self, settings: &UserStateSettings) -> bool {
        let start_ms = self.newest_ms.saturating_sub(settings.windows.horizon_ms());
        self.limited_ms >= 0 && self.limited_ms > start_ms
    }

    /// Count a transaction in the windows, unless it is late. `commit_transaction` has to follow, or the user be dropped.
    pub fn arrive(&mut self, entry: TransactionEntry) -> Number {
        let is_late = entry.late;
        let number = self.arrivals.push(Arrival::Transaction(entry));
        if !is_late {
            self.recent.add(number, &mut self.arrivals);
        }
        number
    }

    /// Learn a transaction that has arrived: gives what is to be written.
    pub fn commit_transaction(&mut self, number: Number, settings: &UserStateSettings) -> Vec<Write> {
        let mut out = Writer::default();
        let Some(entry) = self.arrivals.transaction(number) else { return Vec::new() };
        entry.write(&self.texts, &mut out);
        self.sequence = entry.sequence;
        self.newest_ms = entry.remembered_ms;
        self.hourly.learn(entry.timestamp_ms, entry.minor);
        if !entry.late {
            self.habits.learn(entry, &settings.habits, &mut self.texts);
        }
        self.arrivals.remember(number);
        self.written(out.bytes, settings)
    }

    /// Learn anything but a transaction: gives what is to be written.
    pub fn commit(
        &mut self,
        entry: LogEntry,
        settings: &UserStateSettings,
        account_settings: &AccountSettings,
    ) -> Vec<Write> {
        let bytes = entry.encode(&self.texts);
        self.learn_other(entry, account_settings);
        self.written(bytes, settings)
    }

    /// The transactions of the last 48 hours, as features read them.
    pub fn recent_transactions<'a>(&'a self, settings: &'a UserStateSettings) -> RecentTransactions<'a> {
        RecentTransactions::new(&self.recent, &self.arrivals, &settings.windows)
    }

    /// Ask for the memory that the next event of the user reads.
    pub fn prefetch(&self) {
        self.texts.prefetch();
        self.habits.prefetch();
        self.hourly.prefetch();
        self.account.prefetch();
        self.recent.prefetch();
        self.arrivals.prefetch();
    }

    /// Bytes of memory that this user takes, about.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.texts.heap_bytes()
            + self.habits.heap_bytes()
            + self.hourly.heap_bytes()
            + self.account.heap_bytes()
            + self.recent.heap_bytes()
            + self.arrivals.heap_bytes()
    }

    fn learn_other(&mut self, entry: LogEntry, settings: &AccountSettings) {
        self.sequence = entry.sequence();
        match entry {
            LogEntry::Transaction(entry) => entry.release(&mut self.texts),
            LogEntry::Login(login) => {
                self.newest_ms = login.remembered_ms;
                self.account.learn_login(login.clone(), settings);
                self.remember(Arrival::Login(login));
            }
            LogEntry::Account(change) => {
                self.newest_ms = change.remembered_ms;
                self.account.learn_change(&change, settings);
                self.remember(Arrival::Account(change));
            }
            LogEntry::Label(label) => self.account.learn_label(label, settings),
            LogEntry::Zone(zone) => self.timezone = zone.timezone,
            LogEntry::Flags(flags) => flags.kinds.iter().for_each(|kind| self.flag_days.learn(kind, flags.day)),
        }
    }

    fn remember(&mut self, arrival: Arrival) {
        let number = self.arrivals.push(arrival);
        self.arrivals.remember(number);
    }

    /// Forget the oldest events of a user with too many. Which ones depends on the newest event's number alone, so that a
    /// user who is loaded again remembers the same.
    fn limit(&mut self, settings: &UserStateSettings) {
        let every = settings.limit_every();
        let last = self.sequence / every * every - settings.max_events;
        if let Some(newest_ms) = self.arrivals.forget_until(last) {
            self.limited_ms = self.limited_ms.max(newest_ms);
            let kept = self.arrivals.recent();
            self.recent.rebuild(&kept, &mut self.arrivals);
        }
    }

    /// What is to be written after an entry was learned: itself; now and then the snapshot, or the log without what is dead.
    fn written(&mut self, entry: Vec<u8>, settings: &UserStateSettings) -> Vec<Write> {
        let start_ms = self.newest_ms.saturating_sub(settings.windows.horizon_ms());
        let batch = settings.windows.forget_batch;
        self.recent.forget(start_ms, batch, &mut self.arrivals, &mut self.texts);
        if self.sequence % FORGET_EVERY == 0 {
            self.arrivals.forget_ids(start_ms);
        }
        if self.sequence % settings.limit_every() == 0 {
            self.limit(settings);
        }
        self.arrivals.drop_unneeded(&mut self.texts);
        self.log_length += 1;
        let kept = self.arrivals.remembered_len();
        if self.log_length > 2 * kept + settings.compact_slack {
            let snapshot = self.snapshot(start_ms);
            self.log_length = kept;
            let log = self.arrivals.remembered().map(|arrival| encoded(arrival, &self.texts)).collect();
            return vec![Write::Replace(log), Write::Snapshot(snapshot)];
        }
        if self.sequence - self.snapshot_sequence >= settings.snapshot_every
            || self.newest_ms.saturating_sub(self.snapshot_newest_ms) >= settings.snapshot_after_ms
        {
            return vec![Write::Append(entry), Write::Snapshot(self.snapshot(start_ms))];
        }
        vec![Write::Append(entry)]
    }

    fn snapshot(&mut self, start_ms: i64) -> Vec<u8> {
        self.snapshot_sequence = self.sequence;
        self.snapshot_newest_ms = self.newest_ms;
        let before = self.recent.entry_of(self.recent.newest_beyond(start_ms), &self.arrivals);
        // The log keeps the others.
        let expired = self.account.logins().iter().filter(|login| login.remembered_ms <= start_ms);
        let logins: Vec<_> = expired.cloned().collect();
        snapshot::encode(&Parts {
            sequence: self.sequence,
            newest_ms: self.newest_ms,
            habits: &self.habits,
            hourly: &self.hourly,
            account: &self.account,
            before,
            logins: &logins,
            timezone: self.timezone.as_deref(),
            flag_days: &self.flag_days,
            limited_ms: self.limited_ms,
            texts: &self.texts,
        })
    }

    /// Windows from the log's transactions; of those beyond the horizon the newest is remembered.
    fn restore_windows(&mut self, transactions: Vec<(i64, Number)>, stored: Option<TransactionEntry>, start_ms: i64) {
        let mut newest: Option<(i64, Previous)> = stored.as_ref().map(|entry| (entry.timestamp_ms, Previous::Before));
        if let Some(stored) = stored {
            self.recent.replace_before(stored, &mut self.texts);
        }
        for (time_ms, number) in transactions {
            if time_ms > start_ms {
                self.recent.add(number, &mut self.arrivals);
            } else if newest.is_none_or(|(known_ms, _)| time_ms >= known_ms) {
                newest = Some((time_ms, Previous::Recent(number)));
            }
        }
        if let Some((_, Previous::Recent(number))) = newest
            && let Some(entry) = self.arrivals.transaction(number)
        {
            let entry = entry.held_again(&mut self.texts);
            self.recent.replace_before(entry, &mut self.texts);
        }
    }
}

fn encoded(arrival: &Arrival, texts: &Texts) -> Vec<u8> {
    let mut out = Writer::default();
    match arrival {
        Arrival::Transaction(entry) => entry.write(texts, &mut out),
        Arrival::Login(entry) => entry.write(&mut out),
        Arrival::Account(entry) => entry.write(&mut out),
    }
    out.bytes
}

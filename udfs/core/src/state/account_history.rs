//! What a user's stream told besides transactions: logins, changes of the account's status, and labels.

use std::sync::Arc;

use crate::prefetch;
use crate::state::entries::{AccountEntry, LabelEntry, LoginEntry};
use crate::state::memory::{ALLOCATION_BYTES, vec_bytes};
use crate::state::settings::AccountSettings;
use crate::state::sorted_times::{first_after, insert_time};

/// The newest label of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLabel {
    pub transaction_id: Box<str>,
    pub known_at_ms: i64,
    pub is_fraud: bool,
}

/// Logins in time order, times of unblocking, and the newest label of each transaction, in order of first arrival.
#[derive(Clone, Debug, Default)]
pub struct AccountHistory {
    logins: Vec<Arc<LoginEntry>>,
    failed_times: Vec<i64>,
    pub unblocked_ms: Vec<i64>,
    /// When the user was verified, or was no longer, in time order.
    pub verifications: Vec<(i64, bool)>,
    labels: Vec<KnownLabel>,
    fraud_known_ms: Vec<i64>,
}

impl AccountHistory {
    /// Ask for the memory that the next event of the user reads.
    pub fn prefetch(&self) {
        prefetch::end_of(&self.logins);
        prefetch::end_of(&self.failed_times);
        prefetch::end_of(&self.fraud_known_ms);
    }

    /// All logins that are kept, in time order.
    pub fn logins(&self) -> &[Arc<LoginEntry>] {
        &self.logins
    }

    /// The newest label of each transaction.
    pub fn labels(&self) -> &[KnownLabel] {
        &self.labels
    }

    /// When each fraud became known, ascending, in epoch milliseconds.
    pub fn fraud_known_ms(&self) -> &[i64] {
        &self.fraud_known_ms
    }

    /// Take logins that are in time order.
    pub fn restore_logins(&mut self, logins: Vec<Arc<LoginEntry>>) {
        self.logins = logins;
        self.index_failures();
    }

    /// Take labels in order of first arrival.
    pub fn restore_labels(&mut self, labels: Vec<KnownLabel>) {
        self.labels = labels;
        self.index_frauds();
    }

    pub fn learn_login(&mut self, entry: Arc<LoginEntry>, settings: &AccountSettings) {
        let expired_ms = entry.remembered_ms.saturating_sub(settings.horizon_ms);
        if entry.success == Some(false) {
            insert_time(&mut self.failed_times, entry.timestamp_ms);
        }
        let at = self.position_after(entry.timestamp_ms);
        self.logins.insert(at, entry);
        let expired = self.position_after(expired_ms).min(self.logins.len().saturating_sub(settings.keep));
        let surplus = expired.max(self.logins.len().saturating_sub(settings.logins));
        if surplus > 0 {
            self.logins.drain(..surplus);
            self.index_failures();
        }
    }

    pub fn learn_change(&mut self, entry: &AccountEntry, settings: &AccountSettings) {
        if entry.unblocked {
            insert_time(&mut self.unblocked_ms, entry.timestamp_ms);
            let surplus = self.unblocked_ms.len().saturating_sub(settings.unblocks);
            self.unblocked_ms.drain(..surplus);
        }
        if let Some(verified) = entry.verified {
            let at = self.verifications.partition_point(|(time_ms, _)| *time_ms <= entry.timestamp_ms);
            self.verifications.insert(at, (entry.timestamp_ms, verified));
            let surplus = self.verifications.len().saturating_sub(settings.unblocks);
            self.verifications.drain(..surplus);
        }
    }

    /// The newest label of a transaction wins; of two known at the same moment, the later to arrive.
    ///
    /// Over the limit those go first that say legitimate: nobody counts them.
    pub fn learn_label(&mut self, entry: LabelEntry, settings: &AccountSettings) {
        let LabelEntry { transaction_id, known_at_ms, is_fraud, .. } = entry;
        let known = self.labels.iter_mut().find(|label| label.transaction_id == transaction_id);
        let was_fraud = match known {
            Some(known) if known.known_at_ms > known_at_ms => return,
            Some(known) => {
                let was_fraud = known.is_fraud;
                (known.known_at_ms, known.is_fraud) = (known_at_ms, is_fraud);
                was_fraud
            }
            None => {
                if self.labels.len() >= settings.labels {
                    let legitimate = self.labels.iter().position(|label| !label.is_fraud);
                    if legitimate.is_none() && !is_fraud {
                        return;
                    }
                    self.labels.remove(legitimate.unwrap_or(0));
                }
                self.labels.push(KnownLabel { transaction_id, known_at_ms, is_fraud });
                false
            }
        };
        if is_fraud || was_fraud {
            self.index_frauds();
        }
    }

    /// Failed logins in (time - width, time].
    pub fn failed_logins(&self, time_ms: i64, width_ms: i64) -> u64 {
        let times = &self.failed_times;
        (first_after(times, time_ms) - first_after(times, time_ms - width_ms)) as u64
    }

    /// Different known devices of the logins in (time - width, time].
    pub fn login_devices(&self, time_ms: i64, width_ms: i64) -> u64 {
        let (first, last) = (self.position_after(time_ms - width_ms), self.position_after(time_ms));
        let mut devices: Vec<&str> =
            self.logins[first..last].iter().filter_map(|login| login.device_id.as_deref()).collect();
        devices.sort_unstable();
        devices.dedup();
        devices.len() as u64
    }

    /// The newest successful login at or before a moment.
    pub fn last_success(&self, time_ms: i64) -> Option<&LoginEntry> {
        let until = &self.logins[..self.position_after(time_ms)];
        until.iter().rev().find(|login| login.success == Some(true)).map(Arc::as_ref)
    }

    /// The newest login at or before a moment, and the one before it; `None` where there are not two.
    pub fn last_two(&self, time_ms: i64) -> Option<(&LoginEntry, &LoginEntry)> {
        match &self.logins[..self.position_after(time_ms)] {
            [.., earlier, newest] => Some((earlier, newest)),
            _ => None,
        }
    }

    /// Transactions whose newest label says fraud, as known at a moment.
    pub fn confirmed_frauds(&self, time_ms: i64) -> usize {
        first_after(&self.fraud_known_ms, time_ms)
    }

    /// The newest unblocking at or before a moment, in epoch milliseconds.
    pub fn last_unblocked_ms(&self, time_ms: i64) -> Option<i64> {
        self.unblocked_ms[..first_after(&self.unblocked_ms, time_ms)].last().copied()
    }

    /// Was the user verified or not by the newest change at or before a moment? `None` without such a change.
    pub fn verified(&self, time_ms: i64) -> Option<bool> {
        let until = self.verifications.partition_point(|(changed_ms, _)| *changed_ms <= time_ms);
        self.verifications[..until].last().map(|(_, verified)| *verified)
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        let labels: usize = self.labels.iter().map(|label| label.transaction_id.len() + ALLOCATION_BYTES).sum();
        vec_bytes(&self.logins)
            + self.logins.len() * (size_of::<LoginEntry>() + 4 * ALLOCATION_BYTES)
            + vec_bytes(&self.failed_times)
            + vec_bytes(&self.unblocked_ms)
            + vec_bytes(&self.verifications)
            + vec_bytes(&self.labels)
            + vec_bytes(&self.fraud_known_ms)
            + labels
    }

    fn position_after(&self, time_ms: i64) -> usize {
        self.logins.partition_point(|login| login.timestamp_ms <= time_ms)
    }

    fn index_failures(&mut self) {
        let failed = self.logins.iter().filter(|login| login.success == Some(false));
        self.failed_times = failed.map(|login| login.timestamp_ms).collect();
    }

    fn index_frauds(&mut self) {
        let frauds = self.labels.iter().filter(|label| label.is_fraud);
        self.fraud_known_ms = frauds.map(|label| label.known_at_ms).collect();
        self.fraud_known_ms.sort_unstable();
    }
}

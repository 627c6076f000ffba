//! Distinct values in the windows of late transactions, for users who have many.

use crate::state::entries::TransactionEntry;
use crate::state::occurrences::Occurrences;

/// The merchants, devices and countries of a user's recent transactions.
#[derive(Clone, Debug)]
pub struct Slices {
    pub merchants: Occurrences,
    pub devices: Occurrences,
    pub countries: Occurrences,
    /// Transactions that were dropped since this was made; they lie before every window.
    dropped: usize,
}

impl Slices {
    pub fn of<'e>(entries: impl Iterator<Item = &'e TransactionEntry> + Clone) -> Self {
        Self {
            merchants: Occurrences::of(entries.clone().map(|entry| (entry.merchant, entry.timestamp_ms))),
            devices: Occurrences::of(entries.clone().map(|entry| (entry.device, entry.timestamp_ms))),
            countries: Occurrences::of(entries.map(|entry| (entry.country, entry.timestamp_ms))),
            dropped: 0,
        }
    }

    pub fn add(&mut self, entry: &TransactionEntry) {
        self.merchants.add(entry.merchant, entry.timestamp_ms);
        self.devices.add(entry.device, entry.timestamp_ms);
        self.countries.add(entry.country, entry.timestamp_ms);
    }

    /// Is it still worth its memory, when `dropped` more are gone and `kept` remain?
    pub fn stays(&mut self, dropped: usize, kept: usize) -> bool {
        self.dropped += dropped;
        kept > self.dropped
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.merchants.heap_bytes() + self.devices.heap_bytes() + self.countries.heap_bytes()
    }
}

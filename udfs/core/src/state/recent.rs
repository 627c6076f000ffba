//! Exact sliding windows (t - width, t] over one user's recent transactions.
//!
//! Everything is kept in time order, so that a window is two searches away: counts are differences of positions, sums are
//! differences of prefix sums over integer minor units (no drift), the maximum comes from a descending list of peaks and
//! the distinct counts from sorted last-seen times. The last two answer only for "now", the user's newest transaction;
//! a late transaction counts the slice of its window one by one, and by indexes where a user has many.

use crate::prefetch;
use crate::state::amounts::Amounts;
use crate::state::arrivals::{Arrivals, Number};
use crate::state::distinct::Distinct;
use crate::state::entries::TransactionEntry;
use crate::state::memory::vec_bytes;
use crate::state::slices::Slices;
use crate::state::sorted_times::{first_after, insert_time};
use crate::state::texts::Texts;

mod reading;
pub use reading::{RecentTransactions, distinct};

/// From so many transactions on those that arrive late are counted by an index.
const MANY: usize = 512;

/// One user's transactions within the horizon, in time order (ties by arrival), with their indexes.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    order: Vec<Number>,
    times: Vec<i64>,
    amounts: Amounts,
    /// Amounts that no later transaction reaches, descending.
    peaks: Vec<u64>,
    peak_times: Vec<i64>,
    declined_times: Vec<i64>,
    refund_times: Vec<i64>,
    refund_amounts: Amounts,
    merchants: Distinct,
    devices: Distinct,
    countries: Distinct,
    /// Made for the first late transaction of a user with many.
    slices: Option<Box<Slices>>,
    /// The newest of those forgotten.
    before: Option<Box<TransactionEntry>>,
}

/// Which transaction was the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Previous {
    None,
    Recent(Number),
    Before,
}

impl Recent {
    /// Ask for the memory that the next event of the user reads.
    pub fn prefetch(&self) {
        prefetch::end_of(&self.order);
        prefetch::end_of(&self.times);
        prefetch::end_of(self.amounts.newest());
        prefetch::end_of(&self.peaks);
        prefetch::end_of(&self.peak_times);
        self.merchants.prefetch();
        self.devices.prefetch();
        self.countries.prefetch();
    }

    /// Count a transaction that has arrived and is at most `lateness_ms` late.
    pub fn add(&mut self, number: Number, arrivals: &mut Arrivals) {
        let Some(entry) = arrivals.transaction(number) else { return };
        let (time_ms, minor) = (entry.timestamp_ms, entry.minor);
        let at = first_after(&self.times, time_ms);
        grow(&mut self.order);
        grow(&mut self.times);
        self.order.insert(at, number);
        self.times.insert(at, time_ms);
        self.amounts.insert(at, minor);
        self.add_peak(time_ms, minor);
        if entry.declined {
            insert_time(&mut self.declined_times, time_ms);
        }
        if entry.refund {
            self.add_refund(time_ms, minor);
        }
        self.merchants.add(entry.merchant, time_ms);
        self.devices.add(entry.device, time_ms);
        self.countries.add(entry.country, time_ms);
        if let Some(slices) = &mut self.slices {
            slices.add(entry);
        } else if at + 1 < self.times.len() && self.times.len() > MANY {
            let entries = self.order.iter().filter_map(|number| arrivals.transaction(*number));
            self.slices = Some(Box::new(Slices::of(entries)));
        }
        arrivals.set_recent(number, true);
    }

    /// Count these transactions and no others.
    pub fn rebuild(&mut self, numbers: &[Number], arrivals: &mut Arrivals) {
        let before = self.before.take();
        *self = Self { before, ..Self::default() };
        numbers.iter().for_each(|number| self.add(*number, arrivals));
    }

    /// The newest transaction of those beyond the horizon, which holds its texts, in place of the one before it.
    pub fn replace_before(&mut self, before: TransactionEntry, texts: &mut Texts) {
        if let Some(earlier) = self.before.replace(Box::new(before)) {
            earlier.release(texts);
        }
    }

    /// The transaction with the greatest event time <= `time_ms` (ties: the last to arrive), the current one not yet
    /// added. What lies beyond the horizon counts only by its newest, whether it was forgotten already or not.
    pub fn last_before(&self, time_ms: i64, start_ms: i64, arrivals: &Arrivals) -> Previous {
        let at = first_after(&self.times, time_ms);
        if at > 0 && self.times[at - 1] > start_ms {
            return Previous::Recent(self.order[at - 1]);
        }
        let beyond = self.newest_beyond(start_ms);
        match self.entry_of(beyond, arrivals) {
            Some(entry) if entry.timestamp_ms <= time_ms => beyond,
            _ => Previous::None,
        }
    }

    /// The newest transaction at or before the horizon's start, whether it was forgotten already or not.
    pub fn newest_beyond(&self, start_ms: i64) -> Previous {
        match first_after(&self.times, start_ms) {
            0 if self.before.is_some() => Previous::Before,
            0 => Previous::None,
            beyond => Previous::Recent(self.order[beyond - 1]),
        }
    }

    /// The entry that `last_before` or `newest_beyond` found.
    pub fn entry_of<'a>(&'a self, previous: Previous, arrivals: &'a Arrivals) -> Option<&'a TransactionEntry> {
        match previous {
            Previous::None => None,
            Previous::Recent(number) => arrivals.transaction(number),
            Previous::Before => self.before.as_deref(),
        }
    }

    /// Drop what no window can see any more, a batch at a time.
    pub fn forget(&mut self, start_ms: i64, batch: usize, arrivals: &mut Arrivals, texts: &mut Texts) {
        if self.times.get(batch).is_none_or(|time_ms| *time_ms > start_ms) {
            return;
        }
        let cut = first_after(&self.times, start_ms);
        if let Some(newest) = arrivals.transaction(self.order[cut - 1]) {
            let newest = newest.held_again(texts);
            self.replace_before(newest, texts);
        }
        self.order.drain(..cut).for_each(|number| arrivals.set_recent(number, false));
        self.times.drain(..cut);
        self.amounts.drop_first(cut);
        let kept = self.times.len();
        self.slices.take_if(|slices| kept < MANY / 2 || !slices.stays(cut, kept));
        let cut = first_after(&self.peak_times, start_ms);
        self.peak_times.drain(..cut);
        self.peaks.drain(..cut);
        let cut = first_after(&self.declined_times, start_ms);
        self.declined_times.drain(..cut);
        let cut = first_after(&self.refund_times, start_ms);
        self.refund_times.drain(..cut);
        self.refund_amounts.drop_first(cut);
        self.merchants.forget(start_ms);
        self.devices.forget(start_ms);
        self.countries.forget(start_ms);
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        vec_bytes(&self.order)
            + vec_bytes(&self.times)
            + self.amounts.heap_bytes()
            + vec_bytes(&self.peaks)
            + vec_bytes(&self.peak_times)
            + vec_bytes(&self.declined_times)
            + vec_bytes(&self.refund_times)
            + self.refund_amounts.heap_bytes()
            + self.merchants.heap_bytes()
            + self.devices.heap_bytes()
            + self.countries.heap_bytes()
            + self.slices.as_ref().map_or(0, |slices| slices.bytes())
            + self.before.as_ref().map_or(0, |_| size_of::<TransactionEntry>())
    }

    fn add_peak(&mut self, time_ms: i64, minor: u64) {
        let end = first_after(&self.peak_times, time_ms);
        if self.peaks.get(end).is_some_and(|peak| *peak >= minor) {
            return;
        }
        let begin = self.peaks[..end].iter().rposition(|peak| *peak > minor).map_or(0, |at| at + 1);
        self.peaks.splice(begin..end, [minor]);
        self.peak_times.splice(begin..end, [time_ms]);
    }

    fn add_refund(&mut self, time_ms: i64, minor: u64) {
        let at = first_after(&self.refund_times, time_ms);
        self.refund_times.insert(at, time_ms);
        self.refund_amounts.insert(at, minor);
    }
}

/// Room for one more, with less to spare than doubling leaves: most users are quiet.
fn grow<T>(values: &mut Vec<T>) {
    if values.len() == values.capacity() {
        values.reserve_exact(values.len() / 4 + 2);
    }
}

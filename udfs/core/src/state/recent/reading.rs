//! Windows and what else features ask of a user's recent transactions.

use crate::state::arrivals::Arrivals;
use crate::state::entries::TransactionEntry;
use crate::state::recent::Recent;
use crate::state::settings::WindowSettings;
use crate::state::sorted_times::first_after;
use crate::state::texts::Symbol;
use crate::state::window::{Window, Windows};

/// A user's recent transactions as features read them.
#[derive(Clone, Copy, Debug)]
pub struct RecentTransactions<'a> {
    recent: &'a Recent,
    arrivals: &'a Arrivals,
    pub settings: &'a WindowSettings,
}

impl<'a> RecentTransactions<'a> {
    /// A view of one user.
    pub fn new(recent: &'a Recent, arrivals: &'a Arrivals, settings: &'a WindowSettings) -> Self {
        Self { recent, arrivals, settings }
    }

    /// Their event times, ascending.
    pub fn times(&self) -> &'a [i64] {
        &self.recent.times
    }

    /// Those at positions `first..last` of `times`.
    pub fn entries(&self, first: usize, last: usize) -> impl DoubleEndedIterator<Item = &'a TransactionEntry> {
        let arrivals = self.arrivals;
        let numbers = self.recent.order.get(first..last).unwrap_or_default();
        numbers.iter().filter_map(move |number| arrivals.transaction(*number))
    }

    /// The windows of 5 minutes, 1 hour and 1 day that end with `time_ms`.
    ///
    /// `time_ms` is that of a transaction which was added, at most `lateness_ms` behind the newest one.
    pub fn windows_ending_at(&self, time_ms: i64) -> Windows {
        let settings = self.settings;
        let widths = [settings.day_ms, settings.hour_ms, settings.five_minutes_ms];
        let [day, hour, five_minutes] = if self.times().last().is_some_and(|newest_ms| time_ms < *newest_ms) {
            widths.map(|width_ms| self.window_of_slice(time_ms, width_ms))
        } else {
            self.windows_at_newest(time_ms, widths)
        };
        Windows { five_minutes, hour, day }
    }

    /// Different countries but the user's own in (time - 1 day, time]. `home` is `None` if the user never was there.
    pub fn foreign_countries(&self, time_ms: i64, home: Option<Symbol>) -> u64 {
        let start_ms = time_ms - self.settings.day_ms;
        let times = self.times();
        if times.last().is_some_and(|newest_ms| time_ms < *newest_ms) {
            let (first, last) = (first_after(times, start_ms), first_after(times, time_ms));
            if let Some(slices) = &self.recent.slices {
                let at_home = home.is_some_and(|home| slices.countries.contains(home, start_ms, time_ms));
                return slices.countries.distinct(start_ms, time_ms) - u64::from(at_home);
            }
            return distinct(self.entries(first, last).map(|entry| entry.country).filter(|country| *country != home));
        }
        let countries = &self.recent.countries;
        let at_home = home.is_some_and(|home| countries.saw_since(home, start_ms));
        (countries.since(start_ms) - usize::from(at_home)) as u64
    }

    /// Declined transactions in (time - width, time].
    pub fn declined(&self, time_ms: i64, width_ms: i64) -> u64 {
        let times = &self.recent.declined_times;
        (first_after(times, time_ms) - first_after(times, time_ms - width_ms)) as u64
    }

    /// Refunds and reversals in (time - width, time]: how many, and their sum in minor units.
    pub fn refunds(&self, time_ms: i64, width_ms: i64) -> (u64, u128) {
        let times = &self.recent.refund_times;
        let (first, last) = (first_after(times, time_ms - width_ms), first_after(times, time_ms));
        let amounts = &self.recent.refund_amounts;
        ((last - first) as u64, amounts.until(last).minus(amounts.until(first)).minor)
    }

    fn windows_at_newest(&self, time_ms: i64, widest_first: [i64; 3]) -> [Window; 3] {
        let recent = self.recent;
        let last = recent.times.len();
        let all = recent.amounts.until(last);
        let mut wider: Option<Window> = None;
        widest_first.map(|width_ms| {
            if let Some(alone) = wider.filter(|window| window.count <= 1) {
                return alone; // alone in the wider one is alone in the narrower one
            }
            let start_ms = time_ms - width_ms;
            let first = first_after(&recent.times, start_ms);
            let totals = all.minus(recent.amounts.until(first));
            let peak = recent.peaks.get(first_after(&recent.peak_times, start_ms));
            let window = Window {
                count: (last - first) as u64,
                total: totals.minor,
                squares: totals.squares,
                peak: peak.copied().unwrap_or(0),
                merchants: recent.merchants.since(start_ms) as u64,
                devices: recent.devices.since(start_ms) as u64,
                countries: recent.countries.since(start_ms) as u64,
            };
            wider = Some(window);
            window
        })
    }

    /// Seen from a late transaction the newer ones do not exist yet: count the slice itself.
    fn window_of_slice(&self, time_ms: i64, width_ms: i64) -> Window {
        let recent = self.recent;
        let first = first_after(&recent.times, time_ms - width_ms);
        let last = first_after(&recent.times, time_ms);
        let totals = recent.amounts.until(last).minus(recent.amounts.until(first));
        let [merchants, devices, countries] = match &recent.slices {
            Some(slices) => [&slices.merchants, &slices.devices, &slices.countries]
                .map(|values| values.distinct(time_ms - width_ms, time_ms)),
            None => [
                distinct(self.entries(first, last).map(|entry| entry.merchant)),
                distinct(self.entries(first, last).map(|entry| entry.device)),
                distinct(self.entries(first, last).map(|entry| entry.country)),
            ],
        };
        Window {
            count: (last - first) as u64,
            total: totals.minor,
            squares: totals.squares,
            peak: recent.amounts.peak(first, last),
            merchants,
            devices,
            countries,
        }
    }
}

/// How many different values there are; absent ones are none.
pub fn distinct(values: impl Iterator<Item = Option<Symbol>>) -> u64 {
    let mut known: Vec<Symbol> = values.flatten().collect();
    known.sort_unstable();
    known.dedup();
    known.len() as u64
}

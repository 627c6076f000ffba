//! A user's payments by the hour of their event time, for windows of any length up to 90 days.
//!
//! Hours without payments take no room. An hour's sums are the same in whatever order its payments arrive, and those of a
//! window are what its hours add up to. Late payments are counted, too, each in its own hour.

use crate::state::packed_hours::{Hour, PackedHours};
use crate::time_units::HOUR_MS;
use crate::wide::ratio;

/// The longest window: 90 days.
pub const LONGEST_HOURS: u16 = 90 * 24;
/// How far behind the user's newest payment hours are kept: the longest window of a payment that is not late.
const KEPT_HOURS: i32 = LONGEST_HOURS as i32 + 24;
/// Before any payment.
const NO_HOUR: Hour = Hour { hour: i32::MIN, count: 0, minor: 0 };

/// The payments of the last `hours` hours, from the beginning of the hour that holds t - hours, as of one payment, which is
/// among them. NaN where they are not known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PastPayments {
    pub hours: u16,
    pub count: f64,
    /// In major units of the base currency.
    pub amount_sum: f64,
}

/// Hours with payments, ascending.
#[derive(Clone, Debug)]
pub struct HourlyPayments {
    earlier: PackedHours,
    /// Most payments are of the newest hour or begin the next one.
    newest: Hour,
    /// The first hour of which all payments were counted: of a state of an earlier layout one after it was written.
    complete_from: i32,
}

impl Default for HourlyPayments {
    fn default() -> Self {
        Self::complete_from_hour(0)
    }
}

impl HourlyPayments {
    /// Without payments, complete from that hour on.
    pub fn complete_from_hour(complete_from: i32) -> Self {
        Self { earlier: PackedHours::default(), newest: NO_HOUR, complete_from }
    }

    /// Of a user whose state knows nothing of hours: they are complete behind the newest event that it has seen.
    pub fn unknown_until(newest_ms: i64) -> Self {
        Self::complete_from_hour(hour_of(newest_ms).saturating_add(1))
    }

    /// Add an hour that was stored. `false` for one without payments, or not after the one before.
    pub fn restore(&mut self, hour: Hour) -> bool {
        let is_next = hour.count > 0 && hour.hour > self.newest.hour;
        if is_next {
            self.begin(hour);
        }
        is_next
    }

    /// Ask for the memory that the next event of the user reads.
    pub fn prefetch(&self) {
        self.earlier.prefetch();
    }

    /// The hours that are kept.
    pub fn hours(&self) -> impl Iterator<Item = Hour> {
        self.earlier.iter().chain((self.newest.count > 0).then_some(self.newest))
    }

    /// The first hour of which all payments were counted.
    pub fn complete_from(&self) -> i32 {
        self.complete_from
    }

    /// Count a payment; one of an hour that is not kept any more is none.
    pub fn learn(&mut self, time_ms: i64, minor: u64) {
        let hour = hour_of(time_ms);
        if hour > self.newest.hour {
            self.begin(Hour { hour, ..NO_HOUR }.with(minor));
            self.earlier.drop_before(oldest_kept(hour));
        } else if hour == self.newest.hour {
            self.newest = self.newest.with(minor);
        } else if hour >= oldest_kept(self.newest.hour) {
            self.earlier.count(hour, minor);
        }
    }

    /// The payments of windows of these lengths that end with a payment at `time_ms`. `added`: its amount in minor units
    /// where it is not learned yet. `scale`: minor units per major unit.
    pub fn windows(&self, lengths: &[u16], time_ms: i64, added: Option<u64>, scale: i64) -> Vec<PastPayments> {
        let last = hour_of(time_ms);
        let first_known = self.complete_from.max(oldest_kept(self.newest.hour.max(last)));
        let own = (u64::from(added.is_some()), u128::from(added.unwrap_or(0)));
        let mut sums: Vec<(i32, u64, u128)> =
            lengths.iter().map(|hours| (last.saturating_sub((*hours).into()), own.0, own.1)).collect();
        for known in self.hours().take_while(|known| known.hour <= last) {
            for (first, count, minor) in &mut sums {
                if known.hour >= *first {
                    *count += u64::from(known.count);
                    *minor += u128::from(known.minor);
                }
            }
        }
        let told = |(hours, (first, count, minor)): (&u16, (i32, u64, u128))| {
            let unknown = PastPayments { hours: *hours, count: f64::NAN, amount_sum: f64::NAN };
            let known = PastPayments { count: count as f64, amount_sum: ratio(minor, scale as u128), ..unknown };
            if first < first_known { unknown } else { known }
        };
        lengths.iter().zip(sums).map(told).collect()
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        self.earlier.heap_bytes()
    }

    fn begin(&mut self, hour: Hour) {
        if self.newest.count > 0 {
            self.earlier.push(self.newest);
        }
        self.newest = hour;
    }
}

/// Hours since the epoch.
fn hour_of(time_ms: i64) -> i32 {
    let hour = time_ms.div_euclid(HOUR_MS);
    hour.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

fn oldest_kept(newest: i32) -> i32 {
    newest.saturating_sub(KEPT_HOURS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: i64 = 490_000;

    fn counted(payments: &[(i64, u64)]) -> HourlyPayments {
        let mut hourly = HourlyPayments::default();
        payments.iter().for_each(|(time_ms, minor)| hourly.learn(*time_ms, *minor));
        hourly
    }

    fn payments() -> impl Strategy<Value = Vec<(i64, u64)>> {
        let at = (START * HOUR_MS..(START + 3_000) * HOUR_MS).prop_map(|time_ms| time_ms / 977 * 977);
        prop::collection::vec((at, 0u64..100_000), 1..120)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn windows_are_the_sums_of_a_plain_list(payments in payments(), lengths in prop::collection::vec(1u16..=LONGEST_HOURS, 1..5)) {
            let hourly = counted(&payments);
            let newest = payments.iter().map(|(time_ms, _)| time_ms / HOUR_MS).max().unwrap_or(0);
            for (time_ms, _) in &payments {
                for window in hourly.windows(&lengths, *time_ms, None, 100) {
                    let (last, length) = (time_ms / HOUR_MS, i64::from(window.hours));
                    if last - length < newest - i64::from(KEPT_HOURS) {
                        prop_assert!(window.count.is_nan() && window.amount_sum.is_nan());
                        continue;
                    }
                    let within = payments.iter().filter(|(at, _)| (last - length..=last).contains(&(at / HOUR_MS)));
                    let (count, minor) = within.fold((0, 0), |(count, sum), (_, minor)| (count + 1, sum + minor));
                    prop_assert_eq!(window.count, f64::from(count));
                    prop_assert_eq!(window.amount_sum, minor as f64 / 100.0);
                }
            }
        }

        #[test]
        fn the_order_of_arrival_makes_no_difference(payments in payments(), swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 40)) {
            let mut other = payments.clone();
            for (one, with) in swaps {
                other.swap(one.index(payments.len()), with.index(payments.len()));
            }
            prop_assert!(counted(&payments).hours().eq(counted(&other).hours()));
        }

        #[test]
        fn no_more_hours_are_kept_than_the_longest_window_needs(payments in payments()) {
            let hours: Vec<i32> = counted(&payments).hours().map(|known| known.hour).collect();
            prop_assert!(hours[hours.len() - 1] - hours[0] <= KEPT_HOURS);
        }
    }

    #[test]
    fn an_hour_takes_a_few_bytes() {
        let payments = (0..5_000).map(|number| ((START + number) * HOUR_MS, (997 * number as u64) % 90_000));
        let hourly = counted(&payments.collect::<Vec<_>>());
        assert_eq!(hourly.hours().count(), 1 + KEPT_HOURS as usize);
        assert!(hourly.heap_bytes() <= 7 * hourly.hours().count());
    }

    #[test]
    fn a_payment_counts_itself_before_it_is_learned_and_after() {
        let mut hourly = counted(&[(START * HOUR_MS, 250)]);
        let before = hourly.windows(&[1, 24], (START + 2) * HOUR_MS, Some(50), 100);
        hourly.learn((START + 2) * HOUR_MS, 50);
        assert_eq!(before, hourly.windows(&[1, 24], (START + 2) * HOUR_MS, None, 100));
        assert_eq!((before[0].count, before[1].count, before[1].amount_sum), (1.0, 2.0, 3.0));
    }

    #[test]
    fn windows_that_begin_in_an_unknown_hour_are_unknown() {
        let mut hourly = HourlyPayments::unknown_until(START * HOUR_MS + 5);
        hourly.learn((START + 4) * HOUR_MS, 100);
        let windows = hourly.windows(&[3, 4], (START + 4) * HOUR_MS, None, 100);
        assert_eq!((windows[0].count, windows[0].amount_sum), (1.0, 1.0));
        assert!(windows[1].count.is_nan() && windows[1].amount_sum.is_nan());
        assert_eq!(HourlyPayments::unknown_until(-1).complete_from(), HourlyPayments::default().complete_from());
    }
}

//! A user's payments by the hour of their event time, for windows of any length up to 90 days.
//!
//! Hours without payments take no room. An hour's sums are the same in whatever order its payments arrive, and those of a
//! window are what its hours add up to. Late payments are counted, too, each in its own hour.

use crate::prefetch;
use crate::state::memory::vec_bytes;
use crate::time_units::HOUR_MS;
use crate::wide::ratio;

/// The longest window: 90 days.
pub const LONGEST_HOURS: u16 = 90 * 24;
/// How far behind the user's newest payment hours are kept: the longest window of a payment that is not late.
const KEPT_HOURS: i32 = LONGEST_HOURS as i32 + 24;

/// Greater sums stay here.
const GREATEST_STORED: u64 = i64::MAX as u64;

/// The payments of one hour; `minor` is the sum of their amounts in minor units of the base currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// Hours since the epoch.
    pub hour: i32,
    pub count: u32,
    pub minor: u64,
}

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HourlyPayments {
    hours: Vec<Hour>,
    /// The first hour of which all payments were counted: of a state of an earlier layout one after it was written.
    complete_from: i32,
}

impl HourlyPayments {
    /// Of a user whose state knows nothing of hours: they are complete behind the newest event that it has seen.
    pub fn unknown_until(newest_ms: i64) -> Self {
        Self { hours: Vec::new(), complete_from: hour_of(newest_ms).saturating_add(1) }
    }

    /// From what was stored. `None` unless hours ascend.
    pub fn restored(complete_from: i32, hours: Vec<Hour>) -> Option<Self> {
        hours.is_sorted_by(|one, next| one.hour < next.hour).then_some(Self { hours, complete_from })
    }

    /// Ask for the memory that the next event of the user reads.
    pub fn prefetch(&self) {
        prefetch::element(&self.hours, self.hours.len().wrapping_sub(1));
    }

    /// The hours that are kept.
    pub fn hours(&self) -> &[Hour] {
        &self.hours
    }

    /// The first hour of which all payments were counted.
    pub fn complete_from(&self) -> i32 {
        self.complete_from
    }

    /// Count a payment; one of an hour that is not kept any more is none.
    pub fn learn(&mut self, time_ms: i64, minor: u64) {
        let hour = hour_of(time_ms);
        let at = match self.hours.last() {
            Some(last) if last.hour == hour => self.hours.len() - 1,
            Some(last) if last.hour > hour => {
                if hour < oldest_kept(last.hour) {
                    return;
                }
                self.hours.partition_point(|known| known.hour < hour)
            }
            _ => {
                let expired = self.hours.partition_point(|known| known.hour < oldest_kept(hour));
                self.hours.drain(..expired);
                self.hours.len()
            }
        };
        match self.hours.get_mut(at) {
            Some(known) if known.hour == hour => {
                known.count = known.count.saturating_add(1);
                known.minor = known.minor.saturating_add(minor).min(GREATEST_STORED);
            }
            _ => {
                if self.hours.len() == self.hours.capacity() {
                    // Less room to spare than doubling leaves: most users are quiet.
                    self.hours.reserve_exact(self.hours.len() / 4 + 1);
                }
                self.hours.insert(at, Hour { hour, count: 1, minor: minor.min(GREATEST_STORED) });
            }
        }
    }

    /// The payments of windows of these lengths that end with a payment at `time_ms`. `added`: its amount in minor units
    /// where it is not learned yet. `scale`: minor units per major unit.
    pub fn windows(&self, lengths: &[u16], time_ms: i64, added: Option<u64>, scale: i64) -> Vec<PastPayments> {
        let last = hour_of(time_ms);
        let newest = self.hours.last().map_or(last, |known| known.hour.max(last));
        let first_known = self.complete_from.max(oldest_kept(newest));
        let until = self.hours.partition_point(|known| known.hour <= last);
        let of = |hours: &u16| {
            let first = last.saturating_sub(i32::from(*hours));
            if first < first_known {
                return PastPayments { hours: *hours, count: f64::NAN, amount_sum: f64::NAN };
            }
            let from = self.hours.partition_point(|known| known.hour < first);
            let own = (u64::from(added.is_some()), u128::from(added.unwrap_or(0)));
            let (count, minor) = self.hours[from..until].iter().fold(own, |(count, minor), known| {
                (count + u64::from(known.count), minor + u128::from(known.minor))
            });
            PastPayments { hours: *hours, count: count as f64, amount_sum: ratio(minor, scale as u128) }
        };
        lengths.iter().map(of).collect()
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        vec_bytes(&self.hours)
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
            prop_assert_eq!(counted(&payments), counted(&other));
        }

        #[test]
        fn no_more_hours_are_kept_than_the_longest_window_needs(payments in payments()) {
            let hourly = counted(&payments);
            let (first, last) = (hourly.hours()[0].hour, hourly.hours()[hourly.hours().len() - 1].hour);
            prop_assert!(last - first <= KEPT_HOURS);
        }
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
        assert_eq!(HourlyPayments::unknown_until(-1), HourlyPayments::default());
    }
}

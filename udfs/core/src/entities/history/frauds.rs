//! Fraud rates and the newest run of days with fraud, by the labels that were known.

use crate::entities::buckets::{BucketSettings, DAY_HOURS};
use crate::entities::history::{EntityHistory, at, window_start};
use crate::entities::kinds::EntityKind;
use crate::entities::risk::FraudRates;
use crate::time_units::DAY_MS;

/// Days of fraud that are no further apart belong to one run.
const RUN_GAP_DAYS: i64 = 7;

/// The hours from `start_hour` to before `label_end`; those that hold buckets are at the places `first..last`.
#[derive(Clone, Copy, Debug)]
struct Span {
    start_hour: i64,
    label_end: i64,
    first: usize,
    last: usize,
}

impl EntityHistory {
    pub(super) fn fraud_rates(&self, label_end: i64, settings: &BucketSettings) -> FraudRates {
        let until = self.hours_before(label_end);
        let weight = settings.prior_weight;
        let prior = weight * settings.prior_fraud_rate;
        FraudRates::new(settings.risk_days_of(self.kind).iter().map(|days| {
            let start = window_start(label_end, *days);
            let since = self.hours_before(start).min(until);
            let count = at(&self.transactions, until) - at(&self.transactions, since);
            if count == 0 {
                return f64::NAN;
            }
            let withdrawn =
                self.withdrawn.iter().filter(|(counted, ended)| start <= *counted && *ended < label_end).count() as i64;
            // Below 0: cleared after the writer's state of the fraud itself had expired.
            let frauds = (at(&self.frauds, until) - at(&self.frauds, since) - withdrawn).max(0);
            let rate = (frauds as f64 + prior) / (count as f64 + weight);
            rate.min(1.0) // late labels may meet fewer transactions than they belong to
        }))
    }

    /// Starts of the newest day of fraud and of the first day of its run, in the longest span before `label_end`.
    pub(super) fn fraud_run(&self, label_end: i64, settings: &BucketSettings) -> (f64, f64) {
        let longest = settings.risk_days_of(self.kind).last().copied().unwrap_or(0);
        if self.kind != EntityKind::Merchant || at(&self.frauds, self.hours.len()) == 0 {
            return (f64::NAN, f64::NAN);
        }
        let start_hour = window_start(label_end, longest);
        let (first, last) = (self.hours_before(start_hour), self.hours_before(label_end));
        let span = Span { start_hour, label_end, first, last };
        let mut newest = None;
        let mut run = 0;
        for place in (first..last).rev() {
            let day = self.hour(place).div_euclid(DAY_HOURS);
            if at(&self.frauds, place + 1) == at(&self.frauds, place) || self.is_cleared(day, span) {
                continue;
            }
            if newest.is_none() {
                (newest, run) = (Some(day), day);
            }
            if run - day > RUN_GAP_DAYS {
                break;
            }
            run = day;
        }
        match newest {
            Some(newest) => (newest.saturating_mul(DAY_MS) as f64, run.saturating_mul(DAY_MS) as f64),
            None => (f64::NAN, f64::NAN),
        }
    }

    /// Have all frauds of a day within the span been cleared before its end?
    fn is_cleared(&self, day: i64, span: Span) -> bool {
        let Span { start_hour, label_end, first, last } = span;
        let withdrawn = self
            .withdrawn
            .iter()
            .filter(|(counted, ended)| {
                *counted >= start_hour && *ended < label_end && counted.div_euclid(DAY_HOURS) == day
            })
            .count() as i64;
        if withdrawn == 0 {
            return false;
        }
        let start = self.hours_before(day * DAY_HOURS).clamp(first, last);
        let end = self.hours_before((day + 1) * DAY_HOURS).clamp(first, last);
        at(&self.frauds, end) - at(&self.frauds, start) <= withdrawn
    }
}

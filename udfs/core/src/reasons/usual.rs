//! What is usual: of this user, by what the features hold of the earlier payments, or of the population, by its quantiles.

use crate::features::feature::Form;
use crate::maths::{exp, log1p};
use crate::python_format::grouped;
use crate::reasons::inputs::{AlertInputs, Levels, Q01, Q05, Q25, Q75, Q95, Q99};
use crate::reasons::quantities::{percent, quantity, rounded_money};

/// Below it nothing is usual for a user yet.
pub const FEWEST_PAYMENTS: f64 = 5.0;
const FEWEST_OF_MONTH: f64 = 10.0;
/// Of a normal distribution 90 % lie within so many deviations.
const NINETY_PERCENT: f64 = 1.645;

/// What this user pays: the mean, and between which amounts about 90 % lie. Base currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UserAmounts {
    pub low: f64,
    pub high: f64,
    pub mean: f64,
    pub of_month: bool,
}

impl UserAmounts {
    /// By mean and deviation of the last 30 days (of 10 payments or more) or of all payments, as if logarithms of amounts
    /// were normally distributed: so the range is never negative. `None` where fewer than 5 payments are known.
    pub fn of(inputs: &AlertInputs) -> Option<Self> {
        let at = &inputs.catalogue.at;
        let of_month = inputs.value(at.user_txn_count_30d) >= FEWEST_OF_MONTH;
        let (mean, deviation) = if of_month {
            (inputs.value(at.user_avg_amount_30d), inputs.value(at.user_std_amount_30d))
        } else if inputs.value(at.user_txn_count) >= FEWEST_PAYMENTS {
            (inputs.value(at.user_avg_amount), inputs.value(at.user_std_amount))
        } else {
            return None;
        };
        if mean.is_nan() || mean <= 0.0 {
            return None;
        }
        let ratio = deviation / mean;
        let variance = log1p(ratio * ratio);
        let middle = mean * exp(-variance / 2.0);
        let width = exp(NINETY_PERCENT * variance.sqrt());
        let (greatest, high) = (inputs.value(at.user_max_amount), middle * width);
        let high = if greatest < high { greatest } else { high };
        Some(Self { low: middle / width, high, mean, of_month })
    }

    /// `usually 12 to 85 USD (30-day mean 41)`.
    pub fn words(&self, currency: &str) -> String {
        let (low, high) = (rounded_money(self.low, currency), rounded_money(self.high, currency));
        let span = if low == high { low } else { format!("{low} to {high}") };
        let (of_month, mean) = (if self.of_month { "30-day " } else { "" }, rounded_money(self.mean, currency));
        format!("usually {span} {currency} ({of_month}mean {mean})")
    }
}

/// Where most of the population lies: of the side that `value` is on the level that is farthest out and not reached.
pub fn of_population(inputs: &AlertInputs, position: usize, value: f64, currency: &str) -> Option<String> {
    let levels = inputs.known_levels(position)?;
    let form = inputs.feature(position)?.words.form;
    if form == Form::Flag {
        return flag_of_population(value, levels);
    }
    let written = |limit| quantity(form, limit, currency);
    for (level, share) in [(Q99, "99 %"), (Q95, "95 %")] {
        if let Some(limit) = levels[level].filter(|limit| value > *limit) {
            return Some(format!("at most {} in {share} of payments", written(limit)));
        }
    }
    for (level, share) in [(Q01, "99 %"), (Q05, "95 %")] {
        if let Some(limit) = levels[level].filter(|limit| value < *limit) {
            return Some(format!("at least {} in {share} of payments", written(limit)));
        }
    }
    let (first, last) = (written(levels[Q05]?), written(levels[Q95]?));
    let span = if first == last { first } else { format!("{first} to {last}") };
    Some(format!("{span} in 90 % of payments"))
}

fn flag_of_population(value: f64, levels: &Levels) -> Option<String> {
    let sides = if value != 0.0 { [(Q95, "5 %"), (Q75, "25 %")] } else { [(Q05, "5 %"), (Q25, "25 %")] };
    let other = sides.into_iter().find(|(level, _)| levels[*level].is_some_and(|limit| limit != value));
    other.map(|(_, share)| format!("in fewer than {share} of payments"))
}

/// How often this user pays; `None` where that is not known.
pub fn frequency_in_words(inputs: &AlertInputs) -> Option<String> {
    let at = &inputs.catalogue.at;
    let per_day = inputs.value(at.user_txn_per_day);
    let is_known = inputs.value(at.user_txn_count) >= FEWEST_PAYMENTS && !per_day.is_nan();
    if !is_known {
        return None;
    }
    if per_day >= 0.95 {
        return Some(format!("this user makes {} payments a day", grouped(per_day, 1)));
    }
    let days = if per_day > 0.0 { 1.0 / per_day } else { 0.0 };
    (days != 0.0).then(|| format!("this user makes a payment every {} days", grouped(days, 1)))
}

/// How often this user pays at night; `None` where that is not known.
pub fn nights_in_words(inputs: &AlertInputs) -> Option<String> {
    let at = &inputs.catalogue.at;
    let share = inputs.value(at.user_night_share);
    let is_known = !share.is_nan() && inputs.value(at.user_txn_count) >= FEWEST_PAYMENTS;
    is_known.then(|| format!("this user pays at night in {} of payments", percent(share)))
}

/// Against what something is new.
pub fn known_before(inputs: &AlertInputs) -> String {
    let count = grouped(inputs.value(inputs.catalogue.at.user_txn_count), 0);
    format!("not among what is known of this user's {count} earlier payments")
}

/// How usual it is that no fraud of a user was ever confirmed; `None` where that is not known to be usual.
pub fn without_fraud_in_words(inputs: &AlertInputs) -> Option<String> {
    let levels = inputs.known_levels(inputs.catalogue.at.prior_fraud_count)?;
    let usual = [(Q95, "95 %"), (Q75, "75 %")].into_iter().find(|(level, _)| levels[*level] == Some(0.0));
    usual.map(|(_, share)| format!("{share} of payments come from users without a confirmed fraud"))
}

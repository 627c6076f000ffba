//! This transaction against the user's habits: all earlier accepted transactions, and the last 7 and 30 days.
//!
//! Ratios are one division of integers in minor units, so that a rule's limit is met exactly where it is met on paper.
//! A late transaction has no sums of days, as it has no windows.

use crate::context::Context;
use crate::features::Family;
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::state::sums::{Sums, spread};
use crate::time_units::DAY_MS;
use crate::wide::ratio;

pub const FAMILY: Family = Family { name: "habit", features, compute };

fn features() -> Vec<Feature> {
    vec![
        Feature::new(
            "user_txn_count",
            "transactions",
            "the user's earlier transactions",
            Words::number(Form::Count, "only {} earlier payments of this user"),
            Signal::low("account_age", 3.0, f64::NEG_INFINITY).least(1.0).rank(3),
        ),
        Feature::new(
            "user_avg_amount",
            "base currency",
            "mean amount of the user's earlier transactions",
            Words::number(Form::Money, "this user's mean amount {}").unknown("no earlier payment of this user"),
            Signal::never("amount"),
        ),
        Feature::new(
            "user_std_amount",
            "base currency",
            "population standard deviation of their amounts",
            Words::number(Form::Money, "this user's amounts vary by {}").unknown("no earlier payment of this user"),
            Signal::never("amount"),
        ),
        Feature::new(
            "user_max_amount",
            "base currency",
            "their greatest amount",
            Words::number(Form::Money, "this user's greatest amount {}").unknown("no earlier payment of this user"),
            Signal::never("amount"),
        ),
        Feature::new(
            "user_days_known",
            "days",
            "t - the earliest of their times",
            Words::number(Form::Days, "first payment of this user {} ago").unknown("no earlier payment of this user"),
            Signal::low("account_age", 7.0, 1.0).rank(2),
        ),
        Feature::new(
            "user_txn_per_day",
            "transactions per day",
            "user_txn_count / (user_days_known + 1)",
            Words::number(Form::Number, "{} payments a day by this user").unknown("no earlier payment of this user"),
            Signal::never("velocity"),
        ),
        Feature::new(
            "amount_vs_user_avg",
            "ratio",
            "amount / user_avg_amount; unknown if that is 0",
            Words::number(Form::Times, "amount {} this user's mean")
                .or_if_low("amount only {} this user's mean")
                .unknown("no earlier payment of this user above 0"),
            Signal::multiple_of_own(2.0, 0),
        ),
        Feature::new(
            "amount_zscore",
            "standard deviations",
            "(amount - user_avg_amount) / user_std_amount; unknown if 0",
            Words::number(Form::Deviations, "amount {} above this user's mean")
                .or_if_low("amount {} from this user's mean")
                .unknown("no earlier payments of this user with different amounts"),
            Signal::multiple_of_own(3.0, 4),
        ),
        Feature::new(
            "amount_vs_user_max",
            "ratio",
            "amount / user_max_amount; unknown if that is 0",
            Words::number(Form::Times, "amount {} this user's greatest so far")
                .or_if_low("amount only {} this user's greatest so far")
                .unknown("no earlier payment of this user above 0"),
            Signal::multiple_of_own(1.2, 3),
        ),
        Feature::new(
            "amount_vs_last",
            "ratio",
            "amount / amount of the last transaction; unknown if that is 0",
            Words::number(Form::Times, "amount {} the last one")
                .or_if_low("amount only {} the last one")
                .unknown("no last payment above 0"),
            Signal::multiple_of_own(5.0, 5),
        ),
        Feature::new(
            "txn_count_1d_vs_usual",
            "ratio",
            "txn_count_1d / (user_txn_per_day + 1)",
            Words::number(Form::Times, "{} this user's usual payments a day")
                .unknown("no earlier payment of this user, or payment arrived too late"),
            Signal::high("velocity", 2.5, 4.0).rank(2).personal().needs("user_days_known", 3.0),
        ),
        Feature::new(
            "user_txn_count_7d",
            "transactions",
            "earlier transactions on this day (UTC) and the 6 days before",
            Words::number(Form::Count, "{} earlier payments of this user in 7 days")
                .unknown("payment arrived too late for sums of days"),
            Signal::never("velocity"),
        ),
        Feature::new(
            "user_avg_amount_7d",
            "base currency",
            "mean amount of those",
            Words::number(Form::Money, "this user's 7-day mean amount {}")
                .unknown("no earlier payment of this user in 7 days"),
            Signal::never("amount"),
        ),
        Feature::new(
            "user_txn_count_30d",
            "transactions",
            "earlier transactions on this day (UTC) and the 29 days before",
            Words::number(Form::Count, "{} earlier payments of this user in 30 days")
                .unknown("payment arrived too late for sums of days"),
            Signal::never("velocity"),
        ),
        Feature::new(
            "user_avg_amount_30d",
            "base currency",
            "mean amount of those",
            Words::number(Form::Money, "this user's 30-day mean amount {}")
                .unknown("no earlier payment of this user in 30 days"),
            Signal::never("amount"),
        ),
        Feature::new(
            "user_std_amount_30d",
            "base currency",
            "population standard deviation of those",
            Words::number(Form::Money, "this user's amounts of 30 days vary by {}")
                .unknown("no earlier payment of this user in 30 days"),
            Signal::never("amount"),
        ),
        Feature::new(
            "amount_vs_avg_7d",
            "ratio",
            "amount / user_avg_amount_7d; unknown if that is 0",
            Words::number(Form::Times, "amount {} this user's 7-day mean")
                .or_if_low("amount only {} this user's 7-day mean")
                .unknown("no earlier payment of this user in 7 days"),
            Signal::multiple_of_own(2.0, 2),
        ),
        Feature::new(
            "amount_vs_avg_30d",
            "ratio",
            "amount / user_avg_amount_30d; unknown if that is 0",
            Words::number(Form::Times, "amount {} this user's 30-day mean")
                .or_if_low("amount only {} this user's 30-day mean")
                .unknown("no earlier payment of this user in 30 days"),
            Signal::multiple_of_own(2.0, 1),
        ),
    ]
}

/// Places of the counts, which are 0 without history; all else is unknown then.
const COUNTS: [usize; 3] = [0, 11, 13];

fn compute(context: &Context, out: &mut [f64]) {
    let (habits, minor) = (context.habits, u128::from(context.minor));
    let Sums { count, total, squares } = habits.lifetime;
    out.fill(f64::NAN);
    if count == 0 {
        COUNTS.iter().for_each(|place| out[*place] = 0.0);
        return;
    }
    let scale = context.scale as f64;
    let average = ratio(total, count.into()) / scale;
    let deviation = spread(count, total, squares, context.scale);
    let days = (context.time_ms - habits.first_ms) as f64 / DAY_MS as f64;
    let per_day = if days > -1.0 { count as f64 / (days + 1.0) } else { f64::NAN };
    let last_minor = context.previous.map_or(0, |previous| previous.minor);
    out[..10].copy_from_slice(&[
        count as f64,
        average,
        deviation,
        ratio(habits.peak.into(), context.scale as u128),
        days,
        per_day,
        ratio(minor * u128::from(count), total),
        if deviation == 0.0 { f64::NAN } else { (context.amount - average) / deviation },
        ratio(minor, habits.peak.into()),
        ratio(minor, last_minor.into()),
    ]);
    // The days before a late transaction may be forgotten.
    let (Some(windows), Some(week), Some(month)) = (&context.windows, context.week, context.month) else { return };
    let average_of = |sums: &Sums| ratio(sums.total, sums.count.into()) / scale;
    let against = |sums: &Sums| ratio(minor * u128::from(sums.count), sums.total);
    out[10..].copy_from_slice(&[
        windows.day.count as f64 / (per_day + 1.0),
        week.count as f64,
        average_of(&week),
        month.count as f64,
        average_of(&month),
        spread(month.count, month.total, month.squares, context.scale),
        against(&week),
        against(&month),
    ]);
}

//! The user's profile, and what labels and account changes added to it.

use crate::context::Context;
use crate::features::Family;
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::features::values::{flag, known};
use crate::time_units::DAY_MS;
use crate::wide::ratio;

pub const FAMILY: Family = Family { name: "profile", features, compute };

fn features() -> Vec<Feature> {
    vec![
        Feature::new(
            "account_age_days",
            "days",
            "t - account opening; else the transaction's account_tenure_months x 30.4375",
            Words::number(Form::Days, "account opened {} ago").unknown("opening of the account not known"),
            Signal::low("account_age", 90.0, 30.0),
        )
        .groups(&["profile"])
        .version(2),
        Feature::new(
            "kyc_level",
            "level",
            "KYC level of the profile; 0 is unverified",
            Words::number(Form::Count, "user not verified (KYC level {})").unknown("KYC level not known"),
            Signal::low("verification", 0.0, 0.0),
        )
        .groups(&["profile"]),
        Feature::new(
            "is_vip",
            "flag",
            "1 for a VIP",
            Words::flag("VIP", "not a VIP").unknown("not known whether the user is a VIP"),
            Signal::never("person"),
        )
        .groups(&["profile"]),
        Feature::new(
            "credit_limit_share",
            "share",
            "amount_sum_1d / credit limit; unknown if that is below 0.01",
            Words::number(Form::Percent, "{} of the credit limit spent in a day").unknown("credit limit not known"),
            Signal::high("credit_limit", 0.25, 0.5).rank(0),
        )
        .groups(&["profile"]),
        Feature::new(
            "monthly_spend_share",
            "share",
            "amount / the profile's average monthly spend; unknown if that is below 0.01",
            Words::number(Form::Percent, "amount {} of this user's average monthly spend")
                .unknown("average monthly spend not known"),
            Signal::high("amount", 0.2, 0.5).rank(3).personal(),
        )
        .groups(&["profile"]),
        Feature::new(
            "prior_fraud_count",
            "frauds",
            "the profile's count, if any, + the user's transactions labelled fraud by t",
            Words::number(Form::Count, "{} confirmed frauds before"),
            Signal::high("fraud_history", 1.0, 1.0),
        )
        .version(2),
        Feature::new(
            "days_since_fraud_known",
            "days",
            "t - the newest label of fraud of the user; unknown without any",
            Words::number(Form::Days, "a fraud of this user was confirmed {} ago")
                .unknown("no confirmed fraud of this user"),
            Signal::low("fraud_history", 90.0, 90.0).rank(0).personal(),
        ),
        Feature::new(
            "days_since_unblock",
            "days",
            "t - the last unblocking, by profile or by account change",
            Words::number(Form::Days, "account unblocked {} ago").unknown("no unblocking of the account known"),
            Signal::low("unblocked", 30.0, 30.0).personal(),
        ),
        Feature::new(
            "user_age_years",
            "years",
            "(t - date of birth) / 365.25 days",
            Words::number(Form::Count, "user {} years old").unknown("user's age not known"),
            Signal::never("person"),
        )
        .groups(&["profile"]),
    ]
}

const YEAR_MS: f64 = 365.25 * DAY_MS as f64;
const MONTH_DAYS: f64 = 30.4375;
/// A limit or a spend below it is none.
const SMALLEST: f64 = 0.01;

fn compute(context: &Context, out: &mut [f64]) {
    let (account, time_ms) = (context.account, context.time_ms);
    let days_since = |moment_ms: i64| (time_ms - moment_ms) as f64 / DAY_MS as f64;
    let confirmed = account.confirmed_frauds(time_ms);
    let fraud_ms = confirmed.checked_sub(1).and_then(|newest| account.fraud_known_ms().get(newest).copied());
    let unblocked_ms = account.last_unblocked_ms(time_ms);
    let stated_days = context.transaction.account_tenure_months.map(|months| months * MONTH_DAYS);
    let fraud_days = known(fraud_ms.map(days_since));
    out.fill(f64::NAN);
    let Some(user) = context.user else {
        out[0] = known(stated_days);
        out[5] = confirmed as f64;
        out[6] = fraud_days;
        out[7] = known(unblocked_ms.map(days_since));
        return;
    };
    let (spend, limit) = (user.avg_monthly_spend.unwrap_or(0.0), user.credit_limit.unwrap_or(0.0));
    // The later of the profile's and the stream's.
    let unblocked_ms = user.last_unblocked_at.filter(|moment_ms| *moment_ms <= time_ms).max(unblocked_ms);
    let day = context.windows.as_ref().map(|windows| windows.day);
    out.copy_from_slice(&[
        known(user.account_opened_at.map(days_since).or(stated_days)),
        known(user.kyc_level.map(|level| level as f64)),
        known(user.is_vip.map(flag)),
        known(day.filter(|_| limit >= SMALLEST).map(|day| ratio(day.total, context.scale as u128) / limit)),
        if spend >= SMALLEST { context.minor as f64 / rounded(spend * context.scale as f64) } else { f64::NAN },
        user.prior_fraud_count.unwrap_or(0).saturating_add(confirmed as i64) as f64,
        fraud_days,
        known(unblocked_ms.map(days_since)),
        known(user.date_of_birth.map(|born_ms| (time_ms - born_ms) as f64 / YEAR_MS)),
    ]);
}

/// To 6 decimals, correctly, so that 100.10 in minor units is 10010 and not a little less.
fn rounded(number: f64) -> f64 {
    if number.fract() == 0.0 { number } else { format!("{number:.6}").parse().unwrap_or(number) }
}

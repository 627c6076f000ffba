//! The merchant: new to this user or not, and its own history as of the moment (hourly buckets, delayed labels).

use crate::context::Context;
use crate::entities::risk::RISK_DAYS;
use crate::features::Family;
use crate::features::entity::{activity_ratio, fraud_rate, frauds_reported};
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::features::values::{flag, known};
use crate::time_units::DAY_MS;

pub const FAMILY: Family = Family { name: "merchant", features, compute };

const KIND: &str = "merchant";
const GROUPS: [&str; 1] = ["merchant"];
const HISTORY: [&str; 2] = ["merchant", "entity_history"];
const WORDS: &str = "this merchant";
/// Features of what is new to the user, which come first.
const NEW: usize = 3;
/// Place of `merchant_days_known` among the others.
const DAYS_KNOWN: usize = RISK_DAYS.len() + 3;

fn features() -> Vec<Feature> {
    let mut features = vec![
        Feature::new(
            "is_new_merchant",
            "flag",
            "1 if the merchant is not among the user's known merchants",
            Words::flag("first payment at this merchant", "a merchant known for this user")
                .unknown("no merchant stated"),
            Signal::first_time("merchant"),
        )
        .groups(&["merchant"]),
        Feature::new(
            "is_new_category",
            "flag",
            "1 if the merchant category is not among the user's known categories",
            Words::flag("first payment in this merchant category", "a merchant category known for this user")
                .unknown("no merchant category stated")
                .field("merchant_category"),
            Signal::first_time("category"),
        )
        .groups(&["category"]),
        Feature::new(
            "is_new_beneficiary",
            "flag",
            "1 if the beneficiary is not among the user's known beneficiaries",
            Words::flag("first transfer to this beneficiary", "a beneficiary known for this user")
                .unknown("no beneficiary stated"),
            Signal::first_time("beneficiary"),
        )
        .groups(&["beneficiary"]),
    ];
    features.extend(RISK_DAYS.into_iter().map(|days| fraud_rate(KIND, WORDS, days, KIND, &GROUPS).version(3)));
    let unusual_activity = Signal::high("merchant_activity", 2.5, 5.0).needs("merchant_txn_count_1d", 10.0);
    let formula = "7 x merchant_txn_count_1d / merchant_txn_count_7d";
    features.extend([
        Feature::new(
            "merchant_txn_count_1d",
            "transactions",
            "the 24 hourly buckets that ended by t - 5 minutes",
            Words::number(Form::Count, "{} payments at this merchant in 1 day").unknown("no history of this merchant"),
            Signal::never("merchant_activity"),
        )
        .groups(&HISTORY),
        Feature::new(
            "merchant_txn_count_7d",
            "transactions",
            "the 168 hourly buckets that ended by t - 5 minutes",
            Words::number(Form::Count, "{} payments at this merchant in 7 days").unknown("no history of this merchant"),
            Signal::never("merchant_activity"),
        )
        .groups(&HISTORY),
        Feature::new(
            "merchant_user_count_1d",
            "users",
            "distinct users of those 24 buckets together",
            Words::number(Form::Count, "{} users at this merchant in 1 day").unknown("no history of this merchant"),
            Signal::never("merchant_activity"),
        )
        .groups(&HISTORY)
        .version(2),
        Feature::new(
            "merchant_days_known",
            "days",
            "t - the merchant's first bucket or registered first sight",
            Words::number(Form::Days, "merchant first seen {} ago").unknown("no history of this merchant"),
            Signal::low("merchant_age", 30.0, 7.0),
        )
        .groups(&HISTORY),
        activity_ratio(KIND, WORDS, formula, unusual_activity, &GROUPS),
        frauds_reported(KIND, WORDS, KIND, &GROUPS),
        Feature::new(
            "merchant_days_since_fraud",
            "days",
            "t - the UTC day of the newest fraud in the buckets of merchant_fraud_rate_30d; unknown without any",
            Words::number(Form::Days, "fraud at this merchant {} ago")
                .unknown("no fraud known at this merchant in 30 days"),
            Signal::low("merchant_risk", 30.0, 14.0).rank(2),
        )
        .groups(&HISTORY),
        Feature::new(
            "merchant_fraud_run_days",
            "days",
            "t - the first day of the run of days with fraud, at most 7 days apart, that ends with that day",
            Words::number(Form::Days, "first fraud of the running series at this merchant {} ago")
                .unknown("no fraud known at this merchant in 30 days"),
            Signal::never("merchant_risk"),
        )
        .groups(&HISTORY),
    ]);
    features
}

fn compute(context: &Context, out: &mut [f64]) {
    let Context { transaction, entry, habits, time_ms, .. } = *context;
    let is_new = |is_absent: bool, is_known: bool| if is_absent { f64::NAN } else { flag(!is_known) };
    out.fill(f64::NAN);
    out[0] = is_new(transaction.merchant_id.is_none(), habits.merchants.contains(entry.merchant));
    out[1] = is_new(transaction.merchant_category.is_none(), habits.categories.contains(entry.category));
    out[2] = is_new(transaction.beneficiary_id.is_none(), habits.beneficiaries.contains(entry.beneficiary));
    let history = &mut out[NEW..];
    let risk = context.merchant_risk.as_ref();
    let registered_ms = context.merchant.and_then(|merchant| merchant.first_seen_at);
    let first_ms = registered_ms.or(risk.and_then(|risk| risk.first_seen_ms)).filter(|first_ms| *first_ms <= time_ms);
    history[DAYS_KNOWN] = known(first_ms.map(|first_ms| (time_ms - first_ms) as f64 / DAY_MS as f64));
    let Some(risk) = risk else { return };
    for (value, rate) in history.iter_mut().zip(risk.fraud_rates.as_slice()) {
        *value = *rate;
    }
    let days_since = |moment_ms: f64| (time_ms as f64 - moment_ms) / DAY_MS as f64;
    let activity = &mut history[RISK_DAYS.len()..];
    activity[..3].copy_from_slice(&[risk.transactions_1d as f64, risk.transactions_7d as f64, risk.users_1d as f64]);
    activity[4..].copy_from_slice(&[
        risk.activity_ratio(),
        risk.frauds_reported_7d,
        days_since(risk.fraud_day_ms),
        days_since(risk.fraud_run_ms),
    ]);
}

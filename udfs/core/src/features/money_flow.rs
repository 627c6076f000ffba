//! Where money came from and goes to: transfers received before, beneficiaries, refunds against purchases, spending that
//! ramps up.

use crate::context::Context;
use crate::events::TransactionKind;
use crate::features::Family;
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::state::recent::distinct;
use crate::state::sorted_times::first_after;
use crate::wide::ratio;

pub const FAMILY: Family = Family { name: "money_flow", features, compute };

fn features() -> Vec<Feature> {
    vec![
Feature::new("received_txn_count_1d", "transactions", "transfers to this user (as a beneficiary) in the 24 hourly buckets that ended by t - 5 minutes; unknown if never", Words::number(Form::Count, "{} transfers received in 1 day").unknown("no money known to be received by this user"), Signal::high("money_received", 2.0, 4.0).rank(2)).groups(&["entity_history"]),
Feature::new("received_user_count_1d", "users", "different senders of those", Words::number(Form::Count, "money received from {} senders in 1 day").unknown("no money known to be received by this user"), Signal::high("money_received", 2.0, 3.0)).groups(&["entity_history"]),
Feature::new("amount_vs_received_1d", "ratio", "amount / sum of those; unknown if that is 0", Words::number(Form::Percent, "{} of the money received in the last day goes out again").unknown("no money known to be received in the last day"), Signal::high("money_received", 0.5, 0.8).most(1.2).rank(0)).groups(&["entity_history"]),
Feature::new("distinct_beneficiaries_1d", "beneficiaries", "different beneficiaries in (t - 1 day, t], of the newest 256 transactions", Words::number(Form::Count, "transfers to {} beneficiaries in 1 day").unknown("no beneficiary stated, or payment arrived too late"), Signal::high("beneficiary", 3.0, 4.0)).groups(&["beneficiary"]),
Feature::new("refund_vs_purchases_at_merchant", "ratio", "refunds from this merchant to this user, this one included / earlier purchases there; unknown if no refund", Words::number(Form::Times, "refunds {} this user's purchases at this merchant").unknown("no refund, or no earlier purchase at this merchant"), Signal::high("refunds", 1.2, 1.5).rank(0)).groups(&["merchant"]),
Feature::new("refund_count_at_merchant", "refunds", "refunds from this merchant to this user, this one included; unknown if this is none", Words::number(Form::Count, "{} refunds from this merchant to this user").unknown("no refund, or no merchant stated"), Signal::high("refunds", 2.0, 3.0)).groups(&["merchant"]),
Feature::new("spend_7d_vs_30d", "ratio", "daily spend of this day and the 6 before, this one included, against that of this day and the 29 before", Words::number(Form::Times, "daily spend of 7 days {} that of 30 days").unknown("nothing spent in 30 days, or payment arrived too late"), Signal::high("spend", 1.8, 3.0).needs("user_days_known", 14.0)),
Feature::new("credit_limit_share_7d", "share", "spend of those 7 days / credit limit; unknown below 0.01", Words::number(Form::Percent, "{} of the credit limit spent in 7 days").unknown("credit limit not known, or payment arrived too late"), Signal::high("credit_limit", 0.4, 0.8)).groups(&["profile"]),
Feature::new("credit_limit_share_30d", "share", "spend of those 30 days / credit limit; unknown below 0.01", Words::number(Form::Percent, "{} of the credit limit spent in 30 days").unknown("credit limit not known, or payment arrived too late"), Signal::high("credit_limit", 0.6, 0.9).rank(2)).groups(&["profile"]),
    ]
}

const BENEFICIARY_LIMIT: usize = 256;
/// A credit limit below it is none.
const SMALLEST_LIMIT: f64 = 0.01;

fn compute(context: &Context, out: &mut [f64]) {
    let [transactions, users, amount_ratio] = received(context);
    let [refund_ratio, refunds] = refunds(context);
    let [week_against_month, limit_week, limit_month] = spending(context);
    out.copy_from_slice(&[
        transactions,
        users,
        amount_ratio,
        beneficiaries(context),
        refund_ratio,
        refunds,
        week_against_month,
        limit_week,
        limit_month,
    ]);
}

/// Transfers to this user in a day, their senders, and this amount against their sum.
fn received(context: &Context) -> [f64; 3] {
    let Some(risk) = context.received.filter(|risk| risk.first_seen_ms.is_some()) else { return [f64::NAN; 3] };
    let sum_minor = risk.amount_minor_1d;
    let amount_ratio = if sum_minor > 0.0 { context.minor as f64 / sum_minor } else { f64::NAN };
    [risk.transactions_1d as f64, risk.users_1d as f64, amount_ratio]
}

/// Different beneficiaries of a day.
fn beneficiaries(context: &Context) -> f64 {
    if context.transaction.beneficiary_id.is_none() || context.windows.is_none() {
        return f64::NAN;
    }
    let (recent, time_ms) = (&context.recent, context.time_ms);
    let last = first_after(recent.times(), time_ms);
    let first = first_after(recent.times(), time_ms - recent.settings.day_ms);
    let first = first.max(last.saturating_sub(BENEFICIARY_LIMIT));
    distinct(recent.entries(first, last).map(|entry| entry.beneficiary)) as f64
}

/// Refunds of this merchant to this user, this one included: against the purchases there, and how many.
fn refunds(context: &Context) -> [f64; 2] {
    let transaction = context.transaction;
    if transaction.merchant_id.is_none() || transaction.kind == TransactionKind::Purchase {
        return [f64::NAN; 2];
    }
    match context.habits.dealings_with(context.entry.merchant) {
        None => [f64::NAN, 1.0],
        Some(dealings) => {
            let refunded = dealings.refunded.saturating_add(context.minor.into());
            [ratio(refunded, dealings.purchased), dealings.refunds.saturating_add(1) as f64]
        }
    }
}

/// Daily spend of 7 days against that of 30, and the shares of the credit limit that both are.
fn spending(context: &Context) -> [f64; 3] {
    let (Some(week), Some(month)) = (context.week, context.month) else { return [f64::NAN; 3] };
    let minor = u128::from(context.minor);
    let (week_minor, month_minor) = (week.total.saturating_add(minor), month.total.saturating_add(minor));
    let week_against_month = ratio(week_minor.saturating_mul(30), month_minor.saturating_mul(7));
    let limit = context.user.and_then(|user| user.credit_limit).unwrap_or(0.0);
    if limit < SMALLEST_LIMIT {
        return [week_against_month, f64::NAN, f64::NAN];
    }
    let share = |spent_minor: u128| ratio(spent_minor, context.scale as u128) / limit;
    [week_against_month, share(week_minor), share(month_minor)]
}

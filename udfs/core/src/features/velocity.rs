//! How much happened in the 5 minutes, the hour and the day up to and with this transaction.
//!
//! Windows hold the user's transactions of every kind (refunds and declined ones too). A late transaction sees none.

use crate::context::Context;
use crate::features::Family;
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::state::sums::spread;
use crate::state::window::Window;
use crate::wide::ratio;

pub const FAMILY: Family = Family { name: "velocity", features, compute };

/// A window by its suffix and words, and when its counts are reasons: `least` and `clear` of a high signal, that is from
/// how many on where that is above the population's .95 quantile, and from how many on where no quantiles are known.
struct Span {
    suffix: &'static str,
    words: &'static str,
    payments: (f64, f64),
    merchants: (f64, f64),
    devices: (f64, f64),
    countries: (f64, f64),
}

const SPANS: [Span; 3] = [
    Span {
        suffix: "5m",
        words: "5 minutes",
        payments: (2.0, 3.0),
        merchants: (3.0, 3.0),
        devices: (2.0, 2.0),
        countries: (2.0, 2.0),
    },
    Span {
        suffix: "1h",
        words: "1 hour",
        payments: (3.0, 5.0),
        merchants: (3.0, 5.0),
        devices: (2.0, 2.0),
        countries: (2.0, 2.0),
    },
    Span {
        suffix: "1d",
        words: "1 day",
        payments: (5.0, 12.0),
        merchants: (4.0, 10.0),
        devices: (3.0, 3.0),
        countries: (2.0, 2.0),
    },
];
const LATE: &str = "payment arrived too late for this window";
/// Features of each window.
const OF_WINDOW: usize = 8;

fn features() -> Vec<Feature> {
    let mut features: Vec<Feature> = SPANS.iter().flat_map(features_of_window).collect();
    features.extend([
        Feature::new(
            "foreign_country_count_1d",
            "countries",
            "different countries but the home country in (t - 1 day, t]; unknown where this transaction's country is",
            Words::number(Form::Count, "payments in {} foreign countries in 1 day")
                .unknown("no country stated, home country not known, or payment arrived too late"),
            Signal::high("place", 2.0, 2.0).rank(2),
        )
        .groups(&["country", "profile"])
        .version(2),
        Feature::new(
            "velocity_score",
            "transactions x base currency",
            "txn_count_5m x avg_amount_1h",
            Words::number(Form::Number, "{} payments x mean amount in short time")
                .unknown("payment arrived too late for this window"),
            Signal::never("velocity"),
        ),
        Feature::new(
            "declined_count_1h",
            "transactions",
            "declined transactions in (t - 1 hour, t]",
            Words::number(Form::Count, "{} declined payments in 1 hour")
                .unknown("payment arrived too late for this window"),
            Signal::high("declines", 2.0, 2.0),
        ),
        Feature::new(
            "declined_count_1d",
            "transactions",
            "declined transactions in (t - 1 day, t]",
            Words::number(Form::Count, "{} declined payments in 1 day")
                .unknown("payment arrived too late for this window"),
            Signal::high("declines", 2.0, 3.0).rank(2),
        ),
        Feature::new(
            "refund_count_1d",
            "transactions",
            "refunds and reversals in (t - 1 day, t]",
            Words::number(Form::Count, "{} refunds in 1 day").unknown("payment arrived too late for this window"),
            Signal::high("refunds", 2.0, 3.0),
        ),
        Feature::new(
            "refund_sum_1d",
            "base currency",
            "sum of refunds and reversals in (t - 1 day, t]",
            Words::number(Form::Money, "refunds of {} in 1 day").unknown("payment arrived too late for this window"),
            Signal::never("refunds"),
        ),
        Feature::new(
            "txn_count_1h_share_of_1d",
            "share",
            "txn_count_1h / txn_count_1d",
            Words::number(Form::Percent, "{} of the day's payments in the last hour")
                .unknown("payment arrived too late for this window"),
            Signal::never("velocity"),
        ),
        Feature::new(
            "amount_sum_1h_share_of_1d",
            "share",
            "amount_sum_1h / amount_sum_1d; unknown if the day's sum is 0",
            Words::number(Form::Percent, "{} of the day's spend in the last hour")
                .unknown("nothing spent in this window, or payment arrived too late"),
            Signal::never("spend"),
        ),
        Feature::new(
            "amount_vs_avg_1h",
            "ratio",
            "amount / avg_amount_1h; unknown if that is 0",
            Words::number(Form::Times, "amount {} the mean of the last hour")
                .or_if_low("amount only {} the mean of the last hour")
                .unknown("nothing spent in this window, or payment arrived too late"),
            Signal::multiple_of_own(2.0, 6),
        ),
        Feature::new(
            "amount_vs_avg_1d",
            "ratio",
            "amount / avg_amount_1d; unknown if that is 0",
            Words::number(Form::Times, "amount {} the mean of the last day")
                .or_if_low("amount only {} the mean of the last day")
                .unknown("nothing spent in this window, or payment arrived too late"),
            Signal::multiple_of_own(2.0, 6),
        ),
        Feature::new(
            "stated_txn_count_1h",
            "transactions",
            "the transaction's txns_last_1h",
            Words::number(Form::Count, "{} payments in 1 hour, as the bank counts")
                .unknown("the bank's count not stated"),
            Signal::high("velocity", 3.0, 5.0).rank(2),
        )
        .groups(&["stated"]),
    ]);
    features
}

fn features_of_window(span: &Span) -> Vec<Feature> {
    let Span { suffix, words, .. } = *span;
    let period = format!("in (t - {words}, t]");
    let number = |name: &str, unit: &'static str, formula: String, form: Form, text: &str, signal: Signal| {
        let words = Words::number(form, format!("{text} in {words}")).unknown(LATE);
        Feature::new(format!("{name}_{suffix}"), unit, formula, words, signal)
    };
    let distinct = |group: &'static str, plural: &'static str, preposition: &str, signal: Signal| {
        let formula = format!("different known {plural} {period}; unknown where this transaction's is");
        let words = Words::number(Form::Count, format!("payments {preposition} {{}} {plural} in {words}"))
            .unknown(format!("no {group} stated, or payment arrived too late"));
        Feature::new(format!("distinct_{plural}_{suffix}"), plural, formula, words, signal).groups(&[group]).version(2)
    };
    let high = |concept: &'static str, (least, clear): (f64, f64)| Signal::high(concept, least, clear);
    let spend = Signal::high("spend", 0.01, f64::INFINITY).rank(2).needs(format!("txn_count_{suffix}"), 2.0);
    let average = format!("amount_sum_{suffix} / txn_count_{suffix}");
    let deviation = format!("population standard deviation of amounts {period}");
    let (count, sum) = (format!("transactions {period}, this one included"), format!("sum of amounts {period}"));
    let greatest = format!("greatest amount {period}");
    let no_reason = || Signal::never("amount");
    vec![
        number("txn_count", "transactions", count, Form::Count, "{} payments", high("velocity", span.payments)),
        number("amount_sum", "base currency", sum, Form::Money, "{} spent", spend),
        number("avg_amount", "base currency", average, Form::Money, "mean amount {}", no_reason()),
        number("max_amount", "base currency", greatest, Form::Money, "greatest amount {}", no_reason()),
        number("std_amount", "base currency", deviation, Form::Money, "amounts vary by {}", no_reason()),
        distinct("merchant", "merchants", "at", high("merchants", span.merchants)),
        distinct("device", "devices", "on", high("device_change", span.devices)),
        distinct("country", "countries", "in", high("travel", span.countries)),
    ]
}

/// Which of the transaction's own merchant, device and country are known: what others are is only told then.
#[derive(Clone, Copy)]
struct Known {
    merchant: bool,
    device: bool,
    country: bool,
}

fn compute(context: &Context, out: &mut [f64]) {
    out.fill(f64::NAN);
    let Some(windows) = &context.windows else { return };
    let (transaction, recent, time_ms) = (context.transaction, &context.recent, context.time_ms);
    let known = Known {
        merchant: transaction.merchant_id.is_some(),
        device: transaction.device_id.is_some(),
        country: transaction.place_country().is_some(),
    };
    let (of_windows, others) = out.split_at_mut(3 * OF_WINDOW);
    let (hour, day) = (&windows.hour, &windows.day);
    for (window, values) in [&windows.five_minutes, hour, day].into_iter().zip(of_windows.chunks_exact_mut(OF_WINDOW)) {
        values.copy_from_slice(&of_window(window, context.scale, known));
    }
    let average_of_hour = of_windows[OF_WINDOW + 2];
    let home = context.user.and_then(|user| user.home_country.as_deref());
    let abroad = home.filter(|_| known.country);
    let (refunds, refunded_minor) = recent.refunds(time_ms, recent.settings.day_ms);
    let minor = u128::from(context.minor);
    let against_average = |window: &Window| ratio(minor * u128::from(window.count), window.total);
    others.copy_from_slice(&[
        abroad.map_or(f64::NAN, |home| recent.foreign_countries(time_ms, context.texts.find(home)) as f64),
        windows.five_minutes.count as f64 * average_of_hour,
        recent.declined(time_ms, recent.settings.hour_ms) as f64,
        recent.declined(time_ms, recent.settings.day_ms) as f64,
        refunds as f64,
        ratio(refunded_minor, context.scale as u128),
        hour.count as f64 / day.count as f64,
        ratio(hour.total, day.total),
        against_average(hour),
        against_average(day),
        transaction.txns_last_1h.unwrap_or(f64::NAN),
    ]);
}

/// The eight numbers of one window.
fn of_window(window: &Window, scale: i64, known: Known) -> [f64; OF_WINDOW] {
    let Window { count, total, squares, peak, .. } = *window;
    let if_known = |is_known: bool, values: u64| if is_known { values as f64 } else { f64::NAN };
    [
        count as f64,
        ratio(total, scale as u128),
        ratio(total, count.into()) / scale as f64,
        ratio(peak.into(), scale as u128),
        if count > 1 { spread(count, total, squares, scale) } else { 0.0 },
        if_known(known.merchant, window.merchants),
        if_known(known.device, window.devices),
        if_known(known.country, window.countries),
    ]
}

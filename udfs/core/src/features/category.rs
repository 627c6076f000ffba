//! Categories as others have used them: the history of the merchant category, channel, entry mode, merchant's country, city,
//! category by hour of day, category by channel, and the card's BIN, each as of the moment (hourly buckets, delayed labels).
//! A rate without a transaction in its span is not known.

use crate::context::Context;
use crate::entities::broad::BroadFigures;
use crate::entities::risk::BROAD_RISK_DAYS;
use crate::features::Family;
use crate::features::entity::{activity_ratio, fraud_rate};
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::maths::log1p;
use crate::wide::ratio;

pub const FAMILY: Family = Family { name: "category", features, compute };

/// Kind, words for one of it, groups of input fields that name it, and its concept in reasons; in the order of
/// `Context::categories`. Those that say nearly the same share their concept.
const CATEGORIES: [(&str, &str, &[&str], &str); 8] = [
    ("category", "this merchant category", &["category"], "category"),
    ("channel", "this channel", &["channel"], "channel"),
    ("entry_mode", "this entry mode", &["entry_mode"], "entry_mode"),
    ("merchant_country", "the merchant's country", &["country", "merchant_country"], "merchant_country"),
    ("city", "this city", &["city"], "city"),
    ("category_hour", "this merchant category at this hour", &["category"], "category"),
    ("category_channel", "this merchant category in this channel", &["category", "channel"], "category"),
    ("bin", "cards of this BIN", &["card"], "bin"),
];

fn features() -> Vec<Feature> {
    let of_categories = CATEGORIES.into_iter();
    let mut features: Vec<Feature> = of_categories
        .flat_map(|(name, entity, groups, concept)| features_of_category(name, entity, groups, concept))
        .collect();
    features.extend([
        Feature::new(
            "amount_vs_category_mean",
            "ratio",
            "amount / exp(mean of ln(1 + amount)) of the category's last 30 days; unknown below 20 transactions",
            Words::number(Form::Times, "amount {} what is paid in this merchant category")
                .unknown("too few payments known in this merchant category"),
            Signal::high("amount_in_category", 3.0, 6.0),
        )
        .groups(&["category", "entity_history"]),
        Feature::new(
            "amount_category_zscore",
            "standard deviations",
            "ln(1 + amount) against mean and deviation of the category's last 30 days; unknown below 20 transactions",
            Words::number(Form::Deviations, "amount {} above its merchant category's mean")
                .unknown("too few payments known in this merchant category"),
            Signal::high("amount_in_category", 2.0, 3.0).rank(2),
        )
        .groups(&["category", "entity_history"]),
        Feature::new(
            "user_category_share",
            "share",
            "share of this category in the spend of the user's earlier transactions, over the known categories",
            Words::number(Form::Percent, "merchant category with {} of this user's spend so far")
                .unknown("nothing spent by this user in known merchant categories, or no merchant category stated"),
            Signal::low("category", 0.02, 0.002).least(1e-09).rank(2).needs("user_txn_count", 20.0),
        )
        .groups(&["category"]),
        Feature::new(
            "amount_vs_user_category_avg",
            "ratio",
            "amount / mean amount of the user's earlier transactions in this category; unknown without any",
            Words::number(Form::Times, "amount {} this user's mean in this merchant category")
                .or_if_low("amount only {} this user's mean in this merchant category")
                .unknown("no earlier payment of this user in this merchant category"),
            Signal::multiple_of_own(2.5, 2),
        )
        .groups(&["category"]),
    ]);
    features
}

/// Features of one kind of category, or of one text attribute.
pub const OF_CATEGORY: usize = BROAD_RISK_DAYS.len() + 1;

/// What is known of one kind of category, or of one attribute of the bank's own, which the words call `entity`.
pub fn features_of_category(name: &str, entity: &str, groups: &[&str], concept: &str) -> Vec<Feature> {
    let rates = BROAD_RISK_DAYS.into_iter().map(|days| fraud_rate(name, entity, days, concept, groups));
    let formula = "7 x transactions of a day / transactions of 7 days, hourly buckets that ended by t - 5 minutes";
    let signal = Signal::high(format!("{concept}_activity"), 3.0, 5.0);
    rates.chain([activity_ratio(name, entity, formula, signal, groups)]).collect()
}

/// Their values; `out` has OF_CATEGORY places.
pub fn write_figures(figures: Option<&BroadFigures>, out: &mut [f64]) {
    out.fill(f64::NAN);
    let Some(figures) = figures else { return };
    for (value, rate) in out.iter_mut().zip(figures.fraud_rates()) {
        *value = *rate;
    }
    if let Some(last) = out.last_mut() {
        *last = figures.activity_ratio;
    }
}

fn compute(context: &Context, out: &mut [f64]) {
    let (of_categories, others) = out.split_at_mut(CATEGORIES.len() * OF_CATEGORY);
    for (figures, values) in context.categories.iter().zip(of_categories.chunks_exact_mut(OF_CATEGORY)) {
        write_figures(figures.as_ref(), values);
    }
    let (mut against_mean, mut deviations) = (f64::NAN, f64::NAN);
    if let Some(category) = context.categories[0].filter(|category| !category.amount_mean.is_nan()) {
        let (mean, deviation) = (category.amount_mean, category.log_amount_deviation);
        if mean != 0.0 {
            against_mean = context.amount / mean;
        }
        if deviation != 0.0 {
            deviations = (log1p(context.amount) - category.log_amount_mean) / deviation;
        }
    }
    let (mut share, mut against_own) = (f64::NAN, f64::NAN);
    if context.transaction.merchant_category.is_some() {
        let spent = context.habits.spend_in(context.entry.category);
        share = ratio(spent.map_or(0, |spent| spent.total), context.habits.category_total);
        against_own =
            spent.map_or(f64::NAN, |spent| ratio(u128::from(context.minor) * u128::from(spent.count), spent.total));
    }
    others.copy_from_slice(&[against_mean, deviations, share, against_own]);
}

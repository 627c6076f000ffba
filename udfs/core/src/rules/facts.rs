//! What rules may know beside features, fields and population: of the user, the parties, the last payments, and of a
//! change of the account. They are no inputs of the model, so that a new one changes no feature set and no bundle; they
//! are computed only where a rule reads them.

use crate::context::Context;
use crate::decision::flags::is_sanctioned;
use crate::events::{AccountChange, Text};
use crate::profiles::BlockEntry;
use crate::python_text::strip;
use crate::state::hourly::PastPayments;
use crate::state::sorted_times::first_after;

/// The numbers, in the order of `Facts::numbers`.
pub const FACT_NUMBERS: [&str; 4] = ["user_verified", "high_amount_count_1h", "device_changes_1d", "city_changes_1d"];
/// The one text about a payment.
pub const SANCTIONED_PARTIES: &str = "sanctioned_parties";
/// Texts about a change of the account, in the order of `Facts::change`.
pub const CHANGE_TEXTS: [&str; 5] = ["old_status", "new_status", "change_reason", "audit_user", "changed_by"];
/// Of how many of the newest transactions changes of device and city are counted, and high amounts.
const MOST_COUNTED: usize = 256;
/// An amount above so many times the user's mean is high.
const HIGH_MULTIPLE: u128 = 2;

/// NaN and `None` are not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    pub numbers: [f64; FACT_NUMBERS.len()],
    /// Such as "user U1 and merchant M1"; empty where there are none.
    pub sanctioned_parties: Option<Box<str>>,
    pub change: Option<Box<[Box<str>; CHANGE_TEXTS.len()]>>,
    /// The user's payments of windows, of each length that rules read.
    pub past: Vec<PastPayments>,
}

impl Facts {
    pub const UNKNOWN: Self =
        Self { numbers: [f64::NAN; FACT_NUMBERS.len()], sanctioned_parties: None, change: None, past: Vec::new() };

    /// Of a payment. `verified`: by the account's newest change of status that said so, which goes before the profile.
    pub fn of_payment(context: &Context, verified: Option<bool>, blocked: &[BlockEntry]) -> Self {
        let by_profile = || context.user.and_then(|user| user.kyc_level).map(|level| level != 0);
        let verified = verified.or_else(by_profile).map_or(f64::NAN, f64::from);
        let [high_amounts, devices, cities] = counts(context);
        Self {
            numbers: [verified, high_amounts, devices, cities],
            sanctioned_parties: Some(sanctioned_parties(blocked).into()),
            ..Self::UNKNOWN
        }
    }

    /// Of a change of the account. A condition sees what is missing as a text, since a bank asks for just that.
    pub fn of_change(change: &AccountChange) -> Self {
        let or = |text: &Option<Text<'_>>, missing: &str| -> Box<str> { text.as_deref().unwrap_or(missing).into() };
        let by = change.audit_user.as_deref().unwrap_or_default();
        let texts = [
            or(&change.old_status, "None"),
            or(&change.new_status, "None"),
            or(&change.reason, ""),
            strip(by).to_lowercase().into(),
            if by.is_empty() { "nobody".into() } else { by.into() },
        ];
        Self { change: Some(Box::new(texts)), ..Self::UNKNOWN }
    }
}

/// The parties of a payment that are on the block list for sanctions.
pub fn sanctioned_parties(blocked: &[BlockEntry]) -> String {
    let sanctioned = blocked.iter().filter(|entry| is_sanctioned(entry));
    let parties: Vec<String> = sanctioned.map(|entry| format!("{} {}", entry.kind.name(), entry.value)).collect();
    parties.join(" and ")
}

/// Transactions of an hour above twice the user's mean; changes of device and of city from one transaction of a day to the
/// next. Unknown for a late transaction.
fn counts(context: &Context) -> [f64; 3] {
    if context.windows.is_none() {
        return [f64::NAN; 3];
    }
    let (recent, time_ms) = (&context.recent, context.time_ms);
    let last = first_after(recent.times(), time_ms);
    let since = |width_ms: i64| first_after(recent.times(), time_ms - width_ms).max(last.saturating_sub(MOST_COUNTED));
    let (hour, day) = (since(recent.settings.hour_ms), since(recent.settings.day_ms));
    let (count, total) = (u128::from(context.habits.lifetime.count), context.habits.lifetime.total);
    let is_high = |minor: u64| u128::from(minor).saturating_mul(count) > total.saturating_mul(HIGH_MULTIPLE);
    let high_amounts = match total {
        0 => f64::NAN,
        _ => recent.entries(hour, last).filter(|entry| is_high(entry.minor)).count() as f64,
    };
    let if_stated = |is_stated: bool, count: f64| if is_stated { count } else { f64::NAN };
    [
        high_amounts,
        if_stated(
            context.transaction.device_id.is_some(),
            changes(recent.entries(day, last).filter_map(|entry| entry.device)),
        ),
        if_stated(
            context.transaction.city.is_some(),
            changes(recent.entries(day, last).filter_map(|entry| entry.city)),
        ),
    ]
}

/// How often a value is another one than that before it.
fn changes<T: PartialEq>(values: impl Iterator<Item = T>) -> f64 {
    let (mut before, mut count) = (None, 0);
    for value in values {
        count += i32::from(before.as_ref().is_some_and(|before| *before != value));
        before = Some(value);
    }
    count.into()
}

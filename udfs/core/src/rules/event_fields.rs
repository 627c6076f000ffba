//! The fields of a transaction that rules may read beside its features.

use crate::events::Transaction;

/// A text field; `None` where the event does not have it.
pub type ReadText = for<'a, 'b> fn(&'a Transaction<'b>) -> Option<&'a str>;
/// A number; NaN where the event does not have it.
pub type ReadNumber = for<'a, 'b> fn(&'a Transaction<'b>) -> f64;

pub const EVENT_TEXTS: [(&str, ReadText); 18] = [
    ("transaction_id", |event| Some(&event.transaction_id)),
    ("user_id", |event| Some(&event.user_id)),
    ("currency", |event| event.currency.as_deref()),
    ("merchant_id", |event| event.merchant_id.as_deref()),
    ("merchant_category", |event| event.merchant_category.as_deref()),
    ("merchant_country", |event| event.merchant_country.as_deref()),
    ("channel", |event| event.channel.as_deref()),
    ("entry_mode", |event| event.entry_mode.as_deref()),
    ("device_id", |event| event.device_id.as_deref()),
    ("session_id", |event| event.session_id.as_deref()),
    ("card_id", |event| event.card_id.as_deref()),
    ("ip_address", |event| event.ip_address.as_deref()),
    ("city", |event| event.city.as_deref()),
    ("country", |event| event.country.as_deref()),
    ("beneficiary_id", |event| event.beneficiary_id.as_deref()),
    ("email_domain", |event| event.email_domain.as_deref()),
    ("kind", |event| Some(event.kind.name())),
    ("auth_result", |event| event.auth_result.map(|result| result.name())),
];

/// `timestamp` is in epoch milliseconds, `original_amount` in major units of the event's own currency.
pub const EVENT_NUMBERS: [(&str, ReadNumber); 7] = [
    ("timestamp", |event| event.timestamp as f64),
    ("latitude", |event| known(event.latitude)),
    ("longitude", |event| known(event.longitude)),
    ("original_amount", |event| event.amount),
    ("distance_from_home_km", |event| known(event.distance_from_home_km)),
    ("account_tenure_months", |event| known(event.account_tenure_months)),
    ("txns_last_1h", |event| known(event.txns_last_1h)),
];

/// True is 1, false 0, absent NaN.
pub const EVENT_FLAGS: [(&str, ReadNumber); 1] = [("otp_used", |event| known(event.otp_used.map(f64::from)))];

/// The field of the transaction that a name reads.
pub fn field_of(name: &str) -> &str {
    if name == "original_amount" { "amount" } else { name }
}

fn known(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

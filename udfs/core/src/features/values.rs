//! What families share: flags and ratios as floats.

use crate::state::texts::Symbol;

/// 1 or 0.
pub fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// The value, or NaN for one that is not known.
pub fn known(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

/// 1 if both are known and differ, 0 if they are equal, NaN if one is not known.
pub fn changed(before: Option<Symbol>, now: Option<Symbol>) -> f64 {
    known(before.zip(now).map(|(before, now)| flag(before != now)))
}

/// The same of texts that are not the user's own.
pub fn changed_text(before: Option<&str>, now: Option<&str>) -> f64 {
    known(before.zip(now).map(|(before, now)| flag(before != now)))
}

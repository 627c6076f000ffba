//! Money in integer minor units by ISO 4217 exponent, and a dated FX table into the base currency.

use std::fmt;

use hashbrown::HashMap;

use crate::python_text::float_repr;
use crate::wide::Wide;

/// The greatest amount in the base currency, minor units: it stays far inside 64 bits, the widest integer of the state.
pub const MAX_BASE_MINOR: u64 = 10_000_000_000_000_000;
/// Below it a double holds minor units to far better than the margin around a half.
const FAST_LIMIT: f64 = 1e9;
const HALF_MARGIN: f64 = 1e-3;
/// The most digits that a rate may have.
const MAX_RATE_DIGITS: u32 = 38;

/// Why an amount has no value in the base currency; the text is the dead letter's reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAmount {
    /// The FX table has no rate for the currency at that time.
    MissingRate(String),
    /// In the base currency the amount is larger than the state can hold.
    OutOfRange(String),
}

/// A rate cannot be used: its digits or its exponent are out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRate;

impl fmt::Display for BadRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a rate must be above 0 and have at most {MAX_RATE_DIGITS} digits")
    }
}

impl std::error::Error for BadRate {}

/// `digits` x 10^`exponent` base units for one unit of a currency, from a moment on (epoch milliseconds).
#[derive(Clone, Copy, Debug)]
struct Rate {
    valid_from_ms: i64,
    digits: u128,
    exponent: i32,
}

/// Digits after the decimal point of the currency's minor unit (list one of the maintenance agency).
pub fn exponent(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" => 0,
        "RWF" | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// Converts amounts to minor units of the base currency.
///
/// Without a table every currency counts 1:1; with one, a currency that it lacks has no rate.
#[derive(Clone, Debug)]
pub struct Money {
    base_currency: Box<str>,
    digits: u32,
    /// Minor units per major unit of the base currency.
    pub scale: i64,
    table: HashMap<Box<str>, Vec<Rate>>,
}

impl Money {
    /// Without rates.
    pub fn new(base_currency: &str) -> Self {
        let digits = exponent(base_currency);
        Self { base_currency: base_currency.into(), digits, scale: 10i64.pow(digits), table: HashMap::new() }
    }

    /// The currency that amounts are converted to.
    pub fn base_currency(&self) -> &str {
        &self.base_currency
    }

    /// Add a rate of `digits` x 10^`exponent` base units for one unit, in force from `valid_from_ms` on.
    pub fn add_rate(&mut self, currency: &str, valid_from_ms: i64, digits: u128, exponent: i32) -> Result<(), BadRate> {
        if digits == 0 || digits.ilog10() >= MAX_RATE_DIGITS || !(-60..=20).contains(&exponent) {
            return Err(BadRate);
        }
        let rates = self.table.entry(currency.into()).or_default();
        let at = rates.partition_point(|rate| rate.valid_from_ms <= valid_from_ms);
        rates.insert(at, Rate { valid_from_ms, digits, exponent });
        Ok(())
    }

    /// The amount (major units, not negative) in minor units of the base currency, by the rate in force at `time_ms`.
    pub fn base_minor(&self, amount: f64, currency: Option<&str>, time_ms: i64) -> Result<u64, NoAmount> {
        let Some(currency) = currency.filter(|currency| **currency != *self.base_currency && !self.table.is_empty())
        else {
            return Ok(minor_units(amount, self.digits));
        };
        let rates = self.table.get(currency).map_or(&[][..], Vec::as_slice);
        let Some(rate) = rates.iter().rev().find(|rate| rate.valid_from_ms <= time_ms) else {
            let base = &self.base_currency;
            return Err(NoAmount::MissingRate(format!("currency: no FX rate from {currency} to {base} at {time_ms}")));
        };
        let digits = exponent(currency);
        let scale = rate.exponent + self.digits as i32 - digits as i32;
        match half_even(u128::from(minor_units(amount, digits)), rate.digits, scale) {
            Some(minor) if minor <= u128::from(MAX_BASE_MINOR) => Ok(minor as u64),
            _ => {
                let (amount, base) = (float_repr(amount), &self.base_currency);
                Err(NoAmount::OutOfRange(format!("amount: {amount} {currency} is too large in {base}")))
            }
        }
    }
}

/// Major units to integer minor units, half-even on the decimal text of the amount (not on its binary value).
pub fn minor_units(amount: f64, digits: u32) -> u64 {
    let scaled = amount * 10f64.powi(digits as i32);
    let whole = scaled.round_ties_even();
    if amount < FAST_LIMIT && ((scaled - whole).abs() - 0.5).abs() > HALF_MARGIN {
        return whole as u64;
    }
    // The shortest digits that give the same float: those that the record had.
    let text = format!("{amount:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32);
    let number =
        mantissa.bytes().filter(u8::is_ascii_digit).fold(0, |value, digit| value * 10 + u128::from(digit - b'0'));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    half_even(number, 1, exponent - fraction + digits as i32)
        .map_or(u64::MAX, |minor| minor.min(u64::MAX.into()) as u64)
}

/// left x right x 10^scale as an integer, half-even; `None` beyond 128 bits.
fn half_even(left: u128, right: u128, scale: i32) -> Option<u128> {
    const TEN: u64 = 10;
    let mut product = Wide::product(left, right);
    if scale >= 0 {
        let factor = 10u128.checked_pow(scale as u32)?;
        let whole = product.to_u128()?;
        return whole.checked_mul(factor);
    }
    // All but the last digit only say on which side of a tie the number lies.
    let mut is_above_tie = false;
    for _ in 0..-scale - 1 {
        let (quotient, digit) = product.divided(TEN);
        is_above_tie |= digit != 0;
        product = quotient;
    }
    let (quotient, last) = product.divided(TEN);
    let whole = quotient.to_u128()?;
    let rounds_up = last > 5 || (last == 5 && (is_above_tie || whole % 2 == 1));
    whole.checked_add(u128::from(rounds_up))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (amount, minor) in [(0.125, 12), (0.135, 14), (2.675, 268), (1.005, 100), (1e12, 100_000_000_000_000)] {
            assert_eq!(minor_units(amount, 2), minor, "{amount}");
        }
        assert_eq!(minor_units(0.5, 0), 0);
        assert_eq!(minor_units(1.5, 0), 2);
    }

    #[test]
    fn the_rate_in_force_counts() {
        let mut money = Money::new("USD");
        money.add_rate("JPY", 1_000, 67, -4).unwrap();
        money.add_rate("JPY", 2_000, 1, -2).unwrap();
        assert_eq!(money.base_minor(1000.0, Some("JPY"), 1_500), Ok(670));
        assert_eq!(money.base_minor(1000.0, Some("JPY"), 2_000), Ok(1_000));
        assert_eq!(money.base_minor(1000.0, None, 0), Ok(100_000));
        let missing = money.base_minor(1.0, Some("JPY"), 999);
        assert_eq!(missing, Err(NoAmount::MissingRate("currency: no FX rate from JPY to USD at 999".into())));
        assert!(matches!(money.base_minor(1.0, Some("CHF"), 5_000), Err(NoAmount::MissingRate(_))));
        money.add_rate("BTC", 0, 1, 20).unwrap();
        let too_large = money.base_minor(2.5, Some("BTC"), 0);
        assert_eq!(too_large, Err(NoAmount::OutOfRange("amount: 2.5 BTC is too large in USD".into())));
    }

    proptest! {
        #[test]
        fn whole_minor_units_are_kept(minor in 0u64..100_000_000_000_000) {
            prop_assert_eq!(minor_units(minor as f64 / 100.0, 2), minor);
        }

        #[test]
        fn no_amount_makes_it_panic(amount in 0f64..1e300, digits in 0u32..5) {
            minor_units(amount, digits);
        }
    }
}

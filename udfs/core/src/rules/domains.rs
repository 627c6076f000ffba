//! Which numbers a name can have at all. Only what is certain is told; all else may be any number.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::codec::MAX_TIMESTAMP_MS;
use crate::features::FEATURES;
use crate::rules::expressions::{ArithmeticOperator, Expression};
use crate::rules::functions::{Function, rounded};
use crate::rules::names::{Name, Source};

/// From `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Domain {
    pub low: f64,
    pub high: f64,
    /// No fractions.
    pub is_whole: bool,
}

const ANY: Domain = Domain { low: f64::NEG_INFINITY, high: f64::INFINITY, is_whole: false };
const NOT_NEGATIVE: Domain = Domain { low: 0.0, ..ANY };
const SHARE: Domain = Domain { low: 0.0, high: 1.0, is_whole: false };
const FLAG: Domain = Domain { is_whole: true, ..SHARE };
const GREATEST_AMOUNT: f64 = 1e12;

static UNITS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| FEATURES.iter().map(|feature| (&*feature.name, &*feature.unit)).collect());

impl Domain {
    fn between(low: f64, high: f64) -> Self {
        Self { low, high, is_whole: false }
    }

    /// Of a name.
    pub fn of_name(name: &Name) -> Self {
        match name.source {
            Source::Feature(_) => of_unit(UNITS.get(&*name.name).copied().unwrap_or_default()),
            Source::EventFlag(_) => FLAG,
            Source::EventNumber(_) => match &*name.name {
                "latitude" => Self::between(-90.0, 90.0),
                "longitude" => Self::between(-180.0, 180.0),
                "original_amount" => Self::between(0.0, GREATEST_AMOUNT),
                "timestamp" => Self::between(0.0, MAX_TIMESTAMP_MS as f64),
                _ => ANY,
            },
            Source::Population(_) => match &*name.name {
                "population_fraud_rate" | "city_fraud_rate" => SHARE,
                _ => NOT_NEGATIVE,
            },
            Source::Fact(_) if &*name.name == "user_verified" => FLAG,
            Source::Fact(_) => NOT_NEGATIVE,
            Source::EventText(_) | Source::SanctionedParties | Source::ChangeText(_) => ANY,
        }
    }

    /// Of a number that is computed; `ANY` where it is not a number.
    pub fn of(node: &Expression) -> Self {
        match node {
            Expression::Name(name) => Self::of_name(name),
            Expression::Number(value) => Self::between(*value, *value),
            Expression::Flag(value) => Self::between(f64::from(*value), f64::from(*value)),
            Expression::Negative(operand) => {
                let operand = Self::of(operand);
                Self::between(-operand.high, -operand.low)
            }
            Expression::Arithmetic { operator, left, right } => {
                let (left, right) = (Self::of(left), Self::of(right));
                match operator {
                    ArithmeticOperator::Add => spanned([left.low + right.low, left.high + right.high]),
                    ArithmeticOperator::Subtract => spanned([left.low - right.high, left.high - right.low]),
                    ArithmeticOperator::Multiply => spanned([
                        left.low * right.low,
                        left.low * right.high,
                        left.high * right.low,
                        left.high * right.high,
                    ]),
                    // A remainder lies between 0 and the divisor, either of which rounding can reach.
                    ArithmeticOperator::Remainder => spanned([0.0, right.low, right.high]),
                    ArithmeticOperator::Divide => ANY,
                }
            }
            Expression::Call { function, arguments } => Self::of_call(*function, arguments),
            _ => ANY,
        }
    }

    fn of_call(function: Function, arguments: &[Expression]) -> Self {
        let domains: Vec<Self> = arguments.iter().map(Self::of).collect();
        let lows = domains.iter().map(|domain| domain.low);
        let highs = domains.iter().map(|domain| domain.high);
        let is_whole = domains.iter().all(|domain| domain.is_whole);
        match (function, domains.first()) {
            (Function::Abs, Some(of)) => {
                let low = if of.low <= 0.0 && of.high >= 0.0 { 0.0 } else { of.low.abs().min(of.high.abs()) };
                Self { low, high: of.low.abs().max(of.high.abs()), is_whole }
            }
            (Function::Min, _) => Self { low: least(lows), high: least(highs), is_whole },
            (Function::Max, _) => Self { low: greatest(lows), high: greatest(highs), is_whole },
            // The payment itself counts.
            (Function::Count, _) => Self { low: 1.0, is_whole: true, ..ANY },
            (Function::AmountSum, _) => NOT_NEGATIVE,
            (Function::Coalesce, _) => Self { low: least(lows), high: greatest(highs), is_whole },
            (Function::Round, Some(of)) => match arguments.get(1) {
                Some(Expression::Number(places)) => {
                    let factor = 10f64.powi(*places as i32);
                    Self::between(rounded(of.low, factor), rounded(of.high, factor))
                }
                _ => Self { is_whole: true, ..Self::between(of.low.round(), of.high.round()) },
            },
            _ => ANY,
        }
    }
}

fn least(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(f64::INFINITY, f64::min)
}

fn greatest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(f64::NEG_INFINITY, f64::max)
}

/// From the least to the greatest of numbers; `ANY` where one is not known.
fn spanned<const COUNT: usize>(numbers: [f64; COUNT]) -> Domain {
    if numbers.iter().any(|number| number.is_nan()) {
        return ANY;
    }
    Domain::between(least(numbers.into_iter()), greatest(numbers.into_iter()))
}

fn of_unit(unit: &str) -> Domain {
    match unit {
        "flag" => FLAG,
        "rate" => SHARE,
        "hour" => Domain { low: 0.0, high: 23.0, is_whole: true },
        "day" => Domain { low: 0.0, high: 6.0, is_whole: true },
        "base currency" | "km" | "km/h" | "transactions" | "devices" | "users" | "cities" | "countries"
        | "merchants" | "beneficiaries" | "logins" | "frauds" | "refunds" => NOT_NEGATIVE,
        _ => ANY,
    }
}

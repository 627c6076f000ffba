//! The numbers and texts of a condition, ready to be computed for a transaction.

use std::borrow::Cow;

use crate::events::Transaction;
use crate::rules::event_fields::{ReadNumber, ReadText};
use crate::rules::expressions::{ArithmeticOperator, Expression};
use crate::rules::facts::Facts;
use crate::rules::functions::{Function, extreme, rounded};
use crate::rules::names::Source;
use crate::rules::past::Past;
use crate::rules::population::Figures;
use crate::time_units::{DAY_MS, HOUR_MS};

/// What rules look at: one transaction's features in input order, its fields, the figures about
/// all users, and the facts.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub features: &'a [f64],
    pub transaction: &'a Transaction<'a>,
    pub population: &'a Figures,
    pub facts: &'a Facts,
}

/// A number; NaN is one that is not known.
#[derive(Debug)]
pub enum Number {
    Constant(f64),
    Feature(usize),
    Event(ReadNumber),
    Population(usize),
    Fact(usize),
    Negative(Box<Number>),
    Arithmetic(ArithmeticOperator, Box<Number>, Box<Number>),
    Absolute(Box<Number>),
    Least(Box<[Number]>),
    Greatest(Box<[Number]>),
    /// To decimal places that are worth this factor.
    Rounded(Box<Number>, f64),
    /// From the first moment to the second, in units of so many milliseconds.
    Between(Box<[Number; 2]>, f64),
    FirstKnown(Box<[Number]>),
    Past(Past),
}

impl Number {
    /// Of an expression that is a number, true or false; `None` for any other.
    pub fn of(node: &Expression) -> Option<Self> {
        Some(match node {
            Expression::Number(value) => Self::Constant(*value),
            Expression::Flag(value) => Self::Constant(f64::from(*value)),
            Expression::Name(name) => match name.source {
                Source::Feature(position) => Self::Feature(position),
                Source::EventNumber(read) | Source::EventFlag(read) => Self::Event(read),
                Source::Population(position) => Self::Population(position),
                Source::Fact(position) => Self::Fact(position),
                Source::EventText(_) | Source::SanctionedParties | Source::ChangeText(_) => return None,
            },
            Expression::Negative(operand) => Self::Negative(Box::new(Self::of(operand)?)),
            Expression::Arithmetic { operator, left, right } => {
                Self::Arithmetic(*operator, Box::new(Self::of(left)?), Box::new(Self::of(right)?))
            }
            Expression::Call { function, arguments } => Self::of_call(*function, arguments)?,
            _ => return None,
        })
    }

    /// `None` where the function gives no number.
    fn of_call(function: Function, arguments: &[Expression]) -> Option<Self> {
        let operands = || arguments.iter().map(Self::of).collect::<Option<Vec<Self>>>();
        let first = || Some(Box::new(Self::of(arguments.first()?)?));
        let between = |unit_ms: i64| Some(Self::Between(Box::new(operands()?.try_into().ok()?), unit_ms as f64));
        match function {
            Function::Abs => Some(Self::Absolute(first()?)),
            Function::Min => Some(Self::Least(operands()?.into())),
            Function::Max => Some(Self::Greatest(operands()?.into())),
            Function::Coalesce => Some(Self::FirstKnown(operands()?.into())),
            Function::Round => {
                let Some(Expression::Number(places)) = arguments.get(1) else {
                    return Some(Self::Rounded(first()?, 1.0));
                };
                Some(Self::Rounded(first()?, 10f64.powi(*places as i32)))
            }
            Function::HoursBetween => between(HOUR_MS),
            Function::DaysBetween => between(DAY_MS),
            Function::Count | Function::AmountSum => Past::of_call(function, arguments).map(Self::Past),
            Function::Lower | Function::StartsWith | Function::Known => None,
        }
    }

    /// The value for one transaction. A feature that the row does not have is not known.
    pub fn value(&self, row: &Row) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Feature(position) => row.features.get(*position).copied().unwrap_or(f64::NAN),
            Self::Event(read) => read(row.transaction),
            Self::Population(position) => row.population.get(*position).copied().unwrap_or(f64::NAN),
            Self::Fact(position) => row.facts.numbers.get(*position).copied().unwrap_or(f64::NAN),
            Self::Negative(operand) => -operand.value(row),
            Self::Arithmetic(operator, left, right) => compute(*operator, left.value(row), right.value(row)),
            Self::Absolute(operand) => operand.value(row).abs(),
            Self::Least(operands) => extreme(operands.iter().map(|operand| operand.value(row)), true),
            Self::Greatest(operands) => extreme(operands.iter().map(|operand| operand.value(row)), false),
            Self::Rounded(operand, factor) => rounded(operand.value(row), *factor),
            Self::Between(moments, unit_ms) => (moments[1].value(row) - moments[0].value(row)) / unit_ms,
            Self::Past(past) => past.value(&row.facts.past),
            Self::FirstKnown(operands) => {
                let known = operands.iter().map(|operand| operand.value(row)).find(|value| !value.is_nan());
                known.unwrap_or(f64::NAN)
            }
        }
    }
}

/// What is computed of two numbers; NaN where nothing is known.
pub fn compute(operator: ArithmeticOperator, left: f64, right: f64) -> f64 {
    match operator {
        ArithmeticOperator::Add => left + right,
        ArithmeticOperator::Subtract => left - right,
        ArithmeticOperator::Multiply => left * right,
        // Division by nothing gives nothing that is known, not infinity.
        ArithmeticOperator::Divide | ArithmeticOperator::Remainder if right == 0.0 => f64::NAN,
        ArithmeticOperator::Divide => left / right,
        ArithmeticOperator::Remainder => remainder(left, right),
    }
}

/// Python's `%`: the remainder has the sign of the divisor.
fn remainder(left: f64, right: f64) -> f64 {
    let rest = left % right;
    if rest == 0.0 {
        return f64::copysign(0.0, right);
    }
    if (right < 0.0) == (rest < 0.0) { rest } else { rest + right }
}

/// A text; `None` is one that is not known.
#[derive(Debug)]
pub enum Text {
    Constant(Box<str>),
    Event(ReadText),
    SanctionedParties,
    Change(usize),
    Lower(Box<Text>),
    FirstKnown(Box<[Text]>),
}

impl Text {
    /// Of an expression that is a text; `None` for any other.
    pub fn of(node: &Expression) -> Option<Self> {
        match node {
            Expression::Text(value) => Some(Self::Constant(value.as_str().into())),
            Expression::Name(name) => match name.source {
                Source::EventText(read) => Some(Self::Event(read)),
                Source::SanctionedParties => Some(Self::SanctionedParties),
                Source::ChangeText(position) => Some(Self::Change(position)),
                _ => None,
            },
            Expression::Call { function: Function::Lower, arguments } => {
                Some(Self::Lower(Box::new(Self::of(arguments.first()?)?)))
            }
            Expression::Call { function: Function::Coalesce, arguments } => {
                Some(Self::FirstKnown(arguments.iter().map(Self::of).collect::<Option<_>>()?))
            }
            _ => None,
        }
    }

    /// The value for one transaction.
    pub fn value<'a>(&'a self, row: &Row<'a>) -> Option<Cow<'a, str>> {
        match self {
            Self::Constant(value) => Some(Cow::Borrowed(value)),
            Self::Event(read) => read(row.transaction).map(Cow::Borrowed),
            Self::SanctionedParties => row.facts.sanctioned_parties.as_deref().map(Cow::Borrowed),
            Self::Change(position) => row.facts.change.as_ref()?.get(*position).map(|text| Cow::Borrowed(&**text)),
            Self::Lower(operand) => operand.value(row).map(|text| Cow::Owned(text.to_lowercase())),
            Self::FirstKnown(operands) => operands.iter().find_map(|operand| operand.value(row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remainder_has_the_sign_of_the_divisor() {
        for (left, right, expected) in [(5.0, 3.0, 2.0), (-5.0, 3.0, 1.0), (5.0, -3.0, -1.0), (-5.0, -3.0, -2.0)] {
            assert_eq!(compute(ArithmeticOperator::Remainder, left, right), expected);
        }
        assert_eq!(remainder(-5.0, f64::INFINITY), f64::INFINITY);
        assert!(remainder(6.0, -3.0).is_sign_negative());
    }

    #[test]
    fn nothing_is_known_of_a_division_by_nothing() {
        for operator in [ArithmeticOperator::Divide, ArithmeticOperator::Remainder] {
            assert!(compute(operator, 1.0, -0.0).is_nan());
        }
    }
}

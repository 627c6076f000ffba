//! The numbers and texts of a condition, ready to be computed for a transaction.

use crate::events::Transaction;
use crate::rules::event_fields::{ReadNumber, ReadText};
use crate::rules::expressions::{ArithmeticOperator, Expression};
use crate::rules::facts::Facts;
use crate::rules::names::Source;
use crate::rules::population::Figures;

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
            _ => return None,
        })
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
            _ => None,
        }
    }

    /// The value for one transaction.
    pub fn value<'a>(&'a self, row: &Row<'a>) -> Option<&'a str> {
        match self {
            Self::Constant(value) => Some(value),
            Self::Event(read) => read(row.transaction),
            Self::SanctionedParties => row.facts.sanctioned_parties.as_deref(),
            Self::Change(position) => row.facts.change.as_ref()?.get(*position).map(|text| &**text),
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

//! The numbers and texts of a condition over a block.

use crate::rules::columns::block::{BLOCK, Block, ColumnNames};
use crate::rules::expressions::{ArithmeticOperator, Expression};
use crate::rules::names::Kind;
use crate::rules::number::compute;

/// A number a row; NaN is one that is not known.
#[derive(Debug)]
pub enum ColumnNumber {
    Constant(f64),
    Column(usize),
    Negative(Box<ColumnNumber>),
    Arithmetic(ArithmeticOperator, Box<ColumnNumber>, Box<ColumnNumber>),
}

impl ColumnNumber {
    /// Of an expression that is a number, true or false; `None` for any other.
    pub fn of(node: &Expression, names: &mut ColumnNames) -> Option<Self> {
        Some(match node {
            Expression::Number(value) => Self::Constant(*value),
            Expression::Flag(value) => Self::Constant(f64::from(*value)),
            Expression::Name(name) if name.source.kind() == Kind::Text => return None,
            Expression::Name(name) => Self::Column(names.place_of(name)),
            Expression::Negative(operand) => Self::Negative(Box::new(Self::of(operand, names)?)),
            Expression::Arithmetic { operator, left, right } => {
                Self::Arithmetic(*operator, Box::new(Self::of(left, names)?), Box::new(Self::of(right, names)?))
            }
            Expression::Text(_)
            | Expression::Comparison { .. }
            | Expression::Membership { .. }
            | Expression::Not(_)
            | Expression::AllOf(_)
            | Expression::AnyOf(_) => return None,
        })
    }

    /// The values of a block, into its rows.
    pub fn values(&self, block: &Block, into: &mut [f64]) {
        match self {
            Self::Constant(value) => into.fill(*value),
            Self::Column(place) => block.columns.numbers[*place].read(block.start, into),
            Self::Negative(operand) => {
                operand.values(block, into);
                into.iter_mut().for_each(|value| *value = -*value);
            }
            Self::Arithmetic(operator, left, right) => {
                left.values(block, into);
                let mut rest = [0.0; BLOCK];
                let rest = &mut rest[..into.len()];
                right.values(block, rest);
                // One loop an operator, so that each is a few instructions of many values.
                match operator {
                    ArithmeticOperator::Add => each(into, rest, |a, b| compute(ArithmeticOperator::Add, a, b)),
                    ArithmeticOperator::Subtract => {
                        each(into, rest, |a, b| compute(ArithmeticOperator::Subtract, a, b));
                    }
                    ArithmeticOperator::Multiply => {
                        each(into, rest, |a, b| compute(ArithmeticOperator::Multiply, a, b));
                    }
                    ArithmeticOperator::Divide => each(into, rest, |a, b| compute(ArithmeticOperator::Divide, a, b)),
                    ArithmeticOperator::Remainder => {
                        each(into, rest, |a, b| compute(ArithmeticOperator::Remainder, a, b));
                    }
                }
            }
        }
    }
}

fn each(into: &mut [f64], rest: &[f64], computed: impl Fn(f64, f64) -> f64) {
    for (value, other) in into.iter_mut().zip(rest) {
        *value = computed(*value, *other);
    }
}

/// A text a row; `None` is one that is not known.
#[derive(Debug)]
pub enum ColumnText {
    Constant(Box<str>),
    Column(usize),
}

impl ColumnText {
    /// Of an expression that is a text; `None` for any other.
    pub fn of(node: &Expression, names: &mut ColumnNames) -> Option<Self> {
        match node {
            Expression::Text(value) => Some(Self::Constant(value.as_str().into())),
            Expression::Name(name) if name.source.kind() == Kind::Text => Some(Self::Column(names.place_of(name))),
            Expression::Name(_)
            | Expression::Number(_)
            | Expression::Flag(_)
            | Expression::Negative(_)
            | Expression::Arithmetic { .. }
            | Expression::Comparison { .. }
            | Expression::Membership { .. }
            | Expression::Not(_)
            | Expression::AllOf(_)
            | Expression::AnyOf(_) => None,
        }
    }

    /// The text of one of the block's rows.
    pub fn text<'a>(&'a self, block: &Block<'a>, row: usize) -> Option<&'a str> {
        match self {
            Self::Constant(value) => Some(value),
            Self::Column(place) => block.columns.texts[*place].text(block.start + row),
        }
    }
}

//! The numbers and texts of a condition over a block.

use std::borrow::Cow;

use crate::rules::columns::block::{BLOCK, Block, ColumnNames};
use crate::rules::expressions::{ArithmeticOperator, Expression};
use crate::rules::functions::{Function, extreme, rounded};
use crate::rules::names::Kind;
use crate::rules::number::compute;
use crate::rules::past::Past;
use crate::time_units::{DAY_MS, HOUR_MS};

/// A number a row; NaN is one that is not known.
#[derive(Debug)]
pub enum ColumnNumber {
    Constant(f64),
    Column(usize),
    Negative(Box<ColumnNumber>),
    Arithmetic(ArithmeticOperator, Box<ColumnNumber>, Box<ColumnNumber>),
    Absolute(Box<ColumnNumber>),
    /// The least, or else the greatest.
    Extreme(Vec<ColumnNumber>, bool),
    /// To decimal places that are worth this factor.
    Rounded(Box<ColumnNumber>, f64),
    /// From the first moment to the second, in units of so many milliseconds.
    Between(Box<[ColumnNumber; 2]>, f64),
    FirstKnown(Vec<ColumnNumber>),
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
            Expression::Call { function, arguments } => Self::of_call(*function, arguments, names)?,
            Expression::Text(_)
            | Expression::Comparison { .. }
            | Expression::Membership { .. }
            | Expression::InList { .. }
            | Expression::Not(_)
            | Expression::AllOf(_)
            | Expression::AnyOf(_) => return None,
        })
    }

    /// `None` where the function gives no number.
    fn of_call(function: Function, arguments: &[Expression], names: &mut ColumnNames) -> Option<Self> {
        if let Some(past) = Past::of_call(function, arguments) {
            return Some(Self::Column(names.place_of_past(past)));
        }
        let places = match arguments.get(1) {
            Some(Expression::Number(places)) => *places as i32,
            _ => 0,
        };
        let numbers = if function == Function::Round { arguments.get(..1)? } else { arguments };
        let mut operands = || numbers.iter().map(|operand| Self::of(operand, names)).collect::<Option<Vec<Self>>>();
        let first = |operands: Vec<Self>| operands.into_iter().next().map(Box::new);
        let between = |operands: Vec<Self>, unit_ms: i64| {
            Some(Self::Between(Box::new(operands.try_into().ok()?), unit_ms as f64))
        };
        match function {
            Function::Abs => Some(Self::Absolute(first(operands()?)?)),
            Function::Min => Some(Self::Extreme(operands()?, true)),
            Function::Max => Some(Self::Extreme(operands()?, false)),
            Function::Coalesce => Some(Self::FirstKnown(operands()?)),
            Function::Round => Some(Self::Rounded(first(operands()?)?, 10f64.powi(places))),
            Function::HoursBetween => between(operands()?, HOUR_MS),
            Function::DaysBetween => between(operands()?, DAY_MS),
            Function::Lower | Function::StartsWith | Function::Known | Function::Count | Function::AmountSum => None,
        }
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
            Self::Absolute(operand) => {
                operand.values(block, into);
                into.iter_mut().for_each(|value| *value = value.abs());
            }
            Self::Extreme(operands, is_least) => {
                joined(operands, block, into, |a, b| extreme([a, b].into_iter(), *is_least));
            }
            Self::Rounded(operand, factor) => {
                operand.values(block, into);
                into.iter_mut().for_each(|value| *value = rounded(*value, *factor));
            }
            Self::Between(moments, unit_ms) => {
                joined(&moments[..], block, into, |from, to| (to - from) / unit_ms);
            }
            Self::FirstKnown(operands) => {
                joined(operands, block, into, |found, other| if found.is_nan() { other } else { found });
            }
        }
    }
}

/// The first operand's values joined with those of each other one in turn.
fn joined(operands: &[ColumnNumber], block: &Block, into: &mut [f64], join: impl Fn(f64, f64) -> f64) {
    let Some((first, others)) = operands.split_first() else {
        into.fill(f64::NAN);
        return;
    };
    first.values(block, into);
    let mut rest = [0.0; BLOCK];
    let rest = &mut rest[..into.len()];
    for operand in others {
        operand.values(block, rest);
        each(into, rest, &join);
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
    Lower(Box<ColumnText>),
    FirstKnown(Vec<ColumnText>),
}

impl ColumnText {
    /// Of an expression that is a text; `None` for any other.
    pub fn of(node: &Expression, names: &mut ColumnNames) -> Option<Self> {
        match node {
            Expression::Text(value) => Some(Self::Constant(value.as_str().into())),
            Expression::Name(name) if name.source.kind() == Kind::Text => Some(Self::Column(names.place_of(name))),
            Expression::Call { function: Function::Lower, arguments } => {
                Some(Self::Lower(Box::new(Self::of(arguments.first()?, names)?)))
            }
            Expression::Call { function: Function::Coalesce, arguments } => {
                Some(Self::FirstKnown(arguments.iter().map(|one| Self::of(one, names)).collect::<Option<_>>()?))
            }
            Expression::Call { .. }
            | Expression::Name(_)
            | Expression::Number(_)
            | Expression::Flag(_)
            | Expression::Negative(_)
            | Expression::Arithmetic { .. }
            | Expression::Comparison { .. }
            | Expression::Membership { .. }
            | Expression::InList { .. }
            | Expression::Not(_)
            | Expression::AllOf(_)
            | Expression::AnyOf(_) => None,
        }
    }

    /// The text of one of the block's rows.
    pub fn text<'a>(&'a self, block: &Block<'a>, row: usize) -> Option<Cow<'a, str>> {
        match self {
            Self::Constant(value) => Some(Cow::Borrowed(value)),
            Self::Column(place) => block.columns.texts[*place].text(block.start + row).map(Cow::Borrowed),
            Self::Lower(operand) => operand.text(block, row).map(|text| Cow::Owned(text.to_lowercase())),
            Self::FirstKnown(operands) => operands.iter().find_map(|operand| operand.text(block, row)),
        }
    }
}

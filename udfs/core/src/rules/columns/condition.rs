//! A condition over a block, in the three-valued logic of `rules/condition.rs`.
//!
//! With false < unknown < true, `and` is the least of its parts, `or` the greatest, and `not` the opposite end.

use std::sync::Arc;

use crate::rules::columns::block::{BLOCK, Block, ColumnNames};
use crate::rules::columns::values::{ColumnNumber, ColumnText};
use crate::rules::expressions::{Choices, ComparisonOperator, Expression};
use crate::rules::functions::Function;
use crate::rules::named_lists::NamedList;
use crate::rules::names::Kind;

pub const FALSE: u8 = 0;
pub const UNKNOWN: u8 = 1;
pub const TRUE: u8 = 2;

#[derive(Debug)]
pub enum ColumnCondition {
    Constant(bool),
    /// A number counts as true where it is not 0.
    IsNotZero(ColumnNumber),
    /// The first operand, and each operator with the operand after it.
    Numbers(ColumnNumber, Vec<(ComparisonOperator, ColumnNumber)>),
    Texts(ColumnText, Vec<(ComparisonOperator, ColumnText)>),
    NumberIn(ColumnNumber, Vec<f64>),
    TextIn(ColumnText, Vec<String>),
    /// The last one is the place of the event time.
    InList(ColumnText, Arc<NamedList>, usize),
    StartsWith(ColumnText, ColumnText),
    IsKnown(ColumnValue),
    Not(Box<ColumnCondition>),
    AllOf(Vec<ColumnCondition>),
    AnyOf(Vec<ColumnCondition>),
}

/// Anything that may be known or not.
#[derive(Debug)]
pub enum ColumnValue {
    Number(ColumnNumber),
    Text(ColumnText),
    Condition(Box<ColumnCondition>),
}

impl ColumnCondition {
    /// Of an expression that is a condition, a number, true or false. `None` for a text: the parser lets none pass.
    pub fn of(node: &Expression, names: &mut ColumnNames) -> Option<Self> {
        Some(match node {
            Expression::Flag(value) => Self::Constant(*value),
            Expression::Not(operand) => Self::Not(Box::new(Self::of(operand, names)?)),
            Expression::AllOf(operands) => Self::AllOf(all(operands, names)?),
            Expression::AnyOf(operands) => Self::AnyOf(all(operands, names)?),
            Expression::Comparison { operands, operators } => {
                let (first, rest) = operands.split_first()?;
                let links = operators.iter().copied().zip(rest);
                if first.kind() == Kind::Text {
                    let first = ColumnText::of(first, names)?;
                    let links = links.map(|(operator, operand)| Some((operator, ColumnText::of(operand, names)?)));
                    Self::Texts(first, links.collect::<Option<_>>()?)
                } else {
                    let first = ColumnNumber::of(first, names)?;
                    let links = links.map(|(operator, operand)| Some((operator, ColumnNumber::of(operand, names)?)));
                    Self::Numbers(first, links.collect::<Option<_>>()?)
                }
            }
            Expression::Membership { operand, choices } => match choices {
                Choices::Numbers(choices) => Self::NumberIn(ColumnNumber::of(operand, names)?, choices.clone()),
                Choices::Texts(choices) => Self::TextIn(ColumnText::of(operand, names)?, choices.clone()),
            },
            Expression::InList { operand, list } => {
                Self::InList(ColumnText::of(operand, names)?, list.clone(), names.place_of_time())
            }
            Expression::Call { function: Function::StartsWith, arguments } => match arguments.as_slice() {
                [text, start] => Self::StartsWith(ColumnText::of(text, names)?, ColumnText::of(start, names)?),
                _ => return None,
            },
            Expression::Call { function: Function::Known, arguments } => {
                Self::IsKnown(ColumnValue::of(arguments.first()?, names)?)
            }
            Expression::Number(_)
            | Expression::Name(_)
            | Expression::Negative(_)
            | Expression::Arithmetic { .. }
            | Expression::Call { .. } => Self::IsNotZero(ColumnNumber::of(node, names)?),
            Expression::Text(_) => return None,
        })
    }

    /// What the condition says of each row of a block, into its rows.
    pub fn truths(&self, block: &Block, into: &mut [u8]) {
        match self {
            Self::Constant(value) => into.fill(truth_of(*value)),
            Self::IsNotZero(number) => of_numbers(number, block, into, |value| value != 0.0),
            Self::NumberIn(number, choices) => of_numbers(number, block, into, |value| choices.contains(&value)),
            Self::Numbers(first, links) => {
                let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
                first.values(block, &mut left[..block.len]);
                into.fill(TRUE);
                for (operator, operand) in links {
                    operand.values(block, &mut right[..block.len]);
                    compare_numbers(*operator, &left[..block.len], &right[..block.len], into);
                    left = right;
                }
            }
            Self::Texts(first, links) => {
                for (row, truth) in into.iter_mut().enumerate() {
                    *truth = texts_truth(first, links, block, row);
                }
            }
            Self::TextIn(text, choices) => {
                for (row, truth) in into.iter_mut().enumerate() {
                    let is_in = |value: &str| truth_of(choices.iter().any(|choice| choice == value));
                    *truth = text.text(block, row).map_or(UNKNOWN, |value| is_in(&value));
                }
            }
            Self::InList(text, list, place_of_time) => {
                let mut times = [0.0; BLOCK];
                block.columns.numbers[*place_of_time].read(block.start, &mut times[..into.len()]);
                for (row, truth) in into.iter_mut().enumerate() {
                    let is_in = |value: &str| truth_of(list.contains(value, times[row] as i64));
                    *truth = text.text(block, row).map_or(UNKNOWN, |value| is_in(&value));
                }
            }
            Self::StartsWith(text, start) => {
                for (row, truth) in into.iter_mut().enumerate() {
                    let both = text.text(block, row).zip(start.text(block, row));
                    *truth = both.map_or(UNKNOWN, |(text, start)| truth_of(text.starts_with(&*start)));
                }
            }
            Self::IsKnown(value) => value.known(block, into),
            Self::Not(operand) => {
                operand.truths(block, into);
                into.iter_mut().for_each(|truth| *truth = TRUE - *truth);
            }
            Self::AllOf(operands) => decided_by(FALSE, u8::min, operands, block, into),
            Self::AnyOf(operands) => decided_by(TRUE, u8::max, operands, block, into),
        }
    }
}

impl ColumnValue {
    fn of(node: &Expression, names: &mut ColumnNames) -> Option<Self> {
        Some(match node.kind() {
            Kind::Text => Self::Text(ColumnText::of(node, names)?),
            Kind::Number | Kind::Flag => Self::Number(ColumnNumber::of(node, names)?),
            Kind::Condition => Self::Condition(Box::new(ColumnCondition::of(node, names)?)),
        })
    }

    fn known(&self, block: &Block, into: &mut [u8]) {
        match self {
            Self::Number(number) => {
                of_numbers(number, block, into, |_| true);
                into.iter_mut().for_each(|truth| *truth = truth_of(*truth != UNKNOWN));
            }
            Self::Text(text) => {
                for (row, truth) in into.iter_mut().enumerate() {
                    *truth = truth_of(text.text(block, row).is_some());
                }
            }
            Self::Condition(condition) => {
                condition.truths(block, into);
                into.iter_mut().for_each(|truth| *truth = truth_of(*truth != UNKNOWN));
            }
        }
    }
}

fn all(operands: &[Expression], names: &mut ColumnNames) -> Option<Vec<ColumnCondition>> {
    operands.iter().map(|operand| ColumnCondition::of(operand, names)).collect()
}

fn truth_of(value: bool) -> u8 {
    TRUE * u8::from(value)
}

fn of_numbers(number: &ColumnNumber, block: &Block, into: &mut [u8], is_true: impl Fn(f64) -> bool) {
    let mut values = [0.0; BLOCK];
    let values = &mut values[..into.len()];
    number.values(block, values);
    for (value, truth) in values.iter().zip(into) {
        *truth = if value.is_nan() { UNKNOWN } else { truth_of(is_true(*value)) };
    }
}

/// The least of what was said so far and of the comparison.
fn compare_numbers(operator: ComparisonOperator, left: &[f64], right: &[f64], into: &mut [u8]) {
    match operator {
        ComparisonOperator::Less => link(left, right, into, |a, b| a < b),
        ComparisonOperator::LessOrEqual => link(left, right, into, |a, b| a <= b),
        ComparisonOperator::Greater => link(left, right, into, |a, b| a > b),
        ComparisonOperator::GreaterOrEqual => link(left, right, into, |a, b| a >= b),
        ComparisonOperator::Equal => link(left, right, into, |a, b| a == b),
        ComparisonOperator::NotEqual => link(left, right, into, |a, b| a != b),
    }
}

fn link(left: &[f64], right: &[f64], into: &mut [u8], holds: impl Fn(f64, f64) -> bool) {
    for ((left, right), truth) in left.iter().zip(right).zip(into) {
        let is_unknown = left.is_nan() | right.is_nan();
        let found = if is_unknown { UNKNOWN } else { truth_of(holds(*left, *right)) };
        *truth = (*truth).min(found);
    }
}

fn texts_truth(first: &ColumnText, links: &[(ComparisonOperator, ColumnText)], block: &Block, row: usize) -> u8 {
    let mut left = first.text(block, row);
    let mut whole = TRUE;
    for (operator, operand) in links {
        let right = operand.text(block, row);
        let both = left.as_ref().zip(right.as_ref());
        let known = both.map_or(UNKNOWN, |(left, right)| truth_of(operator.holds(left.cmp(right))));
        whole = whole.min(known);
        left = right;
    }
    whole
}

/// The operands' truths joined; what all rows have decided needs no further operand.
fn decided_by(decisive: u8, join: impl Fn(u8, u8) -> u8, operands: &[ColumnCondition], block: &Block, into: &mut [u8]) {
    into.fill(TRUE - decisive);
    let mut of_operand = [0; BLOCK];
    let of_operand = &mut of_operand[..into.len()];
    for operand in operands {
        operand.truths(block, of_operand);
        for (truth, other) in into.iter_mut().zip(of_operand.iter()) {
            *truth = join(*truth, *other);
        }
        if into.iter().all(|truth| *truth == decisive) {
            return;
        }
    }
}

//! A condition that is ready to be asked, in three-valued logic.
//!
//! What is not known (NaN, or a field that the event does not have) makes a comparison unknown, `!=` and `not in`
//! included. `and` is false where one part is, whatever the others; `or` is true where one part is.

use std::sync::Arc;

use crate::rules::expressions::{Choices, ComparisonOperator, Expression};
use crate::rules::functions::Function;
use crate::rules::named_lists::NamedList;
use crate::rules::names::Kind;
use crate::rules::number::{Number, Row, Text};

/// True, false, or `None`: unknown.
pub type Truth = Option<bool>;

#[derive(Debug)]
pub enum Condition {
    Constant(bool),
    /// A number counts as true where it is not 0.
    IsNotZero(Number),
    Numbers(Chain<Number>),
    Texts(Chain<Text>),
    NumberIn(Number, Box<[f64]>),
    TextIn(Text, Box<[Box<str>]>),
    InList(Text, Arc<NamedList>),
    StartsWith(Text, Text),
    IsKnown(Value),
    Not(Box<Condition>),
    AllOf(Box<[Condition]>),
    AnyOf(Box<[Condition]>),
}

/// Anything that may be known or not.
#[derive(Debug)]
pub enum Value {
    Number(Number),
    Text(Text),
    Condition(Box<Condition>),
}

/// `first operator operand operator operand …`
#[derive(Debug)]
pub struct Chain<T> {
    first: T,
    links: Box<[(ComparisonOperator, T)]>,
}

impl Condition {
    /// Of an expression that is a condition, a number, true or false. `None` for a text: the parser lets none pass.
    pub fn of(node: &Expression) -> Option<Self> {
        Some(match node {
            Expression::Flag(value) => Self::Constant(*value),
            Expression::Not(operand) => Self::Not(Box::new(Self::of(operand)?)),
            Expression::AllOf(operands) => Self::AllOf(all(operands)?),
            Expression::AnyOf(operands) => Self::AnyOf(all(operands)?),
            Expression::Comparison { operands, operators } => match operands.first()?.kind() {
                Kind::Text => Self::Texts(Chain::of(operands, operators, Text::of)?),
                _ => Self::Numbers(Chain::of(operands, operators, Number::of)?),
            },
            Expression::Membership { operand, choices } => match choices {
                Choices::Numbers(choices) => Self::NumberIn(Number::of(operand)?, choices.as_slice().into()),
                Choices::Texts(choices) => {
                    Self::TextIn(Text::of(operand)?, choices.iter().map(|choice| choice.as_str().into()).collect())
                }
            },
            Expression::InList { operand, list } => Self::InList(Text::of(operand)?, list.clone()),
            Expression::Call { function: Function::StartsWith, arguments } => match arguments.as_slice() {
                [text, start] => Self::StartsWith(Text::of(text)?, Text::of(start)?),
                _ => return None,
            },
            Expression::Call { function: Function::Known, arguments } => Self::IsKnown(Value::of(arguments.first()?)?),
            _ => Self::IsNotZero(Number::of(node)?),
        })
    }

    /// What the condition says of one transaction.
    pub fn truth(&self, row: &Row) -> Truth {
        match self {
            Self::Constant(value) => Some(*value),
            Self::IsNotZero(number) => {
                let value = number.value(row);
                if value.is_nan() { None } else { Some(value != 0.0) }
            }
            Self::Numbers(chain) => chain.truth(|operand| Some(operand.value(row)), compare_numbers),
            Self::Texts(chain) => chain
                .truth(|operand| operand.value(row), |operator, left, right| Some(operator.holds(left?.cmp(right?)))),
            Self::NumberIn(number, choices) => {
                let value = number.value(row);
                if value.is_nan() { None } else { Some(choices.contains(&value)) }
            }
            Self::TextIn(text, choices) => {
                let value = text.value(row)?;
                Some(choices.iter().any(|choice| **choice == *value))
            }
            Self::InList(text, list) => Some(list.contains(&text.value(row)?, row.transaction.timestamp)),
            Self::StartsWith(text, start) => Some(text.value(row)?.starts_with(&*start.value(row)?)),
            Self::IsKnown(value) => Some(value.is_known(row)),
            Self::Not(operand) => operand.truth(row).map(|truth| !truth),
            Self::AllOf(operands) => decided_by(false, operands.iter().map(|operand| operand.truth(row))),
            Self::AnyOf(operands) => decided_by(true, operands.iter().map(|operand| operand.truth(row))),
        }
    }
}

impl Value {
    fn of(node: &Expression) -> Option<Self> {
        Some(match node.kind() {
            Kind::Text => Self::Text(Text::of(node)?),
            Kind::Number | Kind::Flag => Self::Number(Number::of(node)?),
            Kind::Condition => Self::Condition(Box::new(Condition::of(node)?)),
        })
    }

    fn is_known(&self, row: &Row) -> bool {
        match self {
            Self::Number(number) => !number.value(row).is_nan(),
            Self::Text(text) => text.value(row).is_some(),
            Self::Condition(condition) => condition.truth(row).is_some(),
        }
    }
}

fn all(operands: &[Expression]) -> Option<Box<[Condition]>> {
    operands.iter().map(Condition::of).collect()
}

impl<T> Chain<T> {
    fn of(
        operands: &[Expression],
        operators: &[ComparisonOperator],
        operand_of: fn(&Expression) -> Option<T>,
    ) -> Option<Self> {
        let (first, rest) = operands.split_first()?;
        let links = operators.iter().zip(rest).map(|(operator, operand)| Some((*operator, operand_of(operand)?)));
        Some(Self { first: operand_of(first)?, links: links.collect::<Option<_>>()? })
    }

    /// True where every link is, false where one is.
    fn truth<'a, V>(
        &'a self,
        value: impl Fn(&'a T) -> Option<V>,
        compare: impl Fn(ComparisonOperator, Option<&V>, Option<&V>) -> Truth,
    ) -> Truth {
        let mut left = value(&self.first);
        decided_by(
            false,
            self.links.iter().map(|(operator, operand)| {
                let right = value(operand);
                let truth = compare(*operator, left.as_ref(), right.as_ref());
                left = right;
                truth
            }),
        )
    }
}

/// `decisive` where one part is; otherwise unknown where one part is, or else the opposite.
fn decided_by(decisive: bool, truths: impl Iterator<Item = Truth>) -> Truth {
    let mut whole = Some(!decisive);
    for truth in truths {
        match truth {
            Some(truth) if truth == decisive => return Some(decisive),
            Some(_) => {}
            None => whole = None,
        }
    }
    whole
}

fn compare_numbers(operator: ComparisonOperator, left: Option<&f64>, right: Option<&f64>) -> Truth {
    Some(operator.holds(left?.partial_cmp(right?)?))
}

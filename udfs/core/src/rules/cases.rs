//! A condition taken apart into cases, each a list of tests that all have to hold.

use std::rc::Rc;

use crate::rules::domains::Domain;
use crate::rules::expressions::{ArithmeticOperator, Choices, ComparisonOperator, Expression};
use crate::rules::names::Kind;
use crate::rules::number::compute;

/// Conditions of more cases are not judged.
const MOST_CASES: usize = 256;
/// How two values may be ordered, as bits.
pub const LESS: u8 = 1;
pub const EQUAL: u8 = 2;
pub const GREATER: u8 = 4;

/// One test of a number, a text, or of how two of them are ordered; what it tests is told by its text.
#[derive(Clone, Debug)]
pub enum Test {
    Number { of: String, domain: Domain, operator: ComparisonOperator, value: f64 },
    NumberIn { of: String, domain: Domain, choices: Vec<f64>, is_wanted: bool },
    Text { of: String, operator: ComparisonOperator, value: String },
    TextIn { of: String, choices: Vec<String>, is_wanted: bool },
    Order { left: String, right: String, orders: u8 },
}

/// Tests that all have to hold. Cases share them: a condition of ten tests can have hundreds of cases.
pub type Case = Vec<Rc<Test>>;

/// The cases in which a condition is true (`is_wanted`) or false, of known values; `None` where they are too many.
pub fn cases(node: &Expression, is_wanted: bool) -> Option<Vec<Case>> {
    match node {
        Expression::Not(operand) => cases(operand, !is_wanted),
        Expression::AllOf(operands) => joined(operands.iter().map(|operand| cases(operand, is_wanted)), is_wanted),
        Expression::AnyOf(operands) => joined(operands.iter().map(|operand| cases(operand, is_wanted)), !is_wanted),
        Expression::Comparison { operands, operators } => {
            let links = operands.windows(2).zip(operators).map(|(pair, operator)| {
                let operator = if is_wanted { *operator } else { operator.opposite() };
                Some(link(&pair[0], operator, &pair[1]))
            });
            joined(links, is_wanted)
        }
        Expression::Membership { operand, choices } => Some(membership(operand, choices, is_wanted)),
        Expression::Flag(value) => Some(constant(*value == is_wanted)),
        number => {
            let operator = if is_wanted { ComparisonOperator::NotEqual } else { ComparisonOperator::Equal };
            Some(link(number, operator, &Expression::Number(0.0)))
        }
    }
}

/// The cases of parts of which all have to hold, or one.
fn joined(parts: impl Iterator<Item = Option<Vec<Case>>>, is_all: bool) -> Option<Vec<Case>> {
    let mut whole: Vec<Case> = if is_all { vec![Vec::new()] } else { Vec::new() };
    for part in parts {
        let part = part?;
        if is_all {
            if whole.len() * part.len() > MOST_CASES {
                return None;
            }
            let both = |case: &Case| part.iter().map(|other| [case.as_slice(), other].concat()).collect::<Vec<_>>();
            whole = whole.iter().flat_map(both).collect();
        } else {
            whole.extend(part);
            if whole.len() > MOST_CASES {
                return None;
            }
        }
    }
    Some(whole)
}

fn one(test: Test) -> Vec<Case> {
    vec![vec![Rc::new(test)]]
}

/// One case without any test, or none.
fn constant(truth: bool) -> Vec<Case> {
    if truth { vec![Vec::new()] } else { Vec::new() }
}

fn link(left: &Expression, operator: ComparisonOperator, right: &Expression) -> Vec<Case> {
    if left.kind() == Kind::Text {
        return match (left, right) {
            (Expression::Text(known), Expression::Text(other)) => constant(operator.holds(known.cmp(other))),
            (_, Expression::Text(value)) => one(Test::Text { of: text(left), operator, value: value.clone() }),
            (Expression::Text(value), _) => {
                one(Test::Text { of: text(right), operator: operator.reversed(), value: value.clone() })
            }
            _ => one(order(left, operator, right)),
        };
    }
    let number = |node: &Expression, operator, value: f64| {
        // Nothing is known of a comparison with what is not known.
        if value.is_nan() {
            return Vec::new();
        }
        one(Test::Number { of: text(node), domain: Domain::of(node), operator, value })
    };
    match (value_of(left), value_of(right)) {
        (Some(known), Some(other)) => constant(known.partial_cmp(&other).is_some_and(|order| operator.holds(order))),
        (None, Some(value)) => number(left, operator, value),
        (Some(value), None) => number(right, operator.reversed(), value),
        (None, None) => one(order(left, operator, right)),
    }
}

fn membership(operand: &Expression, choices: &Choices, is_wanted: bool) -> Vec<Case> {
    let test = match choices {
        Choices::Numbers(choices) => match value_of(operand) {
            Some(value) if value.is_nan() => return Vec::new(),
            Some(value) => return constant(choices.contains(&value) == is_wanted),
            None => {
                Test::NumberIn { of: text(operand), domain: Domain::of(operand), choices: choices.clone(), is_wanted }
            }
        },
        Choices::Texts(choices) => match operand {
            Expression::Text(value) => return constant(choices.contains(value) == is_wanted),
            _ => Test::TextIn { of: text(operand), choices: choices.clone(), is_wanted },
        },
    };
    one(test)
}

fn order(left: &Expression, operator: ComparisonOperator, right: &Expression) -> Test {
    use std::cmp::Ordering;
    let (mut left, mut right, mut operator) = (text(left), text(right), operator);
    if right < left {
        (left, right, operator) = (right, left, operator.reversed());
    }
    let orders = [(Ordering::Less, LESS), (Ordering::Equal, EQUAL), (Ordering::Greater, GREATER)];
    let allowed: u8 = orders.into_iter().filter(|(order, _)| operator.holds(*order)).map(|(_, bit)| bit).sum();
    let possible = if left == right { EQUAL } else { LESS | EQUAL | GREATER };
    Test::Order { orders: allowed & possible, left, right }
}

/// The value of a number that is the same for every transaction: it reads no name, or is not known whatever it reads.
fn value_of(node: &Expression) -> Option<f64> {
    Some(match node {
        Expression::Number(value) => *value,
        Expression::Flag(value) => f64::from(*value),
        Expression::Negative(operand) => -value_of(operand)?,
        Expression::Arithmetic { operator, left, right } => {
            let is_division = matches!(operator, ArithmeticOperator::Divide | ArithmeticOperator::Remainder);
            match (value_of(left), value_of(right)) {
                (Some(one), Some(other)) => compute(*operator, one, other),
                (_, Some(0.0)) if is_division => f64::NAN,
                (Some(known), None) | (None, Some(known)) if known.is_nan() => f64::NAN,
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// A number or text as its author could have written it, the same for what is the same.
fn text(node: &Expression) -> String {
    match node {
        Expression::Name(name) => name.name.to_string(),
        Expression::Negative(operand) => format!("-{}", text(operand)),
        Expression::Arithmetic { operator, left, right } => {
            format!("({} {} {})", text(left), operator.symbol(), text(right))
        }
        Expression::Number(value) => crate::python_format::general(*value, 17),
        Expression::Flag(value) => value.to_string(),
        _ => String::new(),
    }
}

impl Test {
    /// The names that it reads, among other pieces of its text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (one, other) = match self {
            Self::Number { of, .. } | Self::NumberIn { of, .. } | Self::Text { of, .. } | Self::TextIn { of, .. } => {
                (of.as_str(), "")
            }
            Self::Order { left, right, .. } => (left.as_str(), right.as_str()),
        };
        let is_of_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
        [one, other].into_iter().flat_map(move |text| text.split(move |character| !is_of_name(character)))
    }
}

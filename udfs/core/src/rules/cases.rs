//! A condition taken apart into cases, each a list of tests that all have to hold.

use std::rc::Rc;

use crate::python_format::repr;
use crate::rules::domains::Domain;
use crate::rules::expressions::{ArithmeticOperator, Choices, ComparisonOperator, Expression};
use crate::rules::functions::{Function, extreme, rounded};
use crate::rules::names::Kind;
use crate::rules::number::compute;
use crate::rules::past::Past;

/// Conditions of more cases are not judged.
const MOST_CASES: usize = 256;
/// How two values may be ordered, as bits.
pub const LESS: u8 = 1;
pub const EQUAL: u8 = 2;
pub const GREATER: u8 = 4;

/// A value that is tested: its text, the same for what is the same, and the names that are known where it is known.
#[derive(Clone, Debug)]
pub struct Tested {
    pub text: String,
    names: Vec<Rc<str>>,
}

/// One test of a value, or of how two of them are ordered. All but `Known` can only pass where the value is known.
#[derive(Clone, Debug)]
pub enum Test {
    Number {
        of: Tested,
        domain: Domain,
        operator: ComparisonOperator,
        value: f64,
    },
    NumberIn {
        of: Tested,
        domain: Domain,
        choices: Vec<f64>,
        is_wanted: bool,
    },
    Text {
        of: Tested,
        operator: ComparisonOperator,
        value: String,
    },
    TextIn {
        of: Tested,
        choices: Vec<String>,
        is_wanted: bool,
    },
    Order {
        left: Tested,
        right: Tested,
        orders: u8,
    },
    /// A condition that is not taken apart.
    Holds {
        of: Tested,
        is_wanted: bool,
    },
    Known {
        of: Tested,
        is_wanted: bool,
    },
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
        Expression::Call { function: Function::StartsWith, arguments } if !can_begin(arguments) => {
            Some(constant(!is_wanted))
        }
        Expression::Call { function: Function::StartsWith, .. } | Expression::InList { .. } => {
            Some(one(Test::Holds { of: Tested::of(node), is_wanted }))
        }
        Expression::Call { function: Function::Known, arguments } => Some(known(arguments.first()?, is_wanted)),
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

fn known(operand: &Expression, is_wanted: bool) -> Vec<Case> {
    match (value_of(operand), operand) {
        (Some(value), _) => constant(value.is_nan() != is_wanted),
        (None, Expression::Text(_)) => constant(is_wanted),
        _ => one(Test::Known { of: Tested::of(operand), is_wanted }),
    }
}

fn link(left: &Expression, operator: ComparisonOperator, right: &Expression) -> Vec<Case> {
    if left.kind() == Kind::Text {
        return match (left, right) {
            (Expression::Text(known), Expression::Text(other)) => constant(operator.holds(known.cmp(other))),
            (_, Expression::Text(value)) => of_text(left, operator, value),
            (Expression::Text(value), _) => of_text(right, operator.reversed(), value),
            _ => one(order(left, operator, right)),
        };
    }
    let number = |node: &Expression, operator, value: f64| {
        // Nothing is known of a comparison with what is not known.
        if value.is_nan() {
            return Vec::new();
        }
        one(Test::Number { of: Tested::of(node), domain: Domain::of(node), operator, value })
    };
    match (value_of(left), value_of(right)) {
        (Some(known), Some(other)) => constant(known.partial_cmp(&other).is_some_and(|order| operator.holds(order))),
        (None, Some(value)) => number(left, operator, value),
        (Some(value), None) => number(right, operator.reversed(), value),
        (None, None) => one(order(left, operator, right)),
    }
}

fn of_text(node: &Expression, operator: ComparisonOperator, value: &str) -> Vec<Case> {
    if operator == ComparisonOperator::Equal && !can_be(node, value) {
        return Vec::new();
    }
    one(Test::Text { of: Tested::of(node), operator, value: value.into() })
}

/// May a text have this value? What is in lower case has no capital letters.
fn can_be(node: &Expression, value: &str) -> bool {
    !matches!(node, Expression::Call { function: Function::Lower, .. }) || value.to_lowercase() == value
}

/// May a text begin with another one?
fn can_begin(arguments: &[Expression]) -> bool {
    !matches!(arguments, [text, Expression::Text(start)] if !can_be(text, start))
}

fn membership(operand: &Expression, choices: &Choices, is_wanted: bool) -> Vec<Case> {
    let test = match choices {
        Choices::Numbers(choices) => match value_of(operand) {
            Some(value) if value.is_nan() => return Vec::new(),
            Some(value) => return constant(choices.contains(&value) == is_wanted),
            None => Test::NumberIn {
                of: Tested::of(operand),
                domain: Domain::of(operand),
                choices: choices.clone(),
                is_wanted,
            },
        },
        Choices::Texts(choices) => match operand {
            Expression::Text(value) => return constant(choices.contains(value) == is_wanted),
            _ => {
                let possible = choices.iter().filter(|choice| can_be(operand, choice)).cloned().collect();
                Test::TextIn { of: Tested::of(operand), choices: possible, is_wanted }
            }
        },
    };
    one(test)
}

fn order(left: &Expression, operator: ComparisonOperator, right: &Expression) -> Test {
    use std::cmp::Ordering;
    let (mut left, mut right, mut operator) = (Tested::of(left), Tested::of(right), operator);
    if right.text < left.text {
        (left, right, operator) = (right, left, operator.reversed());
    }
    let orders = [(Ordering::Less, LESS), (Ordering::Equal, EQUAL), (Ordering::Greater, GREATER)];
    let allowed: u8 = orders.into_iter().filter(|(order, _)| operator.holds(*order)).map(|(_, bit)| bit).sum();
    let possible = if left.text == right.text { EQUAL } else { LESS | EQUAL | GREATER };
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
        Expression::Call { function, arguments } => return value_of_call(*function, arguments),
        _ => return None,
    })
}

fn value_of_call(function: Function, arguments: &[Expression]) -> Option<f64> {
    let values: Vec<Option<f64>> = arguments.iter().map(value_of).collect();
    if function == Function::Coalesce {
        // The first that is not certainly unknown is the value, where it is certain.
        return values.into_iter().find(|value| !value.is_some_and(f64::is_nan)).unwrap_or(Some(f64::NAN));
    }
    if function.is_strict() && values.iter().flatten().any(|value| value.is_nan()) {
        return Some(f64::NAN);
    }
    let known: Vec<f64> = values.into_iter().collect::<Option<_>>()?;
    match (function, known.as_slice()) {
        (Function::Abs, [value]) => Some(value.abs()),
        (Function::Min, values) => Some(extreme(values.iter().copied(), true)),
        (Function::Max, values) => Some(extreme(values.iter().copied(), false)),
        (Function::Round, [value]) => Some(rounded(*value, 1.0)),
        (Function::Round, [value, places]) => Some(rounded(*value, 10f64.powi(*places as i32))),
        _ => None,
    }
}

/// A value or condition as its author could have written it, the same for what is the same.
fn text(node: &Expression) -> String {
    match node {
        Expression::Name(name) => name.name.to_string(),
        Expression::Negative(operand) => format!("-{}", text(operand)),
        Expression::Arithmetic { operator, left, right } => {
            format!("({} {} {})", text(left), operator.symbol(), text(right))
        }
        Expression::Number(value) => crate::python_format::general(*value, 17),
        Expression::Flag(value) => value.to_string(),
        Expression::Text(value) => repr(value),
        Expression::Call { function, arguments } => match Past::of_call(*function, arguments) {
            Some(past) => past.text(),
            None => format!("{}({})", function.name(), list(arguments, ", ")),
        },
        Expression::Comparison { operands, operators } => {
            let symbols: Vec<&str> = operators.iter().map(|operator| operator.symbol()).collect();
            format!("({} by {})", list(operands, ", "), symbols.join(" "))
        }
        Expression::Membership { operand, choices } => {
            let choices = match choices {
                Choices::Numbers(choices) => format!("{choices:?}"),
                Choices::Texts(choices) => format!("{choices:?}"),
            };
            format!("({} in {choices})", text(operand))
        }
        Expression::InList { operand, list } => format!("({} in @{})", text(operand), list.name),
        Expression::Not(operand) => format!("not ({})", text(operand)),
        Expression::AllOf(operands) => format!("({})", list(operands, " and ")),
        Expression::AnyOf(operands) => format!("({})", list(operands, " or ")),
    }
}

fn list(nodes: &[Expression], between: &str) -> String {
    nodes.iter().map(text).collect::<Vec<_>>().join(between)
}

/// Add the names that are known wherever the value of an expression is.
fn add_known(node: &Expression, names: &mut Vec<Rc<str>>) {
    match node {
        Expression::Name(name) => names.push(name.name.clone()),
        Expression::Negative(_) | Expression::Arithmetic { .. } | Expression::InList { .. } => {
            node.parts().into_iter().for_each(|part| add_known(part, names));
        }
        Expression::Call { function, arguments } if function.is_strict() => match Past::of_call(*function, arguments) {
            Some(past) => names.push(past.text().into()),
            None => arguments.iter().for_each(|part| add_known(part, names)),
        },
        _ => {}
    }
}

impl Tested {
    fn of(node: &Expression) -> Self {
        let mut names = Vec::new();
        add_known(node, &mut names);
        Self { text: text(node), names }
    }
}

impl Test {
    /// What has to be known for it to pass.
    pub fn known(&self) -> impl Iterator<Item = &Tested> {
        let (one, other) = match self {
            Self::Number { of, .. }
            | Self::NumberIn { of, .. }
            | Self::Text { of, .. }
            | Self::TextIn { of, .. }
            | Self::Holds { of, .. }
            | Self::Known { of, is_wanted: true } => (Some(of), None),
            Self::Known { is_wanted: false, .. } => (None, None),
            Self::Order { left, right, .. } => (Some(left), Some(right)),
        };
        one.into_iter().chain(other)
    }

    /// The names that have to be known for it to pass.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known().flat_map(|tested| tested.names.iter().map(|name| &**name))
    }
}

//! A condition as a tree of the few things that the language has. Every node is well typed by construction.

use std::sync::Arc;

use crate::rules::functions::Function;
use crate::rules::named_lists::NamedList;
use crate::rules::names::{Kind, Name};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArithmeticOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl ArithmeticOperator {
    /// The operator of a symbol.
    pub fn of(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Remainder,
            _ => return None,
        })
    }

    /// As conditions write it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonOperator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl ComparisonOperator {
    /// The operator of a symbol.
    pub fn of(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            _ => return None,
        })
    }

    /// As conditions write it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }

    /// The operator that is true of known values where this one is false.
    pub fn opposite(self) -> Self {
        match self {
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
        }
    }

    /// The operator that says the same with both sides exchanged.
    pub fn reversed(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    /// Is it true of two values in this order?
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
        }
    }

    /// `==` and `!=` compare what has no order, too.
    pub fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// What a value may be one of.
#[derive(Clone, Debug)]
pub enum Choices {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

#[derive(Clone, Debug)]
pub enum Expression {
    Number(f64),
    Text(String),
    Flag(bool),
    Name(Name),
    Negative(Box<Expression>),
    Arithmetic {
        operator: ArithmeticOperator,
        left: Box<Expression>,
        right: Box<Expression>,
    },
    /// The arguments are as many and of the types that the function takes.
    Call {
        function: Function,
        arguments: Vec<Expression>,
    },
    /// `operands[0] operators[0] operands[1] operators[1] …`: true where every link is.
    Comparison {
        operands: Vec<Expression>,
        operators: Vec<ComparisonOperator>,
    },
    Membership {
        operand: Box<Expression>,
        choices: Choices,
    },
    InList {
        operand: Box<Expression>,
        list: Arc<NamedList>,
    },
    Not(Box<Expression>),
    AllOf(Vec<Expression>),
    AnyOf(Vec<Expression>),
}

impl Expression {
    /// The type of an expression.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Name(name) => name.source.kind(),
            Self::Number(_) | Self::Negative(_) | Self::Arithmetic { .. } => Kind::Number,
            Self::Call { function, arguments } => function.kind(arguments),
            Self::Text(_) => Kind::Text,
            Self::Flag(_) => Kind::Flag,
            Self::Comparison { .. }
            | Self::Membership { .. }
            | Self::InList { .. }
            | Self::Not(_)
            | Self::AllOf(_)
            | Self::AnyOf(_) => Kind::Condition,
        }
    }

    /// The expressions that it is directly made of.
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Arithmetic { left, right, .. } => vec![left, right],
            Self::Negative(operand)
            | Self::Not(operand)
            | Self::Membership { operand, .. }
            | Self::InList { operand, .. } => vec![operand],
            Self::Comparison { operands, .. }
            | Self::AllOf(operands)
            | Self::AnyOf(operands)
            | Self::Call { arguments: operands, .. } => operands.iter().collect(),
            Self::Number(_) | Self::Text(_) | Self::Flag(_) | Self::Name(_) => Vec::new(),
        }
    }

    /// Levels of the tree, counted without recursion: a long chain of additions is a deep tree, too.
    pub fn depth(&self) -> usize {
        let mut deepest = 0;
        let mut pending = vec![(self, 1)];
        while let Some((node, depth)) = pending.pop() {
            deepest = deepest.max(depth);
            pending.extend(node.parts().into_iter().map(|part| (part, depth + 1)));
        }
        deepest
    }
}

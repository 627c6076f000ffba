//! A condition's tree as objects of Python (udfs.rules.expressions), for what reads conditions but does not evaluate them.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::rules::event_fields::field_of;
use crate::rules::expressions::{Choices, Expression};
use crate::rules::past::Past;

/// The same tree. Conditions nest 30 levels at most.
pub fn tree_of<'py>(py: Python<'py>, condition: &Expression) -> PyResult<Bound<'py, PyAny>> {
    Tree { classes: py.import("udfs.rules.expressions")? }.node(condition)
}

struct Tree<'py> {
    classes: Bound<'py, PyModule>,
}

impl<'py> Tree<'py> {
    fn node(&self, node: &Expression) -> PyResult<Bound<'py, PyAny>> {
        let make = |name: &str| self.classes.getattr(name);
        match node {
            Expression::Number(value) => make("Number")?.call1((*value,)),
            Expression::Text(value) => make("Text")?.call1((value.as_str(),)),
            Expression::Flag(value) => make("Flag")?.call1((*value,)),
            Expression::Name(name) => {
                let kind = make("Kind")?.call1((name.source.kind().words(),))?;
                make("Name")?.call1((&*name.name, kind, name.source.name(), field_of(&name.name)))
            }
            Expression::Negative(operand) => make("Negative")?.call1((self.node(operand)?,)),
            Expression::Not(operand) => make("Not")?.call1((self.node(operand)?,)),
            Expression::Arithmetic { operator, left, right } => {
                make("Arithmetic")?.call1((operator.symbol(), self.node(left)?, self.node(right)?))
            }
            Expression::Call { function, arguments } => match Past::of_call(*function, arguments) {
                Some(past) => make("Window")?.call1((past.text(), function.name(), past.hours)),
                None => make("Call")?.call1((function.name(), self.nodes(arguments)?)),
            },
            Expression::Comparison { operands, operators } => {
                let symbols = PyTuple::new(self.py(), operators.iter().map(|operator| operator.symbol()))?;
                make("Comparison")?.call1((self.nodes(operands)?, symbols))
            }
            Expression::Membership { operand, choices } => {
                let choices = match choices {
                    Choices::Numbers(choices) => PyTuple::new(self.py(), choices)?,
                    Choices::Texts(choices) => PyTuple::new(self.py(), choices)?,
                };
                make("Membership")?.call1((self.node(operand)?, choices))
            }
            Expression::InList { operand, list } => make("InList")?.call1((self.node(operand)?, &*list.name)),
            Expression::AllOf(operands) => make("AllOf")?.call1((self.nodes(operands)?,)),
            Expression::AnyOf(operands) => make("AnyOf")?.call1((self.nodes(operands)?,)),
        }
    }

    fn nodes(&self, nodes: &[Expression]) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(self.py(), nodes.iter().map(|node| self.node(node)).collect::<PyResult<Vec<_>>>()?)
    }

    fn py(&self) -> Python<'py> {
        self.classes.py()
    }
}

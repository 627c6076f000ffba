//! What may stand where in a condition. All raise RuleError with the author's column.

use crate::python_format::general;
use crate::rules::errors::RuleError;
use crate::rules::expressions::{ComparisonOperator, Expression};
use crate::rules::names::Kind;
use crate::rules::tokens::Token;

type Checked = Result<Expression, RuleError>;

/// The node, if it is a number.
pub fn as_number(node: Expression, operator: &str, position: usize) -> Checked {
    match node.kind() {
        Kind::Number => Ok(node),
        kind => Err(RuleError::at(format!("'{operator}' needs a number, not {}", kind.words()), position)),
    }
}

/// The node, if it can be a condition: true, false and numbers can.
pub fn as_condition(node: Expression, position: usize) -> Checked {
    if node.kind() == Kind::Text {
        return Err(RuleError::at("a text is not a condition", position).hint("compare it with == or in [...]"));
    }
    Ok(node)
}

/// May these be compared? Numbers with numbers, true and false; texts with texts; conditions with nothing.
pub fn check_comparable(
    left: &Expression,
    operator: ComparisonOperator,
    symbol: &Token,
    right: &Expression,
) -> Result<(), RuleError> {
    let (kind, other) = (left.kind(), right.kind());
    let (value, position) = (&symbol.value, symbol.position);
    if kind == Kind::Condition || other == Kind::Condition {
        let message = format!("a condition cannot be compared with {value}");
        return Err(RuleError::at(message, position).hint("combine with and, or, not"));
    }
    if (kind == Kind::Text) != (other == Kind::Text) {
        let no_text = if kind == Kind::Text { other } else { kind };
        let error = RuleError::at(format!("a text is compared with {}", no_text.words()), position);
        return Err(match text_hint(left, right).or_else(|| text_hint(right, left)) {
            Some(hint) => error.hint(hint),
            None => error,
        });
    }
    if (kind == Kind::Flag || other == Kind::Flag) && !operator.is_equality() {
        return Err(RuleError::at(format!("true and false have no order: {value}"), position).hint("use == or !="));
    }
    Ok(())
}

fn text_hint(node: &Expression, other: &Expression) -> Option<String> {
    match (node, other) {
        (Expression::Name(name), Expression::Number(value)) if name.source.kind() == Kind::Text => {
            Some(format!("{} is a text: write \"{}\"", name.name, general(*value, 15)))
        }
        _ => None,
    }
}

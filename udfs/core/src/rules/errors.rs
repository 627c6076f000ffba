//! What a faulty rule ends in: one line that its author can act on.

use std::fmt;

use crate::python_format::repr;

/// A rule or a rule set is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    pub message: String,
    /// The 1-based column in the condition or reason text, where there is one; counted in characters.
    pub position: Option<usize>,
    pub hint: Option<String>,
    pub rule_id: Option<String>,
    /// The part of a rule or rule set that is not valid.
    pub field: Option<&'static str>,
}

impl RuleError {
    /// Without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None, hint: None, rule_id: None, field: None }
    }

    /// At a column.
    pub fn at(message: impl Into<String>, position: usize) -> Self {
        Self { position: Some(position), ..Self::new(message) }
    }

    /// The same error of a part of a text that begins at a column.
    pub fn moved(self, column: usize) -> Self {
        Self { position: Some(self.position.unwrap_or(1) + column - 1), ..self }
    }

    /// With what to write instead.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same error, of a part of a rule or rule set.
    pub fn of_field(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// The same error, naming the rule it is in.
    pub fn of_rule(self, rule_id: &str) -> Self {
        Self { rule_id: Some(rule_id.into()), ..self }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rule_id) = &self.rule_id {
            write!(formatter, "rule {rule_id}: ")?;
        }
        formatter.write_str(&self.message)?;
        if let Some(position) = self.position {
            write!(formatter, " at column {position}")?;
        }
        match &self.hint {
            Some(hint) => write!(formatter, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RuleError {}

/// What a problem of a rule set calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The rule set is not to be used.
    Error,
    /// It may be intended.
    Warning,
}

impl Severity {
    /// As commands write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong, or odd, about a rule set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub error: RuleError,
}

impl Problem {
    /// Of a rule set that is not to be used.
    pub fn error(error: RuleError) -> Self {
        Self { severity: Severity::Error, error }
    }

    /// Of a rule set that may be intended as it is.
    pub fn warning(error: RuleError) -> Self {
        Self { severity: Severity::Warning, error }
    }

    /// The same problem, of a part of a rule.
    pub fn of_field(self, field: &'static str) -> Self {
        Self { error: self.error.of_field(field), ..self }
    }

    /// The same problem, naming the rule it is in.
    pub fn of_rule(self, rule_id: &str) -> Self {
        Self { error: self.error.of_rule(rule_id), ..self }
    }
}

const LONGEST_SHOWN: usize = 40;

/// A piece of an author's text, quoted, on one line and not too long, for an error message.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => repr(&format!("{}…", &text[..end])),
        None => repr(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_rule_place_and_hint() {
        let error = RuleError::at("unknown name 'amonut'", 3).hint("did you mean 'amount'?").of_rule("big");
        assert_eq!(error.to_string(), "rule big: unknown name 'amonut' at column 3 (did you mean 'amount'?)");
        assert_eq!(RuleError::new("no").to_string(), "no");
    }

    #[test]
    fn what_is_shown_is_short() {
        assert_eq!(shown(&"é".repeat(41)), format!("'{}…'", "é".repeat(40)));
        assert_eq!(shown("a\u{1b}"), "'a\\x1b'");
    }
}

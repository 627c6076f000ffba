//! Fields that hold codes: what a condition compares them with is put into the code that events are decoded to.

use crate::codes::{CodeField, kind_of, known_code, known_country, result_of};
use crate::events::{AuthorizationResult, TransactionKind};
use crate::rules::close_match::close_match;
use crate::rules::errors::{Problem, RuleError, shown};
use crate::rules::expressions::Expression;

/// A field whose texts are codes, whatever their case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enumerated {
    Kind,
    AuthResult,
    /// Other codes than the known ones occur: a bank's own channel, say.
    Open(CodeField),
    /// `country` or `merchant_country`. Other texts than countries occur.
    Country(&'static str),
}

/// The fields of a known list of codes.
pub const CODE_FIELDS: [&str; 4] = ["kind", "auth_result", "channel", "entry_mode"];

/// The code of a text that a condition compares with, and what is wrong about it.
pub struct Spelling {
    pub code: String,
    pub problem: Option<Problem>,
}

impl Enumerated {
    /// The field that an expression is, `None` where it is none that holds codes.
    pub fn of(node: &Expression) -> Option<Self> {
        match node {
            Expression::Name(name) => Self::of_name(&name.name),
            _ => None,
        }
    }

    /// The field of a name, `None` where it is none that holds codes.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "kind" => Self::Kind,
            "auth_result" => Self::AuthResult,
            "channel" => Self::Open(CodeField::Channel),
            "entry_mode" => Self::Open(CodeField::EntryMode),
            "country" => Self::Country("country"),
            "merchant_country" => Self::Country("merchant_country"),
            _ => return None,
        })
    }

    /// All codes that events have, `None` where there may be others.
    pub fn all_codes(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Open(_) | Self::Country(_) => None,
            Self::Kind | Self::AuthResult => Some(self.known_codes()),
        }
    }

    /// The code of a text at a column; the text itself where it is none.
    pub fn spelling(self, text: &str, position: usize) -> Spelling {
        let mut is_known = true;
        let mut told = |_: &'static str, _: &str| is_known = false;
        let code = match self {
            Self::Kind => kind_of(text).map(|kind| kind.name().into()),
            Self::AuthResult => result_of(text).map(|result| result.name().into()),
            Self::Open(field) => known_code(field, text.into(), &mut told),
            Self::Country(field) => Some(known_country(field, text.into(), &mut told)),
        };
        let problem = match code {
            Some(_) if is_known => None,
            Some(_) => Some(Problem::warning(self.unknown(text, position))),
            None => Some(Problem::error(self.unknown(text, position))),
        };
        Spelling { code: code.map_or_else(|| text.to_owned(), |code| code.into_owned()), problem }
    }

    fn unknown(self, text: &str, position: usize) -> RuleError {
        let error = RuleError::at(format!("{} is not a known {}", shown(text), self.name()), position);
        if let Self::Country(_) = self {
            return error.hint("countries are told by their code of two letters, such as US");
        }
        match close_match(&text.to_lowercase(), self.known_codes().iter().copied()) {
            Some(near) => error.hint(format!("did you mean '{near}'?")),
            None => error.hint(format!("known are {}", self.known_codes().join(", "))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::AuthResult => "auth_result",
            Self::Open(field) => field.name(),
            Self::Country(field) => field,
        }
    }

    /// The codes that are known, none of countries.
    pub fn known_codes(self) -> &'static [&'static str] {
        const KINDS: [&str; 3] =
            [TransactionKind::Purchase.name(), TransactionKind::Refund.name(), TransactionKind::Reversal.name()];
        const RESULTS: [&str; 2] = [AuthorizationResult::Approved.name(), AuthorizationResult::Declined.name()];
        match self {
            Self::Kind => &KINDS,
            Self::AuthResult => &RESULTS,
            Self::Open(field) => field.codes(),
            Self::Country(_) => &[],
        }
    }
}

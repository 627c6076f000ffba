//! Fields whose texts have one form: what a condition compares them with is put into the form that events are decoded to.

use std::borrow::Cow;

use crate::blank_texts::is_blank_text;
use crate::codec::{is_currency_code, is_id};
use crate::codes::{CodeField, kind_of, known_code, known_country, result_of};
use crate::events::{AuthorizationResult, TransactionKind};
use crate::lost_digits::has_lost_digits;
use crate::python_text::strip;
use crate::rules::close_match::close_match;
use crate::rules::errors::{Problem, RuleError, shown};
use crate::rules::expressions::Expression;

/// A field whose texts are codes whatever their case, or have another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enumerated {
    Kind,
    AuthResult,
    /// Other codes than the known ones occur: a bank's own channel, say.
    Open(CodeField),
    /// `country` or `merchant_country`. Other texts than countries occur.
    Country(&'static str),
    /// Three capital letters.
    Currency,
    /// In small letters, without what stands before an @.
    EmailDomain,
    /// In small letters, and empty where it is missing.
    AuditUser,
    /// Without spaces.
    Id(&'static str),
    /// Any text without space around it.
    Text(&'static str),
}

/// The fields of a known list of codes.
pub const CODE_FIELDS: [&str; 4] = ["kind", "auth_result", "channel", "entry_mode"];

const IDS: [&str; 8] = [
    "transaction_id",
    "user_id",
    "merchant_id",
    "merchant_category",
    "device_id",
    "session_id",
    "card_id",
    "beneficiary_id",
];
const TEXTS: [&str; 2] = ["city", "ip_address"];

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

    /// The same of fields with codes only, not of those that hold ids or any text.
    pub fn of_codes(node: &Expression) -> Option<Self> {
        Self::of(node).filter(|field| !matches!(field, Self::Id(_) | Self::Text(_)))
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
            "currency" => Self::Currency,
            "email_domain" => Self::EmailDomain,
            "audit_user" => Self::AuditUser,
            _ => {
                let find = |names: &[&'static str]| names.iter().find(|known| **known == name).copied();
                return find(&IDS).map(Self::Id).or_else(|| find(&TEXTS).map(Self::Text));
            }
        })
    }

    /// All codes that events have, `None` where there may be others.
    pub fn all_codes(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Kind | Self::AuthResult => Some(self.known_codes()),
            _ => None,
        }
    }

    /// The code of a text at a column; the text itself where it is none.
    pub fn spelling(self, text: &str, position: usize) -> Spelling {
        if self.is_missing(text) {
            let error = RuleError::at(
                format!("{} stands for a missing value, which {} never is", shown(text), self.name()),
                position,
            )
            .hint(format!("known({}) tells whether there is a value", self.name()));
            return Spelling { code: text.to_owned(), problem: Some(Problem::error(error)) };
        }
        let mut is_known = true;
        let mut told = |_: &'static str, _: &str| is_known = false;
        let plain = strip(text);
        let code = match self {
            Self::Kind => kind_of(text).map(|kind| kind.name().into()),
            Self::AuthResult => result_of(text).map(|result| result.name().into()),
            Self::Open(field) => known_code(field, text.into(), &mut told),
            Self::Country(field) => Some(known_country(field, text.into(), &mut told)),
            Self::Currency => Some(Cow::from(plain.to_ascii_uppercase())).filter(|code| is_currency_code(code)),
            Self::EmailDomain if is_domain(plain) => {
                plain.rsplit('@').next().map(|domain| strip(domain).to_lowercase().into())
            }
            Self::AuditUser => Some(plain.to_lowercase().into()),
            Self::Id(_) if plain.is_ascii() => {
                Some(Cow::from(plain)).filter(|_| is_id(plain) && !has_lost_digits(plain))
            }
            Self::EmailDomain | Self::Id(_) | Self::Text(_) => Some(plain.into()),
        };
        let problem = match code {
            Some(_) if is_known => None,
            Some(_) => Some(Problem::warning(self.unknown(text, position))),
            None => Some(Problem::error(self.unknown(text, position))),
        };
        Spelling { code: code.map_or_else(|| text.to_owned(), |code| code.into_owned()), problem }
    }

    /// Does a text stand for a missing value of the field? Events have none such. A missing kind is a purchase.
    pub fn is_missing(self, text: &str) -> bool {
        let can_be_missing = !matches!(self, Self::Kind | Self::AuditUser);
        can_be_missing && is_blank_text(text, matches!(self, Self::Country(_)))
    }

    /// What is wrong about the beginning of a text of the field, at a column: no event's text begins like this.
    pub fn beginning(self, start: &str, position: usize) -> Option<Problem> {
        let codes = self.known_codes();
        let is_small = start.to_lowercase() == start;
        let (is_possible, is_usual) = match self {
            Self::Kind | Self::AuthResult => (codes.iter().any(|code| code.starts_with(start)), true),
            Self::Open(_) => (is_small, codes.iter().any(|code| code.starts_with(start))),
            Self::Country(field) => {
                let mut told = |_: &'static str, _: &str| {};
                let is_code = start.len() <= 2;
                let is_spelling = known_country(field, start.into(), &mut told) != start;
                (start.to_ascii_uppercase() == start && (is_code || !is_spelling), is_code)
            }
            Self::Currency => (start.len() <= 3 && start.bytes().all(|byte| byte.is_ascii_uppercase()), true),
            Self::EmailDomain => (!is_domain(start) || is_small && !start.contains('@'), true),
            Self::AuditUser => (is_small, true),
            Self::Id(_) => (!start.is_ascii() || start.bytes().all(|byte| byte.is_ascii_graphic()), true),
            Self::Text(_) => {
                (strip(start).is_empty() == start.is_empty() && !start.starts_with(char::is_whitespace), true)
            }
        };
        let error = || RuleError::at(format!("no known {} begins with {}", self.name(), shown(start)), position);
        match self.form() {
            _ if is_possible && is_usual => None,
            _ if is_possible => Some(Problem::warning(error())),
            Some(form) => Some(Problem::error(error().hint(form))),
            None => Some(Problem::error(error().hint(format!("known are {}", codes.join(", "))))),
        }
    }

    /// How texts of the field are written, `None` where there are known codes.
    fn form(self) -> Option<&'static str> {
        match self {
            Self::Kind | Self::AuthResult | Self::Open(_) => None,
            Self::Country(_) => Some("countries are told by their code of two letters, such as US"),
            Self::Currency => Some("currencies are told by their code of three letters, such as EUR"),
            Self::EmailDomain => Some("domains are in small letters, without what stands before an @"),
            Self::AuditUser => Some("it is in small letters"),
            Self::Id(_) => Some("ids have 1 to 64 printable ASCII characters without spaces, and all their digits"),
            Self::Text(_) => Some("texts have no space around them"),
        }
    }

    fn unknown(self, text: &str, position: usize) -> RuleError {
        let error = RuleError::at(format!("{} is not a known {}", shown(text), self.name()), position);
        if let Some(form) = self.form() {
            return error.hint(form);
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
            Self::Country(field) | Self::Id(field) | Self::Text(field) => field,
            Self::Currency => "currency",
            Self::EmailDomain => "email_domain",
            Self::AuditUser => "audit_user",
        }
    }

    /// The codes that are known, none of countries, currencies and texts.
    pub fn known_codes(self) -> &'static [&'static str] {
        const KINDS: [&str; 3] =
            [TransactionKind::Purchase.name(), TransactionKind::Refund.name(), TransactionKind::Reversal.name()];
        const RESULTS: [&str; 2] = [AuthorizationResult::Approved.name(), AuthorizationResult::Declined.name()];
        match self {
            Self::Kind => &KINDS,
            Self::AuthResult => &RESULTS,
            Self::Open(field) => field.codes(),
            _ => &[],
        }
    }
}

/// Does a text look like a domain or an address? Others are compared as they are.
fn is_domain(text: &str) -> bool {
    text.contains(['.', '@'])
}

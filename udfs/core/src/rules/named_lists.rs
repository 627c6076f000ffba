//! Named lists that conditions refer to, `merchant_country in @high_risk_countries`: values of one type, some with an expiry.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::codes::{CodeField, known_code, known_country};
use crate::python_text::strip;
use crate::rules::errors::RuleError;
use crate::rules::expressions::Expression;
use crate::rules::functions::Function;
use crate::rules::names::Kind;

/// What a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListType {
    Country,
    City,
    Category,
    Merchant,
    User,
    Card,
    Device,
    Beneficiary,
    Ip,
    EmailDomain,
    Channel,
    EntryMode,
    Currency,
    /// Of any text.
    Text,
}

impl ListType {
    pub const ALL: [Self; 14] = [
        Self::Country,
        Self::City,
        Self::Category,
        Self::Merchant,
        Self::User,
        Self::Card,
        Self::Device,
        Self::Beneficiary,
        Self::Ip,
        Self::EmailDomain,
        Self::Channel,
        Self::EntryMode,
        Self::Currency,
        Self::Text,
    ];

    /// As lists write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::City => "city",
            Self::Category => "category",
            Self::Merchant => "merchant",
            Self::User => "user",
            Self::Card => "card",
            Self::Device => "device",
            Self::Beneficiary => "beneficiary",
            Self::Ip => "ip",
            Self::EmailDomain => "email_domain",
            Self::Channel => "channel",
            Self::EntryMode => "entry_mode",
            Self::Currency => "currency",
            Self::Text => "text",
        }
    }

    /// The type of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The fields of a transaction whose values it holds; none for any text.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Country => &["country", "merchant_country"],
            Self::City => &["city"],
            Self::Category => &["merchant_category"],
            Self::Merchant => &["merchant_id"],
            Self::User => &["user_id"],
            Self::Card => &["card_id"],
            Self::Device => &["device_id"],
            Self::Beneficiary => &["beneficiary_id"],
            Self::Ip => &["ip_address"],
            Self::EmailDomain => &["email_domain"],
            Self::Channel => &["channel"],
            Self::EntryMode => &["entry_mode"],
            Self::Currency => &["currency"],
            Self::Text => &[],
        }
    }

    /// A value as decoded events have it: USA is US.
    pub fn spelled(self, value: &str) -> String {
        let mut told = |_: &'static str, _: &str| {};
        match self {
            Self::Country => known_country("country", value.into(), &mut told).into_owned(),
            Self::Channel | Self::EntryMode => {
                let field = if self == Self::Channel { CodeField::Channel } else { CodeField::EntryMode };
                known_code(field, value.into(), &mut told).map_or_else(String::new, |code| code.into_owned())
            }
            Self::Currency => strip(value).to_ascii_uppercase(),
            Self::EmailDomain => strip(value.rsplit('@').next().unwrap_or_default()).to_lowercase(),
            Self::Text => value.to_owned(),
            _ => strip(value).to_owned(),
        }
    }

    /// Raise RuleError unless an expression at a column can be one of its values.
    pub fn check(self, operand: &Expression, name: &str, position: usize) -> Result<(), RuleError> {
        if operand.kind() != Kind::Text {
            let message = format!("@{name} is a list of texts, which {} is not in", operand.kind().words());
            return Err(RuleError::at(message, position));
        }
        if self == Self::Text || field_of(operand).is_some_and(|field| self.fields().contains(&field)) {
            return Ok(());
        }
        let message = format!("@{name} is a list of type {}, for {}", self.name(), self.fields().join(" or "));
        Err(RuleError::at(message, position).hint("a list of type text is for any text"))
    }
}

/// The field of a text that is one, or has a default.
fn field_of(node: &Expression) -> Option<&str> {
    match node {
        Expression::Name(name) => Some(&name.name),
        Expression::Call { function: Function::Coalesce, arguments } => arguments.first().and_then(field_of),
        _ => None,
    }
}

/// One version of a list.
#[derive(Debug)]
pub struct NamedList {
    pub name: Box<str>,
    pub kind: ListType,
    pub version: i64,
    /// Value -> the event time from which it no longer counts; `i64::MAX` where it always does.
    entries: HashMap<Box<str>, i64>,
}

impl NamedList {
    /// Of (value, expiry in epoch milliseconds of event time). Of entries with the same value the last one counts.
    pub fn new(
        name: &str,
        kind: ListType,
        version: i64,
        entries: impl IntoIterator<Item = (String, Option<i64>)>,
    ) -> Self {
        let entries = entries
            .into_iter()
            .map(|(value, expires_at)| (kind.spelled(&value).into(), expires_at.unwrap_or(i64::MAX)))
            .collect();
        Self { name: name.into(), kind, version, entries }
    }

    /// Is a value on the list at this event time?
    pub fn contains(&self, value: &str, time_ms: i64) -> bool {
        self.entries.get(value).is_some_and(|expires_at| time_ms < *expires_at)
    }
}

/// The lists that rules may refer to.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    lists: Vec<Arc<NamedList>>,
}

impl Lists {
    pub fn new(mut lists: Vec<Arc<NamedList>>) -> Self {
        lists.sort_by(|one, other| one.name.cmp(&other.name));
        Self { lists }
    }

    /// The list of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<NamedList>> {
        self.lists.iter().find(|list| &*list.name == name)
    }

    /// In alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lists.iter().map(|list| &*list.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_spelled_as_events_are_and_count_until_they_expire() {
        let entries = [("USA".to_owned(), None), ("ir".to_owned(), Some(10)), ("ir".to_owned(), Some(20))];
        let list = NamedList::new("risky", ListType::Country, 3, entries);
        assert!(list.contains("US", i64::MAX - 1) && !list.contains("USA", 0));
        assert!(list.contains("IR", 19) && !list.contains("IR", 20));
        assert!(!list.contains("DE", 0));
    }

    #[test]
    fn values_have_the_form_of_events() {
        for (kind, value, spelled) in [
            (ListType::Currency, " usd ", "USD"),
            (ListType::EmailDomain, "bob@GMail.com", "gmail.com"),
            (ListType::User, " U1\t", "U1"),
            (ListType::City, " Goa ", "Goa"),
            (ListType::Text, " Goa ", " Goa "),
        ] {
            assert_eq!(kind.spelled(value), spelled);
        }
    }

    #[test]
    fn types_have_a_name_each() {
        for kind in ListType::ALL {
            assert_eq!(ListType::of(kind.name()), Some(kind));
        }
        assert_eq!(ListType::of("planet"), None);
    }
}

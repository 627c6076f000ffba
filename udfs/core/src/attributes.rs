//! Named texts and numbers of a bank's own, on events and on user profiles: what is declared, and how one is read.

use std::borrow::Cow;

use crate::events::{AttributeValue, Transaction};
use crate::profiles::UserProfile;

/// How an attribute goes into the model: a text as a category with a history of its own, a number as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    Text,
    Number,
}

/// Where an attribute's value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeHolder {
    Event,
    Profile,
}

impl AttributeHolder {
    /// As bundles write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Profile => "profile",
        }
    }
}

/// One declared attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub name: Box<str>,
    pub kind: AttributeKind,
    pub holder: AttributeHolder,
}

/// From here on a whole number is not written without its fraction.
const WHOLE_BELOW: f64 = 1e15;

impl Attribute {
    /// The value of a transaction or of its user; `None` where there is none.
    pub fn value<'a>(
        &self,
        transaction: &'a Transaction<'_>,
        profile: Option<&'a UserProfile>,
    ) -> Option<&'a AttributeValue<'a>> {
        match self.holder {
            AttributeHolder::Event => {
                transaction.attributes.iter().find(|(name, _)| **name == *self.name).map(|(_, value)| value)
            }
            AttributeHolder::Profile => {
                let attributes = &profile?.attributes;
                attributes.iter().find(|(name, _)| *name == self.name).map(|(_, value)| value)
            }
        }
    }

    /// The value as a number; NaN where there is none, or where it is a text.
    pub fn number(&self, transaction: &Transaction, profile: Option<&UserProfile>) -> f64 {
        match self.value(transaction, profile) {
            Some(AttributeValue::Number(number)) => *number,
            _ => f64::NAN,
        }
    }

    /// The value as a text (a number in its shortest form), `None` where there is none.
    pub fn text<'a>(&self, transaction: &'a Transaction, profile: Option<&'a UserProfile>) -> Option<Cow<'a, str>> {
        Some(match self.value(transaction, profile)? {
            AttributeValue::Text(text) => Cow::Borrowed(text),
            AttributeValue::Number(number) => Cow::Owned(number_as_text(*number)),
        })
    }
}

/// A number without needless digits, so that 5, 5.0 and 5e0 are one text.
fn number_as_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < WHOLE_BELOW {
        (number as i64).to_string()
    } else {
        crate::python_text::float_repr(number)
    }
}

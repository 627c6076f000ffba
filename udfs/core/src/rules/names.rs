//! Every name that a rule may use: features, fields of the event, and figures about the population.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::rules::close_match::close_match;
use crate::rules::errors::{RuleError, shown};
use crate::rules::event_fields::{EVENT_FLAGS, EVENT_NUMBERS, EVENT_TEXTS, ReadNumber, ReadText};
use crate::rules::facts::{CHANGE_TEXTS, FACT_NUMBERS, SANCTIONED_PARTIES};
use crate::rules::functions::Function;
use crate::rules::named_lists::{Lists, NamedList};
use crate::rules::population::POPULATION_NAMES;

pub const KEYWORDS: [&str; 6] = ["and", "or", "not", "in", "true", "false"];
const LONGEST_MISSPELLING: usize = 64;

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Number,
    Text,
    Flag,
    Condition,
}

impl Kind {
    /// In the words of an error message.
    pub fn words(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Flag => "true or false",
            Self::Condition => "a condition",
        }
    }
}

/// Where a name's value is found.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// The position among the features.
    Feature(usize),
    EventText(ReadText),
    EventNumber(ReadNumber),
    EventFlag(ReadNumber),
    /// The position among POPULATION_NAMES.
    Population(usize),
    /// The position among FACT_NUMBERS.
    Fact(usize),
    SanctionedParties,
    /// The position among CHANGE_TEXTS.
    ChangeText(usize),
}

impl Source {
    /// The type of its value.
    pub fn kind(self) -> Kind {
        match self {
            Self::Feature(_) | Self::EventNumber(_) | Self::Population(_) | Self::Fact(_) => Kind::Number,
            Self::EventText(_) | Self::SanctionedParties | Self::ChangeText(_) => Kind::Text,
            Self::EventFlag(_) => Kind::Flag,
        }
    }
}

impl Source {
    /// What kind of source it is, as Python names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Feature(_) => "features",
            Self::EventText(_) | Self::EventNumber(_) | Self::EventFlag(_) => "event",
            Self::Population(_) => "population",
            Self::Fact(_) | Self::SanctionedParties => "facts",
            Self::ChangeText(_) => "change",
        }
    }
}

/// One known name.
#[derive(Clone, Debug)]
pub struct Name {
    pub name: Rc<str>,
    pub source: Source,
}

/// The names known to one rule book.
#[derive(Debug)]
pub struct Vocabulary {
    names: HashMap<Rc<str>, Source>,
    lists: Lists,
    has_payments: bool,
}

impl Vocabulary {
    /// Fields of the event, population figures, and these features in their order.
    ///
    /// Raises RuleError where a feature has the name of one of the others.
    pub fn new<'a>(feature_names: impl IntoIterator<Item = &'a str>) -> Result<Self, RuleError> {
        let mut names: HashMap<Rc<str>, Source> = HashMap::new();
        names.extend(EVENT_TEXTS.map(|(name, read)| (name.into(), Source::EventText(read))));
        names.extend(EVENT_NUMBERS.map(|(name, read)| (name.into(), Source::EventNumber(read))));
        names.extend(EVENT_FLAGS.map(|(name, read)| (name.into(), Source::EventFlag(read))));
        names.extend(POPULATION_NAMES.iter().enumerate().map(|(at, name)| ((*name).into(), Source::Population(at))));
        names.extend(FACT_NUMBERS.iter().enumerate().map(|(at, name)| ((*name).into(), Source::Fact(at))));
        names.insert(SANCTIONED_PARTIES.into(), Source::SanctionedParties);
        for (position, name) in feature_names.into_iter().enumerate() {
            let before = names.insert(name.into(), Source::Feature(position));
            if before.is_some() || KEYWORDS.contains(&name) {
                return Err(RuleError::new(format!(
                    "feature {} has the name of an event field, population figure or keyword",
                    shown(name)
                )));
            }
        }
        Ok(Self { names, lists: Lists::default(), has_payments: true })
    }

    /// The same names, and these lists.
    pub fn with_lists(self, lists: Lists) -> Self {
        Self { lists, ..self }
    }

    /// Are there the user's payments to look back at?
    pub fn has_payments(&self) -> bool {
        self.has_payments
    }

    /// The list of a name. Raises RuleError with the nearest known list where it is unknown.
    pub fn list(&self, name: &str, position: usize) -> Result<Arc<NamedList>, RuleError> {
        if let Some(list) = self.lists.get(name) {
            return Ok(list.clone());
        }
        let error = RuleError::at(format!("unknown list {}", shown(&format!("@{name}"))), position);
        if name.len() > LONGEST_MISSPELLING {
            return Err(error);
        }
        Err(match close_match(&name.to_ascii_lowercase(), self.lists.names()) {
            Some(near) => error.hint(format!("did you mean '@{near}'?")),
            None => error.hint("give or publish the list first"),
        })
    }

    /// Of rules on changes of accounts: user, time, and the texts of the change.
    pub fn of_changes() -> Self {
        let mut names: HashMap<Rc<str>, Source> = HashMap::new();
        let texts = EVENT_TEXTS.into_iter().filter(|(name, _)| *name == "user_id");
        names.extend(texts.map(|(name, read)| (name.into(), Source::EventText(read))));
        let numbers = EVENT_NUMBERS.into_iter().filter(|(name, _)| *name == "timestamp");
        names.extend(numbers.map(|(name, read)| (name.into(), Source::EventNumber(read))));
        names.extend(CHANGE_TEXTS.iter().enumerate().map(|(at, name)| ((*name).into(), Source::ChangeText(at))));
        Self { names, lists: Lists::default(), has_payments: false }
    }

    /// All names, in alphabetical order.
    pub fn names(&self) -> Vec<Name> {
        let mut names: Vec<Name> =
            self.names.iter().map(|(name, source)| Name { name: name.clone(), source: *source }).collect();
        names.sort_by(|one, other| one.name.cmp(&other.name));
        names
    }

    /// The name's type and source. Raises RuleError with the nearest known name where it is unknown.
    pub fn lookup(&self, name: &str, position: usize) -> Result<Name, RuleError> {
        if let Some((known, source)) = self.names.get_key_value(name) {
            return Ok(Name { name: known.clone(), source: *source });
        }
        let error = RuleError::at(format!("unknown name {}", shown(name)), position);
        if let Some(function) = Function::of_name(name) {
            return Err(error.hint(format!("it is a function: {}", function.signature().form)));
        }
        Err(match self.suggestion(name) {
            Some(near) => error.hint(format!("did you mean '{near}'?")),
            None => error,
        })
    }

    fn suggestion(&self, name: &str) -> Option<&str> {
        if name.len() > LONGEST_MISSPELLING {
            return None;
        }
        let known = KEYWORDS.into_iter().chain(self.names.keys().map(|known| &**known));
        close_match(&name.to_ascii_lowercase(), known)
    }
}

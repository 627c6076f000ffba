//! A feature: a named number of a transaction, with all that is said of it beside its computation.

use std::borrow::Cow;

use crate::features::signal::Signal;

/// How a value is put into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Flag,
    Money,
    Number,
    Percent,
    Times,
    Deviations,
    Count,
    Days,
    Minutes,
    Seconds,
    Km,
    Kmh,
    Hour,
    Weekday,
}

impl Form {
    /// As Python names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Money => "money",
            Self::Number => "number",
            Self::Percent => "percent",
            Self::Times => "times",
            Self::Deviations => "deviations",
            Self::Count => "count",
            Self::Days => "days",
            Self::Minutes => "minutes",
            Self::Seconds => "seconds",
            Self::Km => "km",
            Self::Kmh => "kmh",
            Self::Hour => "hour",
            Self::Weekday => "weekday",
        }
    }
}

/// What an analyst is told of a value; `{}` stands for it, written by `form`.
///
/// raised: in the state that raises a risk. lowered: in a flag's other state, or for a low value where both high and low
/// ones can be unusual; empty for numbers of which only one side is ever told. unknown: where the value is NaN, and why;
/// empty for a value that is always known. field: the transaction's field whose text names what a flag is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub form: Form,
    pub raised: Cow<'static, str>,
    pub lowered: Cow<'static, str>,
    pub unknown: Cow<'static, str>,
    pub field: &'static str,
}

impl Words {
    /// Words of a number.
    pub fn number(form: Form, raised: impl Into<Cow<'static, str>>) -> Self {
        Self { form, raised: raised.into(), lowered: "".into(), unknown: "".into(), field: "" }
    }

    /// Words of a flag.
    pub fn flag(raised: &'static str, lowered: &'static str) -> Self {
        Self { form: Form::Flag, raised: raised.into(), lowered: lowered.into(), unknown: "".into(), field: "" }
    }

    /// With words for a low value.
    pub fn or_if_low(mut self, lowered: impl Into<Cow<'static, str>>) -> Self {
        self.lowered = lowered.into();
        self
    }

    /// With words for a value that is not known.
    pub fn unknown(mut self, unknown: impl Into<Cow<'static, str>>) -> Self {
        self.unknown = unknown.into();
        self
    }

    /// With the field that names what a flag is about.
    pub fn field(mut self, field: &'static str) -> Self {
        self.field = field;
        self
    }
}

/// What a family declares of one number that it computes.
///
/// `words` are an analyst's, `signal` says of what the value is evidence and in which direction it raises a risk. A change
/// of the formula raises `version`, and so the feature set's. `groups` are the groups of input fields without any of which
/// the value is NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    pub name: Cow<'static, str>,
    pub unit: Cow<'static, str>,
    pub formula: Cow<'static, str>,
    pub words: Words,
    pub signal: Signal,
    pub version: u32,
    pub groups: Vec<Cow<'static, str>>,
}

impl Feature {
    /// A feature of formula version 1 that needs no group of input fields.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        unit: impl Into<Cow<'static, str>>,
        formula: impl Into<Cow<'static, str>>,
        words: Words,
        signal: Signal,
    ) -> Self {
        let (name, unit, formula) = (name.into(), unit.into(), formula.into());
        Self { name, unit, formula, words, signal, version: 1, groups: Vec::new() }
    }

    /// With the groups that it needs.
    pub fn groups<G: Into<Cow<'static, str>> + Clone>(mut self, groups: &[G]) -> Self {
        self.groups = groups.iter().cloned().map(Into::into).collect();
        self
    }

    /// With a later version of its formula.
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }
}

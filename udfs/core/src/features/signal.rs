//! What makes a feature's value a reason: the direction that raises a risk, and from where on.
//!
//! A concept is what an analyst would call one thing. Of the features of one concept, and of the rules about it, only the
//! most telling is told.

use std::borrow::Cow;

/// The direction in which a value raises a risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From `least` on (up to `most`, if any), and above the population's .95 quantile; without quantiles from `clear` on.
    High,
    /// Down from `most`, and below the population's .05 quantile; without quantiles down from `certain`.
    Low,
    /// Beyond both, for numbers of which nothing is known but the population.
    Either,
    /// A flag that is 1, unless that is common.
    True,
    /// A flag that is 0, unless that is common.
    False,
    /// A fraud rate clearly above the base rate.
    Rate,
    /// Outside this user's range, or the population's.
    Amount,
    /// At night, where this user seldom pays at night.
    Night,
    /// No reason by itself; what it contributes is added to its concept's.
    Never,
}

impl Direction {
    /// As Python names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
            Self::Either => "either",
            Self::True => "true",
            Self::False => "false",
            Self::Rate => "rate",
            Self::Amount => "amount",
            Self::Night => "night",
            Self::Never => "never",
        }
    }
}

/// One feature as evidence of `concept`.
///
/// With `personal` the feature compares with this user: beyond `clear` or `certain` it is unusual whatever others do. The
/// feature `needs` must be at least `needs_least` for the value to mean anything (unknown: it means nothing). Of one
/// concept's features that with the lowest `rank` is told; where that one `joins` a concept that was found too, it says
/// nearly the same and is merged with it. `read_from` is the transaction's field that a flag is computed from: a rule
/// about the field counts as one about the flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    pub concept: Cow<'static, str>,
    pub direction: Direction,
    pub least: f64,
    pub clear: f64,
    pub most: f64,
    pub certain: f64,
    pub rank: u8,
    pub personal: bool,
    pub joins: &'static str,
    pub needs: Cow<'static, str>,
    pub needs_least: f64,
    pub read_from: &'static str,
}

impl Signal {
    fn new(concept: impl Into<Cow<'static, str>>, direction: Direction) -> Self {
        Self {
            concept: concept.into(),
            direction,
            least: 0.0,
            clear: f64::INFINITY,
            most: 0.0,
            certain: f64::NEG_INFINITY,
            rank: 1,
            personal: false,
            joins: "",
            needs: "".into(),
            needs_least: 0.0,
            read_from: "",
        }
    }

    /// A high number raises the risk.
    pub fn high(concept: impl Into<Cow<'static, str>>, least: f64, clear: f64) -> Self {
        Self { least, clear, ..Self::new(concept, Direction::High) }
    }

    /// A low number raises the risk.
    pub fn low(concept: impl Into<Cow<'static, str>>, most: f64, certain: f64) -> Self {
        Self { most, certain, ..Self::new(concept, Direction::Low) }
    }

    /// A number of which nothing is known but the population.
    pub fn either(concept: impl Into<Cow<'static, str>>) -> Self {
        Self::new(concept, Direction::Either)
    }

    /// A fraud rate.
    pub fn rate(concept: impl Into<Cow<'static, str>>) -> Self {
        Self::new(concept, Direction::Rate)
    }

    /// An amount outside the user's range, or the population's.
    pub fn amount(concept: &'static str, least: f64, clear: f64) -> Self {
        Self { least, clear, ..Self::new(concept, Direction::Amount) }
    }

    /// The amount as a multiple of what this user pays, of whom some payments must be known.
    pub fn multiple_of_own(least: f64, rank: u8) -> Self {
        Self::amount("amount", least, 2.0 * least).rank(rank).personal().needs("user_txn_count", 3.0)
    }

    /// A flag for what was not seen with this user before: of a user without history everything is new.
    pub fn first_time(concept: &'static str) -> Self {
        Self::flag(concept).personal().needs("user_txn_count", 5.0)
    }

    /// A flag that is unusual unless the population's quantiles say that it is common.
    pub fn flag(concept: &'static str) -> Self {
        Self { clear: 1.0, ..Self::new(concept, Direction::True) }
    }

    /// A flag that is unusual only where the population's quantiles say so.
    pub fn common_flag(concept: &'static str) -> Self {
        Self::new(concept, Direction::True).rank(2)
    }

    /// A flag that raises a risk where it is 0, if the population's quantiles say that this is unusual.
    pub fn absent_flag(concept: &'static str) -> Self {
        Self::new(concept, Direction::False)
    }

    /// What tells the hour.
    pub fn night() -> Self {
        Self::new("time_of_day", Direction::Night)
    }

    /// No reason by itself.
    pub fn never(concept: impl Into<Cow<'static, str>>) -> Self {
        Self::new(concept, Direction::Never)
    }

    pub fn least(mut self, least: f64) -> Self {
        self.least = least;
        self
    }

    pub fn most(mut self, most: f64) -> Self {
        self.most = most;
        self
    }

    pub fn rank(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }

    pub fn personal(mut self) -> Self {
        self.personal = true;
        self
    }

    pub fn joins(mut self, concept: &'static str) -> Self {
        self.joins = concept;
        self
    }

    pub fn needs(mut self, feature: impl Into<Cow<'static, str>>, least: f64) -> Self {
        self.needs = feature.into();
        self.needs_least = least;
        self
    }

    pub fn read_from(mut self, field: &'static str) -> Self {
        self.read_from = field;
        self
    }
}

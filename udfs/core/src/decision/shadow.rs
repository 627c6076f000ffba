//! Rules that are evaluated beside those in force, and never decide: what they hit, and what would have been done.
//!
//! Conditions that several sets share are asked once a transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::decision::actions::Action;
use crate::decision::json::JsonWriter;
use crate::decision::judge::{Judge, Prediction};
use crate::rules::condition::Condition;
use crate::rules::number::Row;
use crate::rules::rulebook::{Asked, RuleResult, Rulebook, Shares};

/// A rule set in shadow: a candidate, or that in force with its own rules that are in shadow.
#[derive(Debug)]
pub struct ShadowSet {
    pub name: Box<str>,
    pub version: i64,
    pub rulebook: Arc<Rulebook>,
    pub judge: Judge,
    numbers: Vec<usize>,
}

/// All that is in shadow, and which conditions its sets have in common.
#[derive(Debug)]
pub struct Shadows {
    /// The set in force as if its rules in shadow were live for all; `None` where it has none.
    own: Option<ShadowSet>,
    candidates: Vec<ShadowSet>,
    live_numbers: Vec<usize>,
    conditions: usize,
}

/// What one set in shadow says of a transaction. `hits` are places among its rules; those of the set in force are only the
/// rules that do not count for the user. `points` are those of the whole set. `action`: `None` where the set failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadowed {
    pub hits: Vec<u16>,
    pub points: i64,
    pub action: Option<Action>,
}

/// What conditions said of one transaction, by their numbers, as far as they were asked.
#[derive(Debug)]
pub struct Truths(Vec<Option<bool>>);

/// A transaction as the sets see it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub row: Row<'a>,
    pub prediction: &'a Prediction,
    pub is_blocked: bool,
}

impl Shadows {
    /// `own_judge` decides by all rules of the set in force, those in shadow included; `candidates`: name, version, rules
    /// and what decides by them. `None` where nothing is in shadow.
    pub fn new(
        live: &Arc<Rulebook>,
        own_judge: Judge,
        candidates: impl IntoIterator<Item = (Box<str>, i64, Arc<Rulebook>, Judge)>,
    ) -> Option<Self> {
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut numbers_of = |rulebook: &Rulebook| -> Vec<usize> {
            let texts = rulebook.conditions();
            let number = |text: &str| {
                let next = known.len();
                *known.entry_ref(text).or_insert(next)
            };
            texts.map(number).collect()
        };
        let live_numbers = numbers_of(live);
        let candidates: Vec<ShadowSet> = candidates
            .into_iter()
            .map(|(name, version, rulebook, judge)| {
                let numbers = numbers_of(&rulebook);
                ShadowSet { name, version, rulebook, judge, numbers }
            })
            .collect();
        let rule_set = live.rule_set();
        let own = live.has_shadow().then(|| ShadowSet {
            name: rule_set.name.as_str().into(),
            version: rule_set.version,
            rulebook: live.clone(),
            judge: own_judge,
            numbers: live_numbers.clone(),
        });
        let is_needed = own.is_some() || !candidates.is_empty();
        is_needed.then(|| Self { own, candidates, live_numbers, conditions: known.len() })
    }

    /// The sets, in the order of what `shadowed` gives.
    pub fn sets(&self) -> impl Iterator<Item = &ShadowSet> {
        self.own.iter().chain(&self.candidates)
    }

    /// Of a new transaction.
    pub fn truths(&self) -> Truths {
        Truths(vec![None; self.conditions])
    }

    /// The hits of the rules in force, into `result`, as `Rulebook::evaluate` gives them.
    pub fn evaluate_live(
        &self,
        live: &Rulebook,
        row: &Row,
        shares: Shares,
        truths: &mut Truths,
        result: &mut RuleResult,
    ) {
        live.evaluate_by(Asked::Live(shares), truths.asking(&self.live_numbers, row), result);
    }

    /// What each set says of a transaction. `shares` are those of the set in force. What fails is told of its set alone.
    pub fn shadowed(&self, seen: &Seen, shares: Shares, truths: &mut Truths) -> Vec<Shadowed> {
        let mut told = Vec::with_capacity(self.candidates.len() + 1);
        if let Some(own) = &self.own {
            let mut shadowed = own.shadowed(seen, Asked::WithShadow, truths);
            shadowed.hits.retain(|hit| !own.rulebook.is_live(*hit, shares));
            told.push(shadowed);
        }
        for candidate in &self.candidates {
            let shares = candidate.rulebook.shares(&seen.row.transaction.user_id);
            told.push(candidate.shadowed(seen, Asked::Live(shares), truths));
        }
        told
    }
}

impl ShadowSet {
    fn shadowed(&self, seen: &Seen, asked: Asked, truths: &mut Truths) -> Shadowed {
        let shares = match asked {
            Asked::Live(shares) => shares,
            Asked::WithShadow => 0,
        };
        let evaluated = catch_unwind(AssertUnwindSafe(|| {
            let mut result = RuleResult::default();
            self.rulebook.evaluate_by(asked, truths.asking(&self.numbers, &seen.row), &mut result);
            let judgement = self.judge.judge(seen.prediction, &result, &self.rulebook, shares, seen.is_blocked);
            Shadowed {
                action: judgement.ok().map(|judgement| judgement.action),
                points: result.points,
                hits: result.hits,
            }
        }));
        evaluated.unwrap_or(Shadowed { hits: Vec::new(), points: 0, action: None })
    }

    /// The object of a decision's `shadow`.
    pub fn write(&self, shadowed: &Shadowed, json: &mut JsonWriter) {
        json.open(b'{');
        json.name("set");
        json.text(&self.name);
        json.name("version");
        json.integer(self.version);
        json.name("hits");
        json.texts(shadowed.hits.iter().filter_map(|hit| Some(self.rulebook.rule(*hit)?.id.as_str())));
        json.name("points");
        json.integer(shadowed.points);
        json.name("action");
        json.optional_text(shadowed.action.map(Action::name));
        json.close(b'}');
    }
}

impl Truths {
    /// Asks the conditions of a set, of these numbers, unless they were asked.
    fn asking(&mut self, numbers: &[usize], row: &Row) -> impl FnMut(usize, &Condition) -> bool {
        move |number, condition| {
            let known = &mut self.0[numbers[number]];
            *known.get_or_insert_with(|| condition.truth(row) == Some(true))
        }
    }
}

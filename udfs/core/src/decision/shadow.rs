//! Rules that are evaluated beside those in force, and never decide: what they hit, and what would have been done.
//!
//! Conditions that several sets share are asked once a transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::decision::actions::Action;
use crate::decision::json::JsonWriter;
use crate::decision::judge::{Judge, Judgement, Weighed};
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
    numbers: Vec<u32>,
    /// What the object of a decision's `shadow` begins with.
    json_start: Box<[u8]>,
}

/// All that is in shadow, and which conditions its sets have in common.
#[derive(Debug)]
pub struct Shadows {
    /// The set in force as if its rules in shadow were live for all; `None` where it has none.
    own: Option<ShadowSet>,
    candidates: Vec<ShadowSet>,
    live_numbers: Vec<u32>,
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

/// What conditions said of one transaction, by their numbers, as far as they were asked. Made once for many transactions.
#[derive(Debug, Default)]
pub struct Truths(Vec<Said>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    False,
    True,
}

/// A transaction as the sets see it. `judgement` is that by the rules in force.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub row: Row<'a>,
    pub weighed: Weighed<'a>,
    pub judgement: &'a Judgement,
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
        let mut known: HashMap<String, u32> = HashMap::new();
        let mut numbers_of = |rulebook: &Rulebook| -> Vec<u32> {
            let texts = rulebook.conditions();
            let number = |text: &str| {
                let next = known.len() as u32;
                *known.entry_ref(text).or_insert(next)
            };
            texts.map(number).collect()
        };
        let live_numbers = numbers_of(live);
        let candidates: Vec<ShadowSet> = candidates
            .into_iter()
            .map(|(name, version, rulebook, judge)| {
                let numbers = numbers_of(&rulebook);
                ShadowSet::new(name, version, rulebook, judge, numbers)
            })
            .collect();
        let rule_set = live.rule_set();
        let own = live.has_shadow().then(|| {
            let name = rule_set.name.as_str().into();
            ShadowSet::new(name, rule_set.version, live.clone(), own_judge, live_numbers.clone())
        });
        let is_needed = own.is_some() || !candidates.is_empty();
        is_needed.then(|| Self { own, candidates, live_numbers, conditions: known.len() })
    }

    /// The sets, in the order of what `shadowed` gives.
    pub fn sets(&self) -> impl Iterator<Item = &ShadowSet> {
        self.own.iter().chain(&self.candidates)
    }

    /// The hits of the rules in force, into `result`, as `Rulebook::evaluate` gives them, of a new transaction.
    pub fn evaluate_live(
        &self,
        live: &Rulebook,
        row: &Row,
        shares: Shares,
        truths: &mut Truths,
        result: &mut RuleResult,
    ) {
        truths.0.clear();
        truths.0.resize(self.conditions, Said::Nothing);
        live.evaluate_by(Asked::Live(shares), truths.asking(&self.live_numbers, row), result);
    }

    /// What each set says of that transaction. `shares` are those of the set in force. What fails is told of its set alone.
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
    fn new(name: Box<str>, version: i64, rulebook: Arc<Rulebook>, judge: Judge, numbers: Vec<u32>) -> Self {
        let mut json = JsonWriter::default();
        json.open(b'{');
        json.name("set");
        json.text(&name);
        json.name("version");
        json.integer(version);
        json.name("hits");
        Self { name, version, rulebook, judge, numbers, json_start: json.bytes.into() }
    }

    fn shadowed(&self, seen: &Seen, asked: Asked, truths: &mut Truths) -> Shadowed {
        let shares = match asked {
            Asked::Live(shares) => shares,
            Asked::WithShadow => 0,
        };
        let evaluated = catch_unwind(AssertUnwindSafe(|| {
            let Seen { row, weighed, judgement, is_blocked } = seen;
            let mut result = RuleResult::default();
            self.rulebook.evaluate_by(asked, truths.asking(&self.numbers, row), &mut result);
            let action = self.judge.action(weighed, &result, &self.rulebook, shares, *is_blocked, judgement);
            Shadowed { action: action.ok(), points: result.points, hits: result.hits }
        }));
        evaluated.unwrap_or(Shadowed { hits: Vec::new(), points: 0, action: None })
    }

    /// The object of a decision's `shadow`.
    pub fn write(&self, shadowed: &Shadowed, json: &mut JsonWriter) {
        json.begun(&self.json_start);
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
    fn asking(&mut self, numbers: &[u32], row: &Row) -> impl FnMut(usize, &Condition) -> bool {
        move |number, condition| {
            let said = &mut self.0[numbers[number] as usize];
            if *said == Said::Nothing {
                *said = if condition.truth(row) == Some(true) { Said::True } else { Said::False };
            }
            *said == Said::True
        }
    }
}

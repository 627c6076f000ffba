//! A rule set made ready to evaluate: the rules of one moment, compiled.

use std::collections::{BTreeMap, BTreeSet};

use crate::decision::flags::FLAGS;
use crate::rules::condition::Condition;
use crate::rules::errors::RuleError;
use crate::rules::facts::{FACT_NUMBERS, SANCTIONED_PARTIES};
use crate::rules::language::parse_condition;
use crate::rules::named_lists::Lists;
use crate::rules::names::Vocabulary;
use crate::rules::names_read::{lists_read, names_read};
use crate::rules::number::Row;
use crate::rules::past::Past;
use crate::rules::reason_text::ReasonText;
use crate::rules::rollout::rollout_place;
use crate::rules::rule_set::{MAX_RULES, Rule, RuleSet, check_rule_set};
use crate::rules::scale::Scale;

/// What the rules say about one transaction: the hits as positions among the rules, in file order, their points, and the
/// score of 0 to 1000. Made once and used again for each transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleResult {
    pub points: i64,
    pub score: i64,
    pub hits: Vec<u16>,
}

/// A compliance flag, and the rule that raises it by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RaisedFlag {
    pub kind: &'static str,
    pub place: u16,
}

/// In which of the partial roll-outs of a rule set a customer is, a bit each.
pub type Shares = u8;
/// A customer for whom each live rule counts.
pub const EVERY_SHARE: Shares = Shares::MAX;

/// For whom a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    All,
    /// Those whose shares have this bit.
    Share(Shares),
    Nobody,
}

impl Reach {
    fn has(self, shares: Shares) -> bool {
        match self {
            Self::All => true,
            Self::Share(bit) => shares & bit != 0,
            Self::Nobody => false,
        }
    }
}

/// Which rules of a set are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Those that are live for a customer of these shares.
    Live(Shares),
    /// Those in shadow, too.
    WithShadow,
}

/// One rule that is evaluated; `tier` is the number of its tier among those of the set.
#[derive(Debug)]
struct Compiled {
    condition: Condition,
    tier: Option<u16>,
    place: u16,
    points: i64,
    flag: Option<&'static str>,
    reach: Reach,
}

impl Compiled {
    /// Is it asked, true, and no earlier one of its tier?
    fn hits(&self, asked: Asked, taken: &mut Tiers, is_true: impl FnOnce(&Condition) -> bool) -> bool {
        if let Asked::Live(shares) = asked
            && !self.reach.has(shares)
        {
            return false;
        }
        let (word, bit) = match self.tier {
            Some(tier) => (usize::from(tier / 64), 1 << (tier % 64)),
            None => (0, 0),
        };
        if taken[word] & bit != 0 || !is_true(&self.condition) {
            return false;
        }
        taken[word] |= bit;
        true
    }
}

/// The rules in force. Immutable: a change makes a new one, so that a faulty change leaves this one in force.
#[derive(Debug)]
pub struct Rulebook {
    rule_set: RuleSet,
    compiled: Vec<Compiled>,
    /// Positions in `compiled` of what raises flags, and of what shares a tier with it.
    flagging: Vec<usize>,
    /// The rules on changes of accounts.
    of_changes: Vec<Compiled>,
    /// The flags that rules decide on.
    ruled: Vec<&'static str>,
    reads_facts: bool,
    past_hours: Vec<u16>,
    reasons: Vec<ReasonText>,
    names_read: Vec<Vec<String>>,
    scale: Scale,
    lists: Vec<(String, i64)>,
    /// Rules that are live for a part of the customers: their places and percents, in the order of their bits.
    partial: Vec<(u16, u8)>,
    /// Live rules with guardrails.
    guarded: Vec<(u16, Reach)>,
}

/// One bit for each tier: each rule may have its own.
type Tiers = [u64; MAX_RULES.div_ceil(64)];

impl Rulebook {
    /// Compile a rule set over the features of these names, in input order, and the lists. Raises RuleError, naming the
    /// rule.
    ///
    /// More is asked of a rule set that is new: see `check::problems`.
    pub fn new<'a>(
        rule_set: RuleSet,
        feature_names: impl IntoIterator<Item = &'a str>,
        lists: Lists,
    ) -> Result<Self, RuleError> {
        check_rule_set(&rule_set)?;
        let vocabulary = Vocabulary::new(feature_names)?.with_lists(lists.clone());
        let mut deciding = BTreeMap::new();
        let mut tiers: Vec<&str> = Vec::new();
        let (mut compiled, mut reasons, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let (mut of_changes, change_vocabulary) = (Vec::new(), Vocabulary::of_changes().with_lists(lists.clone()));
        let (mut partial, mut guarded) = (Vec::new(), Vec::new());
        let mut past_hours = BTreeSet::new();
        for (place, rule) in rule_set.rules.iter().enumerate() {
            let known = if rule.of_changes { &change_vocabulary } else { &vocabulary };
            let Checked { reason, condition, past } = checked(rule, known).map_err(|error| error.of_rule(&rule.id))?;
            reasons.push(reason);
            names.push(names_read(&rule.when)?);
            if !rule.is_evaluated() {
                continue;
            }
            past_hours.extend(past.iter().map(|past| past.hours));
            for name in lists_read(&rule.when)? {
                deciding.extend(lists.get(&name).map(|list| (name, list.version)));
            }
            let tier = rule.tier.as_deref().map(|tier| {
                tiers.iter().position(|known| *known == tier).unwrap_or_else(|| {
                    tiers.push(tier);
                    tiers.len() - 1
                })
            });
            let (tier, place) = (tier.map(|tier| tier as u16), place as u16);
            let reach = if rule.is_live_for_all() {
                Reach::All
            } else if rule.is_live() {
                partial.push((place, rule.rollout as u8));
                Reach::Share(1 << (partial.len() - 1))
            } else {
                Reach::Nobody
            };
            if rule.is_guarded && reach != Reach::Nobody && !rule.of_changes {
                guarded.push((place, reach));
            }
            let compiled = if rule.of_changes { &mut of_changes } else { &mut compiled };
            compiled.push(Compiled { condition, tier, place, points: rule.points, flag: rule.flag, reach });
        }
        let flagging = flagging(&compiled);
        let reads_facts = rule_set.rules.iter().any(reads_facts);
        let ruled = rule_set.rules.iter().filter_map(Rule::decided_flag).collect();
        let scale = Scale::new(&rule_set.scale);
        let lists = deciding.into_iter().collect();
        Ok(Self {
            compiled,
            flagging,
            of_changes,
            ruled,
            reads_facts,
            past_hours: past_hours.into_iter().collect(),
            reasons,
            names_read: names,
            scale,
            rule_set,
            lists,
            partial,
            guarded,
        })
    }

    /// The rules as they were given.
    pub fn rule_set(&self) -> &RuleSet {
        &self.rule_set
    }

    /// One of the rules, by its position.
    pub fn rule(&self, place: u16) -> Option<&Rule> {
        self.rule_set.rules.get(usize::from(place))
    }

    /// In which partial roll-outs a customer is.
    pub fn shares(&self, user_id: &str) -> Shares {
        let is_in = |(place, percent): &(u16, u8)| {
            self.rule(*place).is_some_and(|rule| rollout_place(user_id, &rule.id) < *percent)
        };
        self.partial.iter().enumerate().fold(0, |shares, (bit, partial)| shares | (Shares::from(is_in(partial)) << bit))
    }

    /// The rules that are live for a part of the customers, in the order of their bits among the shares.
    pub fn partial_rollouts(&self) -> impl Iterator<Item = &Rule> {
        self.partial.iter().filter_map(|(place, _)| self.rule(*place))
    }

    /// The places of the rules with guardrails that are live for a customer of these shares.
    pub fn guarded(&self, shares: Shares) -> impl Iterator<Item = u16> {
        self.guarded.iter().filter(move |(_, reach)| reach.has(shares)).map(|(place, _)| *place)
    }

    /// Is any live rule guarded?
    pub fn has_guarded(&self) -> bool {
        !self.guarded.is_empty()
    }

    /// Is there a rule that does not count for each customer?
    pub fn has_shadow(&self) -> bool {
        self.compiled.iter().any(|rule| rule.reach != Reach::All)
    }

    /// Is the rule of a place live for a customer of these shares?
    pub fn is_live(&self, place: u16, shares: Shares) -> bool {
        self.compiled.iter().any(|rule| rule.place == place && rule.reach.has(shares))
    }

    /// The conditions' texts of the rules that are evaluated, in order.
    pub fn conditions(&self) -> impl Iterator<Item = &str> {
        self.compiled.iter().map(|rule| self.rule(rule.place).map_or("", |rule| rule.when.trim()))
    }

    /// The hits of one transaction among the rules that are live for the user, into `result`. Never fails for the values in
    /// the row: a rule hits only where it is definitely true, and of the rules that share a tier only the first one that is.
    pub fn evaluate(&self, row: &Row, shares: Shares, result: &mut RuleResult) {
        self.evaluate_by(Asked::Live(shares), |_, condition| condition.truth(row) == Some(true), result);
    }

    /// The same by what `is_true` says of a condition, which it gets with its number among `conditions`.
    pub fn evaluate_by(
        &self,
        asked: Asked,
        mut is_true: impl FnMut(usize, &Condition) -> bool,
        result: &mut RuleResult,
    ) {
        result.hits.clear();
        result.points = 0;
        let mut taken: Tiers = [0; _];
        for (number, rule) in self.compiled.iter().enumerate() {
            if !rule.hits(asked, &mut taken, |condition| is_true(number, condition)) {
                continue;
            }
            result.hits.push(rule.place);
            result.points += rule.points;
        }
        result.score = self.scale.score(result.points);
    }

    /// The flags that the live rules raise for a payment, each once, by the first hit in file order.
    pub fn flags(&self, row: &Row) -> Vec<RaisedFlag> {
        let mut taken: Tiers = [0; _];
        raised(self.flagging.iter().filter_map(|at| self.compiled.get(*at)), row, &mut taken)
    }

    /// The same for a change of an account.
    pub fn flags_of_change(&self, row: &Row) -> Vec<RaisedFlag> {
        raised(self.of_changes.iter(), row, &mut [0; _])
    }

    /// Do live or retired rules decide on a flag, be they enabled or not? Then nothing else raises it.
    pub fn decides_on(&self, kind: &str) -> bool {
        self.ruled.contains(&kind)
    }

    /// Is there a rule with a flag, or one that reads facts?
    pub fn is_asked_early(&self) -> bool {
        self.reads_facts || !self.ruled.is_empty()
    }

    /// Does a condition or a reason read facts?
    pub fn reads_facts(&self) -> bool {
        self.reads_facts
    }

    /// The lengths in hours of the windows that evaluated rules read, ascending.
    pub fn past_hours(&self) -> &[u16] {
        &self.past_hours
    }

    /// The words of one hit. For alerts only.
    pub fn reason(&self, place: u16, row: &Row) -> String {
        self.reasons.get(usize::from(place)).map_or_else(String::new, |reason| reason.words(row))
    }

    /// The names that a rule's condition reads, in the order of their first use.
    pub fn names_read(&self, place: u16) -> &[String] {
        self.names_read.get(usize::from(place)).map_or(&[], |names| names)
    }

    /// Name and version of the lists that enabled rules refer to, in alphabetical order.
    pub fn lists(&self) -> &[(String, i64)] {
        &self.lists
    }

    /// The score of each sum of points.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }
}

/// A rule's texts, compiled, and the windows that they read.
struct Checked {
    reason: ReasonText,
    condition: Condition,
    past: Vec<Past>,
}

fn checked(rule: &Rule, vocabulary: &Vocabulary) -> Result<Checked, RuleError> {
    let reason = ReasonText::new(&rule.reason, vocabulary)?;
    let tree = parse_condition(&rule.when, vocabulary)?;
    let condition = Condition::of(&tree).ok_or_else(|| RuleError::new("the condition has no truth"))?;
    let past = Past::read_by(&tree).into_iter().chain(reason.past()).collect();
    Ok(Checked { reason, condition, past })
}

/// Of the enabled rules those with a flag, and all of their tiers.
fn flagging(compiled: &[Compiled]) -> Vec<usize> {
    let tiers: Vec<u16> = compiled.iter().filter(|rule| rule.flag.is_some()).filter_map(|rule| rule.tier).collect();
    let is_asked = |rule: &Compiled| rule.flag.is_some() || rule.tier.is_some_and(|tier| tiers.contains(&tier));
    (0..compiled.len()).filter(|at| is_asked(&compiled[*at])).collect()
}

/// Does a rule read facts? Told by their names anywhere in its texts: too often at worst.
fn reads_facts(rule: &Rule) -> bool {
    let is_named = |name: &&str| rule.when.contains(name) || rule.reason.contains(name);
    FACT_NUMBERS.iter().chain([&SANCTIONED_PARTIES]).any(is_named)
}

fn raised<'r>(rules: impl Iterator<Item = &'r Compiled>, row: &Row, taken: &mut Tiers) -> Vec<RaisedFlag> {
    let mut raised: Vec<RaisedFlag> = Vec::new();
    for rule in rules {
        let hits = rule.hits(Asked::Live(EVERY_SHARE), taken, |condition| condition.truth(row) == Some(true));
        if let (true, Some(kind)) = (hits, rule.flag)
            && !raised.iter().any(|known| known.kind == kind)
        {
            raised.push(RaisedFlag { kind, place: rule.place });
        }
    }
    raised.sort_by_key(|raised| FLAGS.iter().position(|kind| *kind == raised.kind));
    raised
}

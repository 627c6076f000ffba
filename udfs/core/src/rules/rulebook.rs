//! A rule set made ready to evaluate: the rules of one moment, compiled.

use std::collections::BTreeMap;

use crate::decision::flags::FLAGS;
use crate::rules::condition::Condition;
use crate::rules::errors::RuleError;
use crate::rules::facts::{FACT_NUMBERS, SANCTIONED_PARTIES};
use crate::rules::language::parse_condition;
use crate::rules::named_lists::Lists;
use crate::rules::names::Vocabulary;
use crate::rules::names_read::{lists_read, names_read};
use crate::rules::number::Row;
use crate::rules::reason_text::ReasonText;
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

/// One enabled rule; `tier` is the number of its tier among those of the set.
#[derive(Debug)]
struct Compiled {
    condition: Condition,
    tier: Option<u16>,
    place: u16,
    points: i64,
    flag: Option<&'static str>,
}

impl Compiled {
    /// Is it true, and no earlier one of its tier?
    fn hits(&self, row: &Row, taken: &mut Tiers) -> bool {
        let (word, bit) = match self.tier {
            Some(tier) => (usize::from(tier / 64), 1 << (tier % 64)),
            None => (0, 0),
        };
        if taken[word] & bit != 0 || self.condition.truth(row) != Some(true) {
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
    reasons: Vec<ReasonText>,
    names_read: Vec<Vec<String>>,
    scale: Scale,
    lists: Vec<(String, i64)>,
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
        for (place, rule) in rule_set.rules.iter().enumerate() {
            let known = if rule.of_changes { &change_vocabulary } else { &vocabulary };
            let (reason, condition) = checked(rule, known).map_err(|error| error.of_rule(&rule.id))?;
            reasons.push(reason);
            names.push(names_read(&rule.when)?);
            if !rule.enabled {
                continue;
            }
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
            let compiled = if rule.of_changes { &mut of_changes } else { &mut compiled };
            compiled.push(Compiled { condition, tier, place, points: rule.points, flag: rule.flag });
        }
        let flagging = flagging(&compiled);
        let reads_facts = rule_set.rules.iter().any(reads_facts);
        let ruled = rule_set.rules.iter().filter_map(|rule| rule.flag).collect();
        let scale = Scale::new(&rule_set.scale);
        let lists = deciding.into_iter().collect();
        Ok(Self {
            compiled,
            flagging,
            of_changes,
            ruled,
            reads_facts,
            reasons,
            names_read: names,
            scale,
            rule_set,
            lists,
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

    /// The hits of one transaction, into `result`. Never fails for the values in the row: a rule hits only where it is
    /// definitely true, and of the rules that share a tier only the first one that is.
    pub fn evaluate(&self, row: &Row, result: &mut RuleResult) {
        result.hits.clear();
        result.points = 0;
        let mut taken: Tiers = [0; _];
        for rule in &self.compiled {
            if !rule.hits(row, &mut taken) {
                continue;
            }
            result.hits.push(rule.place);
            result.points += rule.points;
        }
        result.score = self.scale.score(result.points);
    }

    /// The flags that the rules raise for a payment, each once, by the first hit in file order.
    pub fn flags(&self, row: &Row) -> Vec<RaisedFlag> {
        let mut taken: Tiers = [0; _];
        raised(self.flagging.iter().filter_map(|at| self.compiled.get(*at)), row, &mut taken)
    }

    /// The same for a change of an account.
    pub fn flags_of_change(&self, row: &Row) -> Vec<RaisedFlag> {
        raised(self.of_changes.iter(), row, &mut [0; _])
    }

    /// Do rules decide on a flag, be they enabled or not? Then nothing else raises it.
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

fn checked(rule: &Rule, vocabulary: &Vocabulary) -> Result<(ReasonText, Condition), RuleError> {
    let reason = ReasonText::new(&rule.reason, vocabulary)?;
    let condition = parse_condition(&rule.when, vocabulary)?;
    let compiled = Condition::of(&condition).ok_or_else(|| RuleError::new("the condition has no truth"))?;
    Ok((reason, compiled))
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
        if let (true, Some(kind)) = (rule.hits(row, taken), rule.flag)
            && !raised.iter().any(|known| known.kind == kind)
        {
            raised.push(RaisedFlag { kind, place: rule.place });
        }
    }
    raised.sort_by_key(|raised| FLAGS.iter().position(|kind| *kind == raised.kind));
    raised
}

//! A rule set made ready to evaluate: the rules of one moment, compiled.

use crate::rules::condition::Condition;
use crate::rules::errors::RuleError;
use crate::rules::language::parse_condition;
use crate::rules::names::Vocabulary;
use crate::rules::names_read::names_read;
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

/// One enabled rule; `tier` is the number of its tier among those of the set.
#[derive(Debug)]
struct Compiled {
    condition: Condition,
    tier: Option<u16>,
    place: u16,
    points: i64,
}

/// The rules in force. Immutable: a change makes a new one, so that a faulty change leaves this one in force.
#[derive(Debug)]
pub struct Rulebook {
    rule_set: RuleSet,
    compiled: Vec<Compiled>,
    reasons: Vec<ReasonText>,
    names_read: Vec<Vec<String>>,
    scale: Scale,
}

/// One bit for each tier: each rule may have its own.
type Tiers = [u64; MAX_RULES.div_ceil(64)];

impl Rulebook {
    /// Compile a rule set over the features of these names, in input order. Raises RuleError, naming the rule.
    ///
    /// More is asked of a rule set that is new: see `check::problems`.
    pub fn new<'a>(rule_set: RuleSet, feature_names: impl IntoIterator<Item = &'a str>) -> Result<Self, RuleError> {
        check_rule_set(&rule_set)?;
        let vocabulary = Vocabulary::new(feature_names)?;
        let mut tiers: Vec<&str> = Vec::new();
        let (mut compiled, mut reasons, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (place, rule) in rule_set.rules.iter().enumerate() {
            let (reason, condition) = checked(rule, &vocabulary).map_err(|error| error.of_rule(&rule.id))?;
            reasons.push(reason);
            names.push(names_read(&rule.when)?);
            if !rule.enabled {
                continue;
            }
            let tier = rule.tier.as_deref().map(|tier| {
                tiers.iter().position(|known| *known == tier).unwrap_or_else(|| {
                    tiers.push(tier);
                    tiers.len() - 1
                })
            });
            let (tier, place) = (tier.map(|tier| tier as u16), place as u16);
            compiled.push(Compiled { condition, tier, place, points: rule.points });
        }
        let scale = Scale::new(&rule_set.scale);
        Ok(Self { compiled, reasons, names_read: names, scale, rule_set })
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
            let (word, bit) = match rule.tier {
                Some(tier) => (usize::from(tier / 64), 1 << (tier % 64)),
                None => (0, 0),
            };
            if taken[word] & bit != 0 || rule.condition.truth(row) != Some(true) {
                continue;
            }
            taken[word] |= bit;
            result.hits.push(rule.place);
            result.points += rule.points;
        }
        result.score = self.scale.score(result.points);
    }

    /// The words of one hit. For alerts only.
    pub fn reason(&self, place: u16, row: &Row) -> String {
        self.reasons.get(usize::from(place)).map_or_else(String::new, |reason| reason.words(row))
    }

    /// The names that a rule's condition reads, in the order of their first use.
    pub fn names_read(&self, place: u16) -> &[String] {
        self.names_read.get(usize::from(place)).map_or(&[], |names| names)
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

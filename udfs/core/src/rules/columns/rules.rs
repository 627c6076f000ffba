//! A rule set over columns: the hits of each row, with the same tiers and points as `rulebook.rs`.

use crate::rules::columns::block::{BLOCK, Block, ColumnNames, Columns};
use crate::rules::columns::condition::{ColumnCondition, TRUE};
use crate::rules::errors::RuleError;
use crate::rules::expressions::Expression;
use crate::rules::language::parse_condition;
use crate::rules::named_lists::Lists;
use crate::rules::names::Vocabulary;
use crate::rules::rollout::rollout_place;
use crate::rules::rule_set::{RuleSet, check_rule_set};
use crate::rules::rulebook::Shares;

/// One live rule; `tier` is the place of the first rule of its tier.
#[derive(Debug)]
struct Compiled {
    condition: ColumnCondition,
    tier: Option<usize>,
    place: usize,
    points: i64,
    /// The bit of its partial roll-out; 0 where it counts for all customers.
    share: Shares,
}

/// The live rules of a set, compiled for the columns of `names`.
#[derive(Debug)]
pub struct ColumnRules {
    pub names: ColumnNames,
    compiled: Vec<Compiled>,
    rules: usize,
    /// Ids and percents of the rules that are live for a part of the customers, in the order of their bits.
    partial: Vec<(String, u8)>,
    /// The place of the users' ids; `None` without partial roll-outs.
    users: Option<usize>,
}

/// Of row `n` the hits `places[starts[n]..starts[n + 1]]` as positions among the rules, in file order, their points, and the
/// partial roll-outs in which its user is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hits {
    pub starts: Vec<i64>,
    pub places: Vec<u16>,
    pub points: Vec<i64>,
    pub shares: Vec<Shares>,
}

impl ColumnRules {
    /// Compile the rules on payments of a set over features of these names, and the lists. Raises RuleError, naming the rule.
    pub fn new<'a>(
        rule_set: &RuleSet,
        feature_names: impl IntoIterator<Item = &'a str>,
        lists: Lists,
    ) -> Result<Self, RuleError> {
        check_rule_set(rule_set)?;
        let vocabulary = Vocabulary::new(feature_names)?.with_lists(lists);
        let (mut names, mut compiled) = (ColumnNames::default(), Vec::new());
        let (mut of_others, mut partial) = (ColumnNames::default(), Vec::new());
        for (place, rule) in rule_set.rules.iter().enumerate().filter(|(_, rule)| !rule.of_changes) {
            let names = if rule.is_live() { &mut names } else { &mut of_others };
            let condition = parse_condition(&rule.when, &vocabulary)
                .and_then(|tree| compile(&tree, names))
                .map_err(|error| error.of_rule(&rule.id))?;
            let tier = rule
                .tier
                .as_ref()
                .and_then(|tier| rule_set.rules.iter().position(|other| other.tier.as_ref() == Some(tier)));
            if !rule.is_live() {
                continue;
            }
            let mut share = 0;
            if !rule.is_live_for_all() {
                partial.push((rule.id.clone(), rule.rollout as u8));
                share = 1 << (partial.len() - 1);
            }
            compiled.push(Compiled { condition, tier, place, points: rule.points, share });
        }
        let users = (!partial.is_empty()).then(|| names.place_of_user());
        Ok(Self { names, compiled, rules: rule_set.rules.len(), partial, users })
    }

    /// The hits of all rows. A rule hits only where it is definitely true, and of a tier only the first one that is.
    pub fn evaluate(&self, columns: &Columns) -> Hits {
        let words = self.rules.div_ceil(64);
        let (points, shares) = (Vec::with_capacity(columns.rows), Vec::with_capacity(columns.rows));
        let mut hits = Hits { starts: vec![0], places: Vec::new(), points, shares };
        let mut bits = vec![0_u64; words * BLOCK];
        for block in columns.blocks() {
            bits.fill(0);
            let shares = self.shares(&block);
            let points = self.mark(&block, &shares, words, &mut bits);
            hits.points.extend(&points[..block.len]);
            hits.shares.extend(&shares[..block.len]);
            for row in bits.chunks_exact(words.max(1)).take(block.len) {
                push_places(row, &mut hits.places);
                hits.starts.push(hits.places.len() as i64);
            }
            if words == 0 {
                hits.starts.resize(block.start + block.len + 1, 0);
            }
        }
        hits
    }

    /// In which partial roll-outs the rows' users are; in none where an id is not known.
    fn shares(&self, block: &Block) -> [Shares; BLOCK] {
        let mut shares = [0; BLOCK];
        if let Some(place) = self.users {
            for (row, shares) in shares[..block.len].iter_mut().enumerate() {
                let user_id = block.columns.texts[place].text(block.start + row);
                let is_in = |(rule_id, percent): &(String, u8)| {
                    user_id.is_some_and(|user_id| rollout_place(user_id, rule_id) < *percent)
                };
                for (bit, partial) in self.partial.iter().enumerate() {
                    *shares |= Shares::from(is_in(partial)) << bit;
                }
            }
        }
        shares
    }

    /// Set the bit of each hit, `words` words a row; gives the points of the rows.
    fn mark(&self, block: &Block, shares: &[Shares; BLOCK], words: usize, bits: &mut [u64]) -> [i64; BLOCK] {
        let mut points = [0; BLOCK];
        let mut truths = [0; BLOCK];
        let mut taken = vec![0_u64; if self.has_tiers() { words * BLOCK } else { 0 }];
        for rule in &self.compiled {
            rule.condition.truths(block, &mut truths[..block.len]);
            for (row, _) in truths[..block.len].iter().enumerate().filter(|(_, truth)| **truth == TRUE) {
                if rule.share != 0 && shares[row] & rule.share == 0 {
                    continue;
                }
                if let Some(tier) = rule.tier {
                    let word = &mut taken[row * words + tier / 64];
                    let bit = 1 << (tier % 64);
                    if *word & bit != 0 {
                        continue;
                    }
                    *word |= bit;
                }
                bits[row * words + rule.place / 64] |= 1 << (rule.place % 64);
                points[row] += rule.points;
            }
        }
        points
    }

    fn has_tiers(&self) -> bool {
        self.compiled.iter().any(|rule| rule.tier.is_some())
    }
}

/// What a condition means for columns; its names join those known so far. Raises RuleError.
pub fn compile(tree: &Expression, names: &mut ColumnNames) -> Result<ColumnCondition, RuleError> {
    ColumnCondition::of(tree, names).ok_or_else(|| RuleError::new("the condition has no truth"))
}

fn push_places(row: &[u64], places: &mut Vec<u16>) {
    for (number, word) in row.iter().enumerate() {
        let mut rest = *word;
        while rest != 0 {
            places.push((number * 64) as u16 + rest.trailing_zeros() as u16);
            rest &= rest - 1;
        }
    }
}

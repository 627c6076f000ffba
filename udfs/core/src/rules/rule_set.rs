//! Rules as data: what a pack file or a control message holds.

use crate::decision::actions::Action;
use crate::rules::errors::{RuleError, shown};

pub const MAX_RULES: usize = 500;
pub const MAX_POINTS: i64 = 1000;
pub const MAX_VERSION: i64 = 1 << 53;
pub const MAX_SCALE_POINTS: i64 = 10_000;
pub const MAX_SCORE: i64 = 1000;
pub const MAX_ID_LENGTH: usize = 64;
pub const WHOLE_ROLLOUT: i64 = 100;
/// How many rules of a set may be live for a part of the customers at once: each has a bit (`rulebook::Shares`).
pub const MAX_PARTIAL_ROLLOUTS: usize = 8;

/// Where a rule stands in its life: drafts and retired rules are not evaluated, those in shadow have no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleState {
    Draft,
    Shadow,
    Live,
    Retired,
}

impl RuleState {
    /// The state of a name, `None` for a name that is none.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "draft" => Self::Draft,
            "shadow" => Self::Shadow,
            "live" => Self::Live,
            "retired" => Self::Retired,
            _ => return None,
        })
    }
}

/// One rule: where `when` is true it adds `points` and gives `reason`.
///
/// Rules with the same `tier` exclude each other: the first in file order that is true counts. `action` is the least
/// action that a hit forces. A rule that is not `enabled` is checked but never hits. `rollout` is the share of the
/// customers, in percent, for whom a live rule counts; for the others it is in shadow. The payments of a rule that
/// `is_guarded` are counted for its guardrails.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub id: String,
    pub points: i64,
    pub when: String,
    pub reason: String,
    pub tier: Option<String>,
    pub action: Option<Action>,
    pub enabled: bool,
    /// The compliance flag that a hit raises.
    pub flag: Option<&'static str>,
    /// Is it about changes of accounts, not about payments?
    pub of_changes: bool,
    pub state: RuleState,
    pub rollout: i64,
    pub is_guarded: bool,
}

impl Rule {
    /// Does a hit do nothing but raise a flag?
    pub fn only_flags(&self) -> bool {
        self.flag.is_some() && self.points == 0 && self.action.is_none()
    }

    /// Is it asked at all?
    pub fn is_evaluated(&self) -> bool {
        self.enabled && matches!(self.state, RuleState::Shadow | RuleState::Live)
    }

    /// Does it count for some customers?
    pub fn is_live(&self) -> bool {
        self.enabled && self.state == RuleState::Live && self.rollout > 0
    }

    /// Does it count for all of them?
    pub fn is_live_for_all(&self) -> bool {
        self.is_live() && self.rollout >= WHOLE_ROLLOUT
    }

    /// The flag that it decides on: neither a draft nor a rule in shadow takes one over.
    pub fn decided_flag(&self) -> Option<&'static str> {
        self.flag.filter(|_| matches!(self.state, RuleState::Live | RuleState::Retired))
    }
}

/// The rules in force together, and the scale from the sum of their points to a score of 0 to 1000.
///
/// `scale` lists [points, score] pairs, the first [0, 0]; between them the score is linear, beyond the last it stays.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSet {
    pub name: String,
    pub description: String,
    pub version: i64,
    pub scale: Vec<(i64, i64)>,
    pub rules: Vec<Rule>,
}

/// The first of `structure_errors`. Conditions are not looked at.
pub fn check_rule_set(rule_set: &RuleSet) -> Result<(), RuleError> {
    match structure_errors(rule_set).into_iter().next() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// What is not usable of ids, points, the version and the scale. Conditions and reasons are not looked at.
pub fn structure_errors(rule_set: &RuleSet) -> Vec<RuleError> {
    let mut errors = Vec::new();
    if !(1..=MAX_VERSION).contains(&rule_set.version) {
        errors.push(RuleError::new(format!("version must be 1 to {MAX_VERSION}")).of_field("version"));
    }
    errors.extend(check_scale(&rule_set.scale).err().map(|error| error.of_field("scale")));
    let count = rule_set.rules.len();
    if count > MAX_RULES {
        errors.push(RuleError::new(format!("{count} rules, at most {MAX_RULES} are allowed")));
    }
    let mut seen = std::collections::HashSet::new();
    for rule in rule_set.rules.iter().take(MAX_RULES) {
        if !is_identifier(&rule.id) {
            errors.push(RuleError::new(no_identifier("id", &rule.id)));
            continue;
        }
        if !seen.insert(&rule.id) {
            errors.push(RuleError::new("duplicate id").of_field("id").of_rule(&rule.id));
        }
        if !(0..=MAX_POINTS).contains(&rule.points) {
            errors
                .push(RuleError::new(format!("points must be 0 to {MAX_POINTS}")).of_field("points").of_rule(&rule.id));
        }
        if let Some(tier) = rule.tier.as_ref().filter(|tier| !is_identifier(tier)) {
            errors.push(RuleError::new(no_identifier("tier", tier)).of_field("tier").of_rule(&rule.id));
        }
        if rule.of_changes && !(rule.only_flags() && rule.tier.is_none()) {
            let error = RuleError::new("a rule on account changes raises a flag and nothing else");
            errors.push(error.hint("give it a flag, 0 points, and neither tier nor action").of_rule(&rule.id));
        }
        if !(0..=WHOLE_ROLLOUT).contains(&rule.rollout) {
            let error = RuleError::new(format!("rollout must be 0 to {WHOLE_ROLLOUT} (percent)"));
            errors.push(error.of_field("rollout").of_rule(&rule.id));
        } else if rule.rollout < WHOLE_ROLLOUT && rule.flag.is_some() {
            let error = RuleError::new("a rule with a flag counts for all customers: leave rollout out");
            errors.push(error.of_field("rollout").of_rule(&rule.id));
        } else if rule.rollout < WHOLE_ROLLOUT && rule.state != RuleState::Live {
            errors.push(RuleError::new("rollout is the share of a live rule: leave it out").of_rule(&rule.id));
        }
    }
    let partial = rule_set.rules.iter().filter(|rule| rule.is_live() && !rule.is_live_for_all()).count();
    if partial > MAX_PARTIAL_ROLLOUTS {
        let most = MAX_PARTIAL_ROLLOUTS;
        errors.push(RuleError::new(format!("{partial} rules are rolled out in part, at most {most} may be at once")));
    }
    errors
}

/// Raise RuleError unless a scale starts at [0, 0] and rises.
pub fn check_scale(scale: &[(i64, i64)]) -> Result<(), RuleError> {
    if scale.len() < 2 || scale[0] != (0, 0) {
        return Err(RuleError::new("scale needs at least two [points, score] pairs, the first [0, 0]"));
    }
    if scale.iter().any(|pair| !((0..=MAX_SCALE_POINTS).contains(&pair.0) && (0..=MAX_SCORE).contains(&pair.1))) {
        let limits = format!("scale must lie within [0, 0] and [{MAX_SCALE_POINTS}, {MAX_SCORE}]");
        return Err(RuleError::new(limits));
    }
    for pair in scale.windows(2) {
        let ((points, score), (next_points, next_score)) = (pair[0], pair[1]);
        if next_points <= points || next_score < score {
            return Err(RuleError::new(format!(
                "scale must increase: [{next_points}, {next_score}] follows [{points}, {score}]"
            )));
        }
    }
    Ok(())
}

/// Can it be the id of a rule or a tier?
pub fn is_identifier(text: &str) -> bool {
    text.len() <= MAX_ID_LENGTH
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn no_identifier(what: &str, text: &str) -> String {
    let shown = shown(text);
    format!("{what} {shown} must be a letter followed by letters, digits and _, at most {MAX_ID_LENGTH} characters")
}

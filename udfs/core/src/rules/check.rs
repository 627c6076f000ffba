//! All that is wrong, or odd, about a rule set, for its author: what is refused when a rule set is published or started.
//!
//! A rule set that is in force already, e.g. of a savepoint, only has to compile (`Rulebook::new`).

use std::collections::HashMap;

use crate::python_format::is_printable_text;
use crate::python_text::strip;
use crate::rules::errors::{Problem, RuleError, shown};
use crate::rules::expressions::Expression;
use crate::rules::functions::Function;
use crate::rules::language::parse_and_check;
use crate::rules::named_lists::Lists;
use crate::rules::names::Vocabulary;
use crate::rules::past::Past;
use crate::rules::reason_text::ReasonText;
use crate::rules::rule_set::{Rule, RuleSet, is_identifier, structure_errors};
use crate::rules::satisfiability::{Cases, Outlook, outlook};

/// The longest name and description of a rule set, in characters.
pub const MAX_NAME_LENGTH: usize = 100;
pub const MAX_DESCRIPTION_LENGTH: usize = 1000;
/// Of how many rules before it in its tier it is asked whether they leave a rule nothing.
const COMPARED: usize = 32;

/// Errors and warnings in the order of the rules, those of the whole set first.
pub fn problems<'a>(
    rule_set: &RuleSet,
    feature_names: impl IntoIterator<Item = &'a str>,
    lists: Lists,
) -> Vec<Problem> {
    let vocabulary = match Vocabulary::new(feature_names) {
        Ok(vocabulary) => vocabulary.with_lists(lists.clone()),
        Err(error) => return vec![Problem::error(error)],
    };
    let mut found: Vec<Problem> = structure_errors(rule_set).into_iter().map(Problem::error).collect();
    found.extend(text_errors(rule_set).into_iter().map(Problem::error));
    if rule_set.rules.is_empty() {
        found.push(Problem::error(RuleError::new("a rule set needs at least one rule").of_field("rules")));
    } else if rule_set.rules.iter().all(|rule| !rule.enabled) {
        found.push(Problem::warning(RuleError::new("no rule is enabled")));
    } else if !rule_set.rules.iter().any(Rule::is_live) {
        found.push(Problem::warning(RuleError::new("no rule is live")));
    }
    let change_vocabulary = Vocabulary::of_changes().with_lists(lists);
    let mut tiers: HashMap<&str, Vec<Tiered>> = HashMap::new();
    for rule in &rule_set.rules {
        let known = if rule.of_changes { &change_vocabulary } else { &vocabulary };
        let (condition, mut own) = of_rule(rule, known);
        if let (Some(tier), Some(condition)) = (rule.tier.as_deref(), condition) {
            let before = tiers.entry(tier).or_default();
            let tiered = Tiered::new(rule, condition);
            own.extend(in_tier(tier, before, &tiered));
            before.push(tiered);
        }
        let id = if is_identifier(&rule.id) { rule.id.clone() } else { shown(&rule.id) };
        found.extend(own.into_iter().map(|problem| problem.of_rule(&id)));
    }
    found
}

fn text_errors(rule_set: &RuleSet) -> Vec<RuleError> {
    let mut errors = Vec::new();
    let mut check = |field: &'static str, text: &str, most: usize| {
        let length = text.chars().count();
        if length > most {
            errors.push(
                RuleError::new(format!("{field} has {length} characters, at most {most} are allowed")).of_field(field),
            );
        } else if !is_printable_text(text) {
            errors.push(RuleError::new(format!("{field} must be one line of printable characters")).of_field(field));
        }
    };
    check("name", &rule_set.name, MAX_NAME_LENGTH);
    check("description", rule_set.description.trim_end(), MAX_DESCRIPTION_LENGTH);
    if strip(&rule_set.name).is_empty() {
        errors.push(RuleError::new("name is empty").of_field("name"));
    }
    errors
}

fn of_rule(rule: &Rule, vocabulary: &Vocabulary) -> (Option<Expression>, Vec<Problem>) {
    let mut found = Vec::new();
    if let Err(error) = ReasonText::new(&rule.reason, vocabulary) {
        found.push(Problem::error(error.of_field("reason")));
    }
    let condition = match parse_and_check(&rule.when, vocabulary) {
        Ok((condition, of_codes)) => {
            let is_certain = of_codes.is_empty();
            found.extend(of_codes.into_iter().map(|problem| problem.of_field("when")));
            // A wrong code makes a condition impossible, and is told already.
            if is_certain {
                found.extend(of_outlook(outlook(&condition)).map(|problem| problem.of_field("when")));
            }
            Some(condition)
        }
        Err(error) => {
            found.push(Problem::error(error.of_field("when")));
            None
        }
    };
    (condition, found)
}

fn of_outlook(outlook: Outlook) -> Option<Problem> {
    match outlook {
        Outlook::Never(Some(of)) => {
            let of = shown(&of);
            Some(Problem::error(RuleError::new(format!("the condition is never true: no value of {of} fits it"))))
        }
        Outlook::Never(None) => Some(Problem::error(RuleError::new("the condition is never true"))),
        Outlook::Always => {
            Some(Problem::warning(RuleError::new("the condition is always true, whatever the known values are")))
        }
        Outlook::Sometimes => None,
    }
}

/// A rule of a tier, as the later ones of the tier are compared with it.
struct Tiered<'a> {
    rule: &'a Rule,
    hits: Cases,
    misses: Cases,
    /// The names it reads; `None` where it can be unknown though they are known: it divides, say.
    names: Option<Vec<String>>,
}

impl<'a> Tiered<'a> {
    fn new(rule: &'a Rule, condition: Expression) -> Self {
        let mut names = Some(Vec::new());
        collect_names(&condition, &mut names);
        Self { rule, hits: Cases::of(&condition, true), misses: Cases::of(&condition, false), names }
    }

    /// Is this rule always true where the other one is?
    fn covers(&self, other: &Self) -> bool {
        let are_known = |names: &Vec<String>| names.iter().all(|name| other.hits.know(name));
        self.names.as_ref().is_some_and(are_known) && other.hits.exclude(&self.misses)
    }
}

fn collect_names(node: &Expression, names: &mut Option<Vec<String>>) {
    match node {
        Expression::Name(name) => names.iter_mut().for_each(|names| names.push(name.name.to_string())),
        Expression::Arithmetic { .. }
        | Expression::Call { function: Function::HoursBetween | Function::DaysBetween, .. } => *names = None,
        // A window is known or not by itself.
        Expression::Call { function, arguments } if function.figure().is_some() => {
            let past = Past::of_call(*function, arguments);
            names.iter_mut().for_each(|names| names.extend(past.map(Past::text)));
        }
        // It is true or false whatever is known.
        Expression::Call { function: Function::Known, .. } => {}
        _ => node.parts().into_iter().for_each(|part| collect_names(part, names)),
    }
}

fn in_tier(tier: &str, before: &[Tiered], tiered: &Tiered) -> Option<Problem> {
    let rule = tiered.rule;
    let covering =
        before.iter().rev().take(COMPARED).find(|earlier| earlier.rule.is_live_for_all() && earlier.covers(tiered));
    if let Some(earlier) = covering.filter(|_| rule.is_evaluated()) {
        let id = &earlier.rule.id;
        let message = format!("never hits: {id}, which comes first in tier {tier}, is true whenever it is");
        let error = RuleError::new(message).hint("put the strictest rule of a tier first");
        return Some(Problem::error(error.of_field("when")));
    }
    let last = before.last()?.rule;
    let message = format!("gives more points than {}, which comes first in tier {tier}", last.id);
    (last.points < rule.points).then(|| Problem::warning(RuleError::new(message).of_field("points")))
}

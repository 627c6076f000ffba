//! Conditions that no transaction can fulfil, and those that all do.
//!
//! Of each case of a condition it is asked whether values are left that pass its tests, so "never" and "always" are
//! certain; what is not certain is neither.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::rules::cases::{Case, EQUAL, GREATER, LESS, Test, cases};
use crate::rules::constraints::Left;
use crate::rules::enumerated::Enumerated;
use crate::rules::expressions::Expression;

/// Of conditions of more pairs of cases it is not judged whether one covers the other.
const MOST_PAIRS: usize = 64;

/// How often a condition is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// For no values. The number or text of which no value fits, where it is one.
    Never(Option<String>),
    Sometimes,
    /// For all values that are known.
    Always,
}

/// The cases in which a condition is true (`is_wanted`) or false, of known values; `None` where they are too many.
#[derive(Clone, Debug)]
pub struct Cases(Option<Vec<Case>>);

impl Cases {
    /// Of a condition.
    pub fn of(node: &Expression, is_wanted: bool) -> Self {
        Self(cases(node, is_wanted))
    }

    /// Is it certain that none of these can be together with one of the others?
    pub fn exclude(&self, others: &Self) -> bool {
        let (Some(cases), Some(others)) = (&self.0, &others.0) else { return false };
        if cases.len() * others.len() > MOST_PAIRS {
            return false;
        }
        cases.iter().all(|case| others.iter().all(|other| impossible(case.iter().chain(other)).is_some()))
    }

    /// Does every case test this name, so that it is known in each?
    pub fn know(&self, name: &str) -> bool {
        let is_of = |test: &Rc<Test>| test.names().any(|known| known == name);
        self.0.as_ref().is_some_and(|cases| cases.iter().all(|case| case.iter().any(is_of)))
    }
}

/// How often a condition is true.
pub fn outlook(condition: &Expression) -> Outlook {
    if let Some(found) = cases(condition, true) {
        let causes: Option<Vec<String>> = found.iter().map(|case| impossible(case.iter())).collect();
        if let Some(causes) = causes {
            let cause = causes.first().filter(|first| causes.iter().all(|cause| cause == *first));
            return Outlook::Never(cause.cloned());
        }
    }
    match cases(condition, false) {
        Some(found) if found.iter().all(|case| impossible(case.iter()).is_some()) => Outlook::Always,
        _ => Outlook::Sometimes,
    }
}

/// What makes tests contradict each other: the number or text of which no value passes them. `None` where one may.
fn impossible<'a>(tests: impl Iterator<Item = &'a Rc<Test>>) -> Option<String> {
    let mut numbers: BTreeMap<&str, Left<f64>> = BTreeMap::new();
    let mut texts: BTreeMap<&str, Left<String>> = BTreeMap::new();
    let mut pairs: BTreeMap<(&str, &str), u8> = BTreeMap::new();
    let mut conditions: BTreeMap<&str, bool> = BTreeMap::new();
    let (mut known, mut unknown): (BTreeSet<&str>, BTreeSet<&str>) = Default::default();
    let mut opposed = None;
    for test in tests {
        known.extend(test.known().map(|tested| tested.text.as_str()).chain(test.names()));
        match &**test {
            Test::Number { of, domain, operator, value } => {
                numbers.entry(&of.text).or_insert_with(|| Left::of_domain(*domain)).compare(*operator, value);
            }
            Test::NumberIn { of, domain, choices, is_wanted } => {
                let left = numbers.entry(&of.text).or_insert_with(|| Left::of_domain(*domain));
                if *is_wanted { left.one_of(choices) } else { left.none_of(choices) }
            }
            Test::Text { of, operator, value } => text_left(&mut texts, &of.text).compare(*operator, value),
            Test::TextIn { of, choices, is_wanted } => {
                let left = text_left(&mut texts, &of.text);
                if *is_wanted { left.one_of(choices) } else { left.none_of(choices) }
            }
            Test::Order { left, right, orders } => {
                *pairs.entry((&left.text, &right.text)).or_insert(LESS | EQUAL | GREATER) &= orders;
            }
            Test::Holds { of, is_wanted } => {
                if *conditions.entry(&of.text).or_insert(*is_wanted) != *is_wanted {
                    opposed = Some(of.text.clone());
                }
            }
            Test::Known { of, is_wanted } => {
                if !is_wanted {
                    unknown.insert(&of.text);
                }
            }
        }
    }
    let number = numbers.iter().find(|(_, left)| !left.is_possible()).map(|(of, _)| of.to_string());
    let text = || texts.iter().find(|(_, left)| !left.is_possible()).map(|(of, _)| of.to_string());
    let pair = || pairs.iter().find(|(_, orders)| **orders == 0).map(|((left, _), _)| left.to_string());
    let absent = || known.intersection(&unknown).next().map(|of| of.to_string());
    number.or_else(text).or_else(pair).or(opposed).or_else(absent)
}

fn text_left<'a, 'b>(texts: &'b mut BTreeMap<&'a str, Left<String>>, of: &'a str) -> &'b mut Left<String> {
    texts.entry(of).or_insert_with(|| Left::of_codes(Enumerated::of_name(of).and_then(Enumerated::all_codes)))
}

//! The language as a whole: what conditions mean, and that any text ends in a condition or an error.

use std::sync::Arc;

use proptest::prelude::*;

use crate::events::Transaction;
use crate::rules::condition::{Condition, Truth};
use crate::rules::errors::RuleError;
use crate::rules::facts::Facts;
use crate::rules::language::parse_condition;
use crate::rules::named_lists::{ListType, Lists, NamedList};
use crate::rules::names::Vocabulary;
use crate::rules::number::Row;
use crate::rules::population::POPULATION_NAMES;
use crate::rules::reason_text::ReasonText;
use crate::rules::rule_set::{Rule, RuleSet, RuleState, WHOLE_ROLLOUT};
use crate::rules::rulebook::{EVERY_SHARE, RuleResult, Rulebook};

const FEATURES: [&str; 3] = ["amount", "average", "is_new"];
const NAN: f64 = f64::NAN;

fn event() -> Transaction<'static> {
    let mut event = Transaction::new("T1".into(), "U1".into(), 1_767_225_600_000, 10.5);
    event.city = Some("Berlin".into());
    event.otp_used = Some(false);
    event
}

fn lists() -> Lists {
    let entry = |value: &str, expires_at| (value.to_owned(), expires_at);
    let list = |name, kind, entries| Arc::new(NamedList::new(name, kind, 1, entries));
    Lists::new(vec![
        list("risky", ListType::Country, vec![entry("Germany", None)]),
        list("capitals", ListType::City, vec![entry("Berlin", None), entry("Paris", Some(0))]),
        list("expired", ListType::City, vec![entry("Berlin", Some(1_767_225_600_000))]),
        list("words", ListType::Text, vec![entry("berlin", Some(1_767_225_600_001))]),
    ])
}

fn truth(text: &str) -> Result<Truth, RuleError> {
    let vocabulary = Vocabulary::new(FEATURES)?.with_lists(lists());
    let condition = Condition::of(&parse_condition(text, &vocabulary)?);
    let (features, population) = ([150.0, NAN, 1.0], [NAN; POPULATION_NAMES.len()]);
    let row = Row { features: &features, transaction: &event(), population: &population, facts: &Facts::UNKNOWN };
    condition.map(|condition| condition.truth(&row)).ok_or_else(|| RuleError::new("no condition"))
}

#[test]
fn conditions_mean_what_they_say() {
    let meanings = [
        ("amount > 100", Some(true)),
        ("100 < amount <= 150", Some(true)),
        ("100 < amount < 150", Some(false)),
        ("amount % 100 == 50 and amount / 100 == 1.5", Some(true)),
        ("average > 1", None),
        ("average != 1", None),
        ("not average == 1", None),
        ("average > 1 or is_new", Some(true)),
        ("average > 1 and not is_new", Some(false)),
        ("average in [1, 2]", None),
        ("amount / 0 > 1", None),
        ("amount not in [1, -2]", Some(true)),
        ("city == 'Berlin'", Some(true)),
        ("city < 'Bern' and city >= 'Berl'", Some(true)),
        ("city in ['Bern', \"Berlin\"]", Some(true)),
        ("country != 'DE'", None),
        ("country not in ['DE']", None),
        ("country == country", None),
        ("otp_used == false", Some(true)),
        ("otp_used", Some(false)),
        ("-amount * 2 + 300 == 0", Some(true)),
        ("original_amount == 10.5 and timestamp > 1e12", Some(true)),
        ("kind == 'purchase'", Some(true)),
        ("auth_result == 'declined'", None),
        ("true", Some(true)),
        ("city in @capitals", Some(true)),
        ("city not in @capitals", Some(false)),
        ("city in @expired", Some(false)),
        ("lower(city) in @words and city not in @words", Some(true)),
        ("country in @risky", None),
        ("country not in @risky", None),
        ("coalesce(country, 'germany') in @risky", Some(true)),
        ("known(country in @risky)", Some(false)),
        ("abs(-amount) == 150 and abs(average) > 0", None),
        ("min(amount, 100, 120) == 100 and max(amount, 100) == 150", Some(true)),
        ("max(amount, average) > 100", None),
        ("round(amount / 100) == 2 and round(amount / 70, 2) == 2.14", Some(true)),
        ("lower(city) == 'berlin' and startswith(city, 'Ber')", Some(true)),
        ("startswith(lower(country), 'd')", None),
        ("known(average)", Some(false)),
        ("not known(average) and known(amount) and known(city) and not known(country)", Some(true)),
        ("known(average > 5) or known(not otp_used)", Some(true)),
        ("coalesce(average, 7) == 7 and coalesce(country, city) in ['Berlin']", Some(true)),
        ("coalesce(average, amount / 0) > 1", None),
        ("coalesce(auth_result, 'none') == 'none' and coalesce(channel, 'ATM') == 'atm'", Some(true)),
        ("hours_between('2026-01-01T12:00:00Z', timestamp) == -12", Some(true)),
        ("days_between('2025-12-31', timestamp) == 1", Some(true)),
        ("hours_between(statistics_as_of_ms, timestamp) > 1", None),
    ];
    for (text, meaning) in meanings {
        assert_eq!(truth(text), Ok(meaning), "{text}");
    }
}

#[test]
fn faults_are_told_with_their_column() {
    let faults = [
        ("amonut > 1", "unknown name 'amonut' at column 1 (did you mean 'amount'?)"),
        ("amount = 1", "unexpected character '=' at column 8 (compare with ==)"),
        ("amount > 1 and", "expected a name, number or text, but the condition ends at column 15"),
        ("amount > 1e400", "'1e400' is too large for a number at column 10"),
        ("amount > 1.2.3", "'1.2.' is not a number at column 10 (write it like 1000.5)"),
        ("city == 5", "a text is compared with a number at column 6 (city is a text: write \"5\")"),
        ("city == 'a\\'", "'\\\\' is not allowed in a quoted text at column 11"),
        ("(((amount > 1", "expected ')', but the condition ends at column 14"),
        ("amount in [1, 'x']", "'x' is compared with a number at column 15 (write it without quotes)"),
        ("otp_used < 1", "true and false have no order: < at column 10 (use == or !=)"),
        ("(amount > 1) > 1", "a condition cannot be compared with > at column 14 (combine with and, or, not)"),
        ("1 < amount in [1]", "'in' cannot be part of a chained comparison at column 12"),
        ("city", "a text is not a condition at column 1 (compare it with == or in [...])"),
        ("\u{ff41}mount > 1", "unexpected character 'ａ' at column 1"),
        ("is_new and asb(amount) > 1", "unknown function 'asb' at column 12 (did you mean 'abs'?)"),
        ("country in @riskyy", "unknown list '@riskyy' at column 12 (did you mean '@risky'?)"),
        ("country in @zzz", "unknown list '@zzz' at column 12 (give or publish the list first)"),
        (
            "city in @risky",
            "@risky is a list of type country, for country or merchant_country at column 1 (a list of type text is for any text)",
        ),
        ("amount in @words", "@words is a list of texts, which a number is not in at column 1"),
        ("city == @words", "expected a name, number or text, not '@words' at column 9"),
        ("amount @ 5", "unexpected character '@' at column 8 (a list is written @name)"),
        ("abs > 1", "unknown name 'abs' at column 1 (it is a function: abs(number))"),
        ("abs(city) > 1", "abs needs a number, not a text at column 5 (abs(number))"),
        ("abs(1, 2) > 1", "abs takes 1 argument, not 2 at column 1 (abs(number))"),
        ("min(1) > 1", "min takes 2 to 8 arguments, not 1 at column 1 (min(number, number, …))"),
        ("round(1, 9) > 1", "round takes 0 to 6 places, written as a number at column 10"),
        ("coalesce(city, 1) > 1", "coalesce takes values of one type: a number after a text at column 16"),
        (
            "days_between(timestamp, 'x') > 1",
            "'x' is not a time at column 25 (write 2026-03-01 (UTC) or 2026-03-01T18:30:00+01:00)",
        ),
        ("abs(amount > 1", "expected ',' or ')', but the condition ends at column 15"),
    ];
    for (text, fault) in faults {
        assert_eq!(truth(text).map_err(|error| error.to_string()), Err(fault.into()), "{text}");
    }
}

#[test]
fn length_and_depth_are_limited() {
    assert!(truth(&("(".repeat(30) + "amount > 1" + &")".repeat(30))).is_ok());
    assert!(truth(&("(".repeat(31) + "amount > 1" + &")".repeat(31))).is_err());
    for text in ["(".repeat(999), "-".repeat(1000), "not ".repeat(250), "[".repeat(1000), "a".repeat(100_000)] {
        assert!(truth(&text).is_err());
    }
    assert!(truth(&("amount".to_owned() + &"+amount".repeat(140) + " > 1")).is_err());
}

fn rule(id: &str, when: &str, points: i64, tier: Option<&str>) -> Rule {
    let (id, when, reason) = (id.into(), when.into(), "{amount:,.2f} in {city}, {average}".into());
    Rule {
        id,
        points,
        when,
        reason,
        tier: tier.map(Into::into),
        action: None,
        enabled: true,
        flag: None,
        of_changes: false,
        state: RuleState::Live,
        rollout: WHOLE_ROLLOUT,
        is_guarded: false,
    }
}

fn rule_set(rules: Vec<Rule>) -> RuleSet {
    RuleSet { name: "own".into(), description: String::new(), version: 1, scale: vec![(0, 0), (10, 100)], rules }
}

#[test]
fn of_one_tier_only_the_first_rule_that_is_true_counts() -> Result<(), RuleError> {
    let mut rules = vec![
        rule("unknown", "average > 1", 1, Some("size")),
        rule("large", "amount > 100", 4, Some("size")),
        rule("medium", "amount > 50", 2, Some("size")),
        rule("new", "is_new", 3, None),
        rule("off", "true", 100, None),
    ];
    rules[4].enabled = false;
    let rulebook = Rulebook::new(rule_set(rules), FEATURES, Lists::default())?;
    let (features, population) = ([1150.0, NAN, 1.0], [NAN; POPULATION_NAMES.len()]);
    let row = Row { features: &features, transaction: &event(), population: &population, facts: &Facts::UNKNOWN };
    let mut result = RuleResult::default();
    rulebook.evaluate(&row, EVERY_SHARE, &mut result);
    assert_eq!(result, RuleResult { points: 7, score: 70, hits: vec![1, 3] });
    assert_eq!(rulebook.reason(1, &row), "1,150.00 in Berlin, unknown");
    Ok(())
}

#[test]
fn as_many_tiers_as_rules_are_told_apart() -> Result<(), RuleError> {
    let rules = (0..500).map(|number| rule(&format!("r{number}"), "true", 1, Some(&format!("t{number}")))).collect();
    let rulebook = Rulebook::new(rule_set(rules), FEATURES, Lists::default())?;
    let (features, population) = ([NAN; 3], [NAN; POPULATION_NAMES.len()]);
    let mut result = RuleResult::default();
    let row = Row { features: &features, transaction: &event(), population: &population, facts: &Facts::UNKNOWN };
    rulebook.evaluate(&row, EVERY_SHARE, &mut result);
    assert_eq!(result.hits.len(), 500);
    Ok(())
}

const PIECES: [&str; 42] = [
    "amount",
    "city",
    "otp_used",
    "is_new",
    "true",
    "1",
    "1e9",
    "0.5",
    "'a'",
    "\"b\"",
    "(",
    ")",
    "[",
    "]",
    ",",
    "<",
    "<=",
    ">",
    "==",
    "!=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "and",
    "or",
    "not",
    "in",
    " ",
    "\n",
    ".",
    "**",
    "é",
    "\0",
    ":=",
    "abs(",
    "max(",
    "round(",
    "known(",
    "coalesce(",
    "startswith(",
];

proptest! {
    #[test]
    fn any_text_is_a_condition_or_an_error_at_a_column(text in ".{0,60}") {
        if let Err(error) = truth(&text) {
            prop_assert!(error.position.is_some_and(|position| (1..=text.chars().count() + 1).contains(&position)));
        }
    }

    #[test]
    fn any_words_are_a_condition_or_an_error(words in prop::collection::vec(prop::sample::select(&PIECES), 0..25)) {
        let _ = truth(&words.join(" "));
        let _ = truth(&words.concat());
    }

    #[test]
    fn any_text_is_a_reason_or_an_error(text in "[{}:.,1f!r a-z\\[\\]]{0,30}") {
        let vocabulary = Vocabulary::new(FEATURES).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let _ = ReasonText::new(&text, &vocabulary);
    }
}

//! Blocks against single transactions: the same rules over the same values.

use std::sync::Arc;

use proptest::prelude::*;

use crate::events::Transaction;
use crate::rules::columns::block::{BLOCK, Columns, NumberColumn, TextColumn};
use crate::rules::columns::rules::ColumnRules;
use crate::rules::facts::Facts;
use crate::rules::named_lists::{ListType, Lists, NamedList};
use crate::rules::number::Row;
use crate::rules::rule_set::{Rule, RuleSet, RuleState, WHOLE_ROLLOUT};
use crate::rules::rulebook::{RuleResult, Rulebook};

const FEATURES: [&str; 3] = ["amount", "ratio", "is_new"];
const CONDITIONS: [&str; 20] = [
    "amount > 100",
    "100 <= amount < 1000 and not is_new",
    "ratio in [0, 0.5, -1] or is_new",
    "amount / ratio % 7 == 2",
    "city == \"Oslo\"",
    "\"A\" <= city < email_domain != \"x\"",
    "city not in [\"Oslo\", \"Rome\"]",
    "not (ratio != 0) or city in [\"Rome\"]",
    "otp_used",
    "otp_used == false and -amount < ratio * 2 - 1",
    "true",
    "false or (ratio and is_new)",
    "abs(ratio) >= 1 or round(ratio * 10, 1) == 5",
    "min(amount, ratio, 3) < max(ratio, 1)",
    "coalesce(ratio, amount, -1) == -1",
    "hours_between(timestamp, \"1970-01-01T03:00:00Z\") > 2.5",
    "known(ratio) and not known(city)",
    "known(otp_used and city == \"A\")",
    "startswith(lower(city), \"o\") or startswith(email_domain, city)",
    "city in @towns and lower(coalesce(city, \"ROME\")) != \"rome\"",
];

impl NumberColumn for Vec<f64> {
    fn read(&self, start: usize, into: &mut [f64]) {
        into.copy_from_slice(&self[start..start + into.len()]);
    }
}

impl TextColumn for Vec<Option<String>> {
    fn text(&self, row: usize) -> Option<&str> {
        self[row].as_deref()
    }
}

fn rule_set(chosen: &[usize]) -> RuleSet {
    let rules = chosen.iter().enumerate().map(|(number, chosen)| Rule {
        id: format!("r{number}"),
        points: 1 << (number % 8),
        when: CONDITIONS[*chosen].into(),
        reason: "made".into(),
        tier: if number % 3 == 0 { None } else { Some(format!("t{}", number % 3)) },
        action: None,
        enabled: number % 7 != 6,
        flag: None,
        of_changes: false,
        state: if number % 11 == 10 { RuleState::Shadow } else { RuleState::Live },
        rollout: if number % 11 == 4 && number < 60 { 35 } else { WHOLE_ROLLOUT },
        is_guarded: false,
    });
    RuleSet {
        name: "made".into(),
        description: String::new(),
        version: 1,
        scale: vec![(0, 0), (10, 1000)],
        rules: rules.collect(),
    }
}

/// Oslo counts until the event time of 1,000,000.
fn lists() -> Lists {
    let entries = [("Oslo".to_owned(), Some(1_000_000)), ("Rome".to_owned(), None)];
    Lists::new(vec![Arc::new(NamedList::new("towns", ListType::City, 1, entries))])
}

type Made = ([f64; 3], Option<String>, Option<String>, Option<bool>);

fn time_ms(row: usize) -> i64 {
    row as i64 * 200_000
}

fn user_id(row: usize) -> String {
    format!("u{}", row % 17)
}

fn moment() -> impl Strategy<Value = Made> {
    let number = || prop::sample::select(vec![f64::NAN, 0.0, -0.0, 0.5, -1.0, 2.0, 100.0, 999.0, f64::INFINITY]);
    let text = || prop::sample::select(vec![None, Some("A"), Some("Oslo"), Some("Rome"), Some("x")]);
    (
        [number(), number(), number()],
        text().prop_map(|text| text.map(str::to_owned)),
        text().prop_map(|text| text.map(str::to_owned)),
        prop::option::of(any::<bool>()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_hit_as_single_transactions_do(
        chosen in prop::collection::vec(0..CONDITIONS.len(), 0..70),
        moments in prop::collection::vec(moment(), 1..40),
        repeats in prop::sample::select(vec![1, BLOCK / 8]),
    ) {
        let rule_set = rule_set(&chosen);
        let rules = ColumnRules::new(&rule_set, FEATURES, lists()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let rulebook = Rulebook::new(rule_set, FEATURES, lists()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let moments: Vec<&Made> = moments.iter().cycle().take(moments.len() * repeats).collect();
        let numbers: Vec<Vec<f64>> = rules.names.numbers.iter().map(|name| {
            let value = |moment: &&Made| match FEATURES.iter().position(|feature| *feature == &**name) {
                Some(place) => moment.0[place],
                None => moment.3.map_or(f64::NAN, f64::from),
            };
            if &**name == "timestamp" {
                return (0..moments.len()).map(|number| time_ms(number) as f64).collect();
            }
            moments.iter().map(value).collect()
        }).collect();
        let texts: Vec<Vec<Option<String>>> = rules.names.texts.iter().map(|name| {
            if &**name == "user_id" {
                return (0..moments.len()).map(|number| Some(user_id(number))).collect();
            }
            let is_city = &**name == "city";
            moments.iter().map(|moment| if is_city { moment.1.clone() } else { moment.2.clone() }).collect()
        }).collect();
        let columns = Columns {
            rows: moments.len(),
            numbers: numbers.iter().map(|column| column as &dyn NumberColumn).collect(),
            texts: texts.iter().map(|column| column as &dyn TextColumn).collect(),
        };
        let hits = rules.evaluate(&columns);
        prop_assert_eq!(hits.starts.len(), moments.len() + 1);
        let mut result = RuleResult::default();
        for (number, moment) in moments.iter().enumerate() {
            let mut transaction = Transaction::new("t".into(), user_id(number).into(), time_ms(number), 1.0);
            transaction.city = moment.1.clone().map(Into::into);
            transaction.email_domain = moment.2.clone().map(Into::into);
            transaction.otp_used = moment.3;
            let row = Row {
                features: &moment.0,
                transaction: &transaction,
                population: &[f64::NAN; 5],
                facts: &Facts::UNKNOWN,
            };
            let shares = rulebook.shares(&user_id(number));
            rulebook.evaluate(&row, shares, &mut result);
            prop_assert_eq!(hits.shares[number], shares);
            let found = &hits.places[hits.starts[number] as usize..hits.starts[number + 1] as usize];
            prop_assert_eq!(found, &result.hits[..]);
            prop_assert_eq!(hits.points[number], result.points);
        }
    }
}

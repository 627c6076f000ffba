//! What is told of rule sets: conditions that are never or always true, codes that do not exist, rules of a tier.

use crate::rules::check::problems;
use crate::rules::named_lists::Lists;
use crate::rules::rule_set::{Rule, RuleSet, RuleState, WHOLE_ROLLOUT};

const FEATURES: [&str; 6] = ["amount", "average", "is_new_device", "hour_local", "txn_count_1h", "weekday"];

fn rule(id: &str, points: i64, when: &str, tier: Option<&str>) -> Rule {
    Rule {
        id: id.into(),
        points,
        when: when.into(),
        reason: "why".into(),
        tier: tier.map(str::to_owned),
        action: None,
        enabled: true,
        flag: None,
        of_changes: false,
        state: RuleState::Live,
        rollout: WHOLE_ROLLOUT,
        is_guarded: false,
    }
}

fn told(rules: Vec<Rule>) -> Vec<String> {
    let rule_set =
        RuleSet { name: "own".into(), description: String::new(), version: 1, scale: vec![(0, 0), (10, 100)], rules };
    let found = problems(&rule_set, FEATURES, Lists::default());
    found.iter().map(|problem| format!("{}: {}", problem.severity.name(), problem.error)).collect()
}

fn told_of(when: &str) -> Vec<String> {
    told(vec![rule("r", 1, when, None)])
}

#[test]
fn conditions_that_are_never_true_are_errors() {
    for (when, of) in [
        ("amount > 5 and amount < 3", "'amount'"),
        ("amount > 5 and amount <= 5", "'amount'"),
        ("amount < 0", "'amount'"),
        ("amount + 1 <= 0", "'(amount + 1)'"),
        ("amount % 100 > 100", "'(amount % 100)'"),
        ("amount == 5 and amount not in [5, 6]", "'amount'"),
        ("amount in [1, 2] and amount in [3]", "'amount'"),
        ("average > 5 and not average > 3", "'average'"),
        ("is_new_device > 1", "'is_new_device'"),
        ("is_new_device != true and is_new_device != false", "'is_new_device'"),
        ("hour_local >= 24", "'hour_local'"),
        ("5 < hour_local < 6", "'hour_local'"),
        ("weekday in [7, 8]", "'weekday'"),
        ("kind == 'refund' and kind == 'reversal'", "'kind'"),
        ("kind not in ['purchase', 'refund', 'reversal']", "'kind'"),
        ("city == 'Goa' and city == 'Pune'", "'city'"),
        ("city < 'A' and city > 'B'", "'city'"),
        ("amount > average and amount < average", "'amount'"),
        ("amount != amount", "'amount'"),
        ("otp_used == true and not otp_used", "'otp_used'"),
        ("(amount < 0 or amount > 1 and amount < 1) and city == 'Pune'", "'amount'"),
        ("latitude > 90", "'latitude'"),
        ("city_fraud_rate > 1", "'city_fraud_rate'"),
        ("abs(average) < 0", "'abs(average)'"),
        ("max(hour_local, 5) < 5", "'max(hour_local, 5)'"),
        ("min(hour_local, 5) > 5", "'min(hour_local, 5)'"),
        ("round(average) == 2.5", "'round(average)'"),
        ("coalesce(hour_local, 30) > 30", "'coalesce(hour_local, 30)'"),
        ("lower(city) in ['Goa', 'PUNE']", "'lower(city)'"),
        ("startswith(city, 'G') and not startswith(city, 'G')", "\"startswith(city, 'G')\""),
        ("known(average) and not known(average)", "'average'"),
        ("not known(average) and abs(average) > 1", "'average'"),
    ] {
        let expected = format!("error: rule r: the condition is never true: no value of {of} fits it");
        assert_eq!(told_of(when), [expected], "{when}");
    }
    for when in [
        "false",
        "1 > 2",
        "amount / 0 > 1",
        "not amount / 0 > 1",
        "'a' == 'b'",
        "amount < 0 or weekday > 6",
        "lower(city) == 'Goa'",
        "known(amount / 0)",
        "abs(amount / 0) > 1",
        "min(1, 2) > 1",
        "round(2.5, 1) != 2.5",
        "coalesce(1 / 0, 2, amount) != 2",
    ] {
        assert_eq!(told_of(when), ["error: rule r: the condition is never true"], "{when}");
    }
}

#[test]
fn conditions_that_are_always_true_are_warned_of() {
    for when in [
        "true",
        "amount >= 0",
        "amount > 5 or amount <= 5",
        "not amount < 0",
        "hour_local <= 23",
        "kind in ['purchase', 'refund', 'reversal']",
        "kind == 'purchase' or kind != 'purchase'",
        "amount == amount",
        "1 < 2",
        "is_new_device in [0, 1]",
        "abs(average) >= 0",
        "round(hour_local, 2) <= 23",
        "known(5)",
        "lower(city) != 'Goa'",
        "coalesce(2, amount) == 2",
        "startswith(city, 'G') or not startswith(city, 'G')",
        "known(average) or not known(average)",
    ] {
        let expected = ["warning: rule r: the condition is always true, whatever the known values are"];
        assert_eq!(told_of(when), expected, "{when}");
    }
}

#[test]
fn conditions_that_are_sometimes_true_are_not_told() {
    let many = (0..25).map(|n| format!("(amount > {n} or average < {n})")).collect::<Vec<_>>().join(" and ");
    for when in [
        "amount > 5 and amount < 6",
        "5 <= amount <= 5",
        "amount % 100 == 0 and amount >= 1000",
        "txn_count_1h > 4",
        "hour_local < 6 or hour_local >= 23",
        "amount > average",
        "amount / average > 2",
        "is_new_device",
        "not otp_used",
        "city > 'A' and city < 'B'",
        "city != country",
        "average < 0",
        "known(average)",
        "not known(average) and not known(city)",
        "coalesce(average, 5) > 3 and not known(average)",
        "lower(city) == 'goa'",
        "startswith(city, 'G') and startswith(city, 'Go')",
        "hours_between(statistics_as_of_ms, timestamp) < 0",
        "not known(average > 1) and known(average)",
        "round(average) >= 1e308 * 10",
        &many,
    ] {
        assert!(told_of(when).is_empty(), "{when}: {:?}", told_of(when));
    }
}

#[test]
fn codes_are_compared_without_regard_to_case_and_unknown_ones_are_told() {
    for when in
        ["kind == 'REFUND'", "'Refund' != kind", "auth_result in ['Declined']", "channel == 'ATM'", "country == 'USA'"]
    {
        assert!(told_of(when).is_empty(), "{when}");
    }
    for (when, expected) in [
        ("kind == 'chargeback'", "'chargeback' is not a known kind at column 9 (known are purchase, refund, reversal)"),
        ("'reveral' == kind", "'reveral' is not a known kind at column 1 (did you mean 'reversal'?)"),
        ("kind in ['refund', 'purchse']", "'purchse' is not a known kind at column 20 (did you mean 'purchase'?)"),
        ("auth_result != 'declned'", "'declned' is not a known auth_result at column 16 (did you mean 'declined'?)"),
    ] {
        assert_eq!(told_of(when), [format!("error: rule r: {expected}")], "{when}");
    }
    let country = "warning: rule r: 'Narnia' is not a known country at column 13 \
                   (countries are told by their code of two letters, such as US)";
    assert_eq!(told_of("country in ['Narnia', 'in']"), [country]);
    assert_eq!(
        told_of("country == 'US' and country == 'Germany'"),
        ["error: rule r: the condition is never true: no value of 'country' fits it"]
    );
    assert!(told_of("country == 'US' and merchant_country == 'united states'").is_empty());
    let expected = "warning: rule r: 'ecomerce' is not a known channel at column 12 (did you mean 'ecommerce'?)";
    assert_eq!(told_of("channel == 'ecomerce'"), [expected]);
}

#[test]
fn texts_are_compared_in_the_form_of_events() {
    for when in [
        "currency == 'usd'",
        "currency in [' Eur ', 'USD']",
        "email_domain == 'Gmail.com'",
        "email_domain == 'bob@gmail.com'",
        "city == ' Paris '",
        "lower(kind) == 'refund'",
        "lower(country) == 'usa'",
        "country == 'NA'",
        "user_id == 'U1'",
        "coalesce(city, '') == ''",
        "coalesce(city, country) == 'USA'",
        "startswith(country, 'U')",
        "startswith(currency, 'US')",
        "startswith(email_domain, 'mail.')",
        "startswith(kind, 're')",
        "startswith(channel, 'mob')",
        "startswith(user_id, 'TEST-')",
        "startswith(lower(city), 'new ')",
        "timestamp > 1767225600000",
        "timestamp / 1000 > 1767225600",
        "timestamp % 86400000 < 3600000",
    ] {
        assert!(told_of(when).is_empty(), "{when}: {:?}", told_of(when));
    }
    assert_eq!(told_of("currency == 'usd' and currency == 'USD'"), Vec::<String>::new());
    assert_eq!(told_of("currency == 'usd' and currency == 'eur'").len(), 1);
}

#[test]
fn texts_and_times_that_no_event_has_are_told() {
    let currency = "(currencies are told by their code of three letters, such as EUR)";
    let ids = "(ids have 1 to 64 printable ASCII characters without spaces, and all their digits)";
    let country = "(countries are told by their code of two letters, such as US)";
    let missing = "stands for a missing value, which city never is";
    let known = "(known(city) tells whether there is a value)";
    for (when, expected) in [
        ("currency == 'EURO'", format!("error: rule r: 'EURO' is not a known currency at column 13 {currency}")),
        ("city == ''", format!("error: rule r: '' {missing} at column 9 {known}")),
        ("city == 'N/A'", format!("error: rule r: 'N/A' {missing} at column 9 {known}")),
        ("city in ['Goa', '-']", format!("error: rule r: '-' {missing} at column 17 {known}")),
        ("city != ''", format!("warning: rule r: '' {missing} at column 9 {known}")),
        ("user_id == 'a b'", format!("error: rule r: 'a b' is not a known user_id at column 12 {ids}")),
        ("card_id == '3.57303E+15'", format!("error: rule r: '3.57303E+15' is not a known card_id at column 12 {ids}")),
        (
            "lower(kind) == 'chargeback'",
            "error: rule r: 'chargeback' is not a known kind at column 16 (known are purchase, refund, reversal)"
                .into(),
        ),
        (
            "startswith(country, 'USA')",
            format!("error: rule r: no known country begins with 'USA' at column 21 {country}"),
        ),
        ("startswith(country, 'u')", format!("error: rule r: no known country begins with 'u' at column 21 {country}")),
        ("startswith(country, 'NARN')", "warning: rule r: no known country begins with 'NARN' at column 21".into()),
        (
            "startswith(kind, 'charge')",
            "error: rule r: no known kind begins with 'charge' at column 18 (known are purchase, refund, reversal)"
                .into(),
        ),
        (
            "startswith(currency, 'us')",
            format!("error: rule r: no known currency begins with 'us' at column 22 {currency}"),
        ),
        (
            "startswith(email_domain, 'Mail.')",
            "error: rule r: no known email_domain begins with 'Mail.' at column 26 \
             (domains are in small letters, without what stands before an @)"
                .into(),
        ),
        ("startswith(lower(city), 'New')", "error: rule r: the condition is never true".into()),
        (
            "timestamp > 1767225600",
            "error: rule r: 1767225600 is no time of today: timestamp is in epoch milliseconds at column 13 \
             (epoch seconds times 1000)"
                .into(),
        ),
        (
            "20260101 <= timestamp",
            "error: rule r: 20260101 is no time of today: timestamp is in epoch milliseconds at column 1 \
             (epoch seconds times 1000)"
                .into(),
        ),
        (
            "timestamp > 1767225600000000",
            "error: rule r: the condition is never true: no value of 'timestamp' fits it".into(),
        ),
    ] {
        assert_eq!(told_of(when), [expected], "{when}");
    }
}

#[test]
fn a_rule_behind_a_wider_one_of_its_tier_never_hits() {
    let covered = told(vec![
        rule("wide", 5, "amount > 50", Some("size")),
        rule("narrow", 25, "amount > 100 and is_new_device", Some("size")),
    ]);
    assert_eq!(
        covered,
        ["error: rule narrow: never hits: wide, which comes first in tier size, is true whenever it is \
             (put the strictest rule of a tier first)"]
    );
    // What the first rule reads may be unknown where the second one is true.
    let other_names = told(vec![
        rule("wide", 25, "amount > 50 or average > 5", Some("size")),
        rule("narrow", 5, "amount > 100", Some("size")),
    ]);
    assert!(other_names.is_empty(), "{other_names:?}");
    // Of a value with a default it is not certain that it is known.
    let by_default = told(vec![
        rule("wide", 25, "amount > 10 and (average > 3 or average <= 3)", Some("size")),
        rule("narrow", 5, "coalesce(average, 5) > 3 and amount > 10", Some("size")),
    ]);
    assert!(by_default.is_empty(), "{by_default:?}");
    let known = told(vec![
        rule("wide", 25, "known(average) and abs(average) > 3", Some("size")),
        rule("narrow", 5, "abs(average) > 5", Some("size")),
    ]);
    assert_eq!(known.len(), 1, "{known:?}");
    let points = told(vec![
        rule("one", 5, "amount > 50", Some("size")),
        rule("two", 25, "amount < 20", Some("size")),
        rule("three", 30, "amount < 20", None),
    ]);
    assert_eq!(points, ["warning: rule two: gives more points than one, which comes first in tier size"]);
}

#[test]
fn all_problems_are_told() {
    let mut bad = rule("bad", 5000, "amonut > 5", None);
    bad.reason = "{x".into();
    let found = told(vec![bad.clone(), rule("a b", 1, "amount >", None), bad]);
    assert_eq!(found.len(), 9, "{found:#?}");
    assert!(found.contains(&"error: rule bad: duplicate id".to_owned()));
    assert!(found.iter().any(|text| text.starts_with("error: rule 'a b': expected a name")));
}

#[test]
fn names_and_descriptions_are_short_lines_and_a_set_has_rules() {
    let long = RuleSet {
        name: "x".repeat(990_000),
        description: "a\u{1b}[31m".into(),
        version: 1,
        scale: vec![(0, 0), (10, 100)],
        rules: Vec::new(),
    };
    let found: Vec<String> =
        problems(&long, FEATURES, Lists::default()).iter().map(|problem| problem.error.to_string()).collect();
    assert_eq!(
        found,
        [
            "name has 990000 characters, at most 100 are allowed",
            "description must be one line of printable characters",
            "a set of rules needs at least one rule",
        ]
        .map(|text| text.replace("a set of rules", "a rule set"))
    );
}

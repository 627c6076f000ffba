//! The reasons of made-up alerts.

use crate::decision::reason::{Reason, ReasonSource};
use crate::events::Transaction;
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;
use crate::profiles::{BlockEntry, BlockType};
use crate::reasons::alert_reasons::alert_reasons;
use crate::reasons::catalogue::Catalogue;
use crate::reasons::inputs::{AlertInputs, RuleHit, ScoreParts};
use crate::reasons::rule_topics::RuleTopic;

fn catalogue() -> Catalogue {
    let feature =
        |name: &'static str, words: Words, signal: Signal| Feature::new(name, "unit", "formula", words, signal);
    let never = || Signal::never("amount");
    Catalogue::new(&[
        feature(
            "amount",
            Words::number(Form::Money, "amount {}").or_if_low("an amount of only {}"),
            Signal::amount("amount", 0.0, f64::INFINITY),
        ),
        feature(
            "amount_vs_user_avg",
            Words::number(Form::Times, "amount {} this user's mean"),
            Signal::multiple_of_own(2.0, 0),
        ),
        feature("amount_log", Words::number(Form::Number, "size of the amount {}"), never()),
        feature(
            "user_txn_count",
            Words::number(Form::Count, "only {} earlier payments of this user"),
            Signal::low("account_age", 3.0, 0.0),
        ),
        feature("user_avg_amount", Words::number(Form::Money, "this user's mean amount {}"), never()),
        feature("user_std_amount", Words::number(Form::Money, "this user's amounts vary by {}"), never()),
        feature("user_max_amount", Words::number(Form::Money, "this user's greatest amount {}"), never()),
        feature("ip_is_vpn", Words::flag("IP address of a VPN", "IP address of no VPN"), Signal::flag("ip_feed")),
        feature("user_age_years", Words::number(Form::Number, "user {} years old"), Signal::never("person")),
    ])
}

const FEATURES: [f64; 9] = [345.0, 8.4, 5.8, 48.0, 41.0, 20.0, 110.0, 1.0, 7.0];

fn transaction() -> Transaction<'static> {
    Transaction::new("T1".into(), "U1".into(), 1_767_233_520_000, 345.0)
}

fn inputs<'a>(catalogue: &'a Catalogue, transaction: &'a Transaction<'a>) -> AlertInputs<'a> {
    AlertInputs {
        transaction,
        features: &FEATURES,
        catalogue,
        probability: 0.8,
        parts: ScoreParts { model: 6.0, rules: 0.0, anomaly: 0.0 },
        contributions: &[],
        deviations: &[],
        hits: Vec::new(),
        flags: Vec::new(),
        blocked: &[],
        unusual: false,
        quantiles: &[],
        base_currency: "USD",
        base_rate: 0.01,
        clock: None,
        limit: 8,
    }
}

#[test]
fn an_amount_is_told_once_with_what_is_usual_and_its_companions_weight() {
    let (catalogue, transaction) = (catalogue(), transaction());
    let contributions = [(1, 2.0), (2, 1.0), (7, 1.0)];
    let (reasons, summary) =
        alert_reasons(&AlertInputs { contributions: &contributions, ..inputs(&catalogue, &transaction) });
    let amount = &reasons[0];
    assert_eq!((amount.text.as_str(), amount.weight), ("amount 8.4x this user's mean", 600.0));
    assert_eq!(amount.usual.as_deref(), Some("usually 17 to 79 USD (mean 41)"));
    assert_eq!((reasons[1].text.as_str(), reasons[1].weight), ("IP address of a VPN", 200.0));
    assert_eq!(summary, "Amount 8.4x this user's mean, IP address of a VPN.");
}

#[test]
fn a_rule_about_the_amount_and_the_model_are_one_reason() {
    let (catalogue, transaction) = (catalogue(), transaction());
    let topic = RuleTopic::new(["amount", "channel", "statistics_as_of_ms"], &catalogue);
    assert_eq!(topic.names.len(), 2);
    let text = "amount above 300".to_owned();
    let hits = vec![RuleHit { id: "large", text, share: 1.0, topic: &topic, forces: false }];
    let parts = ScoreParts { model: 1.0, rules: 3.0, anomaly: 0.0 };
    let (reasons, _) =
        alert_reasons(&AlertInputs { hits, parts, contributions: &[(1, 2.0)], ..inputs(&catalogue, &transaction) });
    let [reason] = reasons.as_slice() else { panic!("{reasons:?}") };
    assert_eq!((reason.source, reason.name.as_str()), (ReasonSource::Rule, "large"));
    assert_eq!((reason.text.as_str(), reason.weight), ("amount 8.4x this user's mean", 800.0));
}

#[test]
fn block_list_entries_come_first_and_flags_last() {
    let (catalogue, transaction) = (catalogue(), transaction());
    let reason_code = Some("stolen".into());
    let (kind, value) = (BlockType::Card, "C1".into());
    let blocked = [BlockEntry { kind, value, reason_code, source_system: None, expires_at: None }];
    let flags = vec![Reason::new(ReasonSource::Flag, "KYC", "KYC: the user is not verified", 0.0)];
    let (reasons, summary) =
        alert_reasons(&AlertInputs { blocked: &blocked, flags, ..inputs(&catalogue, &transaction) });
    let texts: Vec<&str> = reasons.iter().map(|reason| reason.text.as_str()).collect();
    assert_eq!(texts, ["card C1 is on the block list (stolen)", "KYC: the user is not verified"]);
    assert_eq!(summary, "Card C1 is on the block list (stolen).");
}

#[test]
fn there_is_always_a_reason() {
    let (catalogue, transaction) = (catalogue(), transaction());
    let unknown = [f64::NAN; 9];
    for contributions in [&[][..], &[(0, 1.0), (99, 1.0)], &[(2, f64::INFINITY)]] {
        let alert = AlertInputs { contributions, features: &unknown, ..inputs(&catalogue, &transaction) };
        let (reasons, summary) = alert_reasons(&alert);
        assert_eq!(reasons.len(), 1);
        assert_eq!(summary, "No single value stands out: together they resemble earlier frauds.");
    }
}

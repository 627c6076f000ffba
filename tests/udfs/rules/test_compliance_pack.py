"""The compliance pack raises the flags of the built-in conditions, in their words, and a bank's own rules replace them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.scoring.scorers import scorer_over
from udfs.records.outputs import Origin
from udfs.records.profiles import BlockEntry, IpFeed, UserProfile
from udfs.rules.pack_files import load_rule_set, rule_set_of, shipped_pack
from udfs.rules.rule_map import content_of
from udfs.scoring.decision_settings import DecisionSettings
from udfs.scoring.scorer import Scorer
from udfs.stores.port import Record

START, DAY = 1_767_225_600_000, 86_400_000
ORIGIN = Origin("events")
NOBODY = ("", "system", "unknown")

amounts = st.sampled_from([0.0, 12.3, 99_999.99, 100_000.0, 100_000.01, 100_000.004, 2_500_000.5])
times = st.integers(0, 4 * DAY).map(lambda offset: START + offset)
payments = st.builds(
    lambda amount, time, ip, merchant, far: {
        "amount": amount, "timestamp": time, "ip_address": ip, "merchant_id": merchant,
        "merchant_country": "NG" if far else None,
    },
    amounts, times, st.sampled_from([None, "10.0.0.1", "10.0.0.2", "10.0.0.9"]), st.sampled_from([None, "M1", "M2"]),
    st.booleans(),
)  # fmt: skip
changes = st.builds(
    lambda time, old, new, who: {
        "type": "account_change", "timestamp": time, "old_status": old, "new_status": new, "audit_user": who,
    },
    times, st.sampled_from([None, "active", "blocked"]), st.sampled_from([None, "verified", " Unverified", "closed"]),
    st.sampled_from([None, "", " SYSTEM\t", "unknown", "jane", "system2", "Unknown "]),
)  # fmt: skip
reasons = st.sampled_from([None, "", "FRAUD", "OFAC_SANCTION_LIST", "un sanctions"])
feeds = st.builds(
    lambda score, vpn: {"ip_risk_score": score, "vpn": vpn},
    st.sampled_from([None, 0.0, 80.0, 80.001, 92.5, 100.0]), st.sampled_from([None, True, False]),
)  # fmt: skip


def numbered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With ids; what is None is left out."""
    named = []
    for number, event in enumerate(events):
        name = "event_id" if event.get("type") else "transaction_id"
        known = {field: value for field, value in event.items() if value is not None}
        named.append({name: f"E{number}", "user_id": "U1", **known})
    return named


def outputs(scorer: Scorer, events: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """All outputs as (destination, record), without what names the rules in force."""
    told = []
    for event in events:
        for output in scorer.process(json.dumps(event).encode(), "U1", None, ORIGIN):
            record = msgspec.json.decode(output.value)
            for field in ("rules", "summary"):
                record.pop(field, None)
            told.append((output.destination, record))
    return told


def expected_flags(
    event: dict[str, Any], level: int | None, verified: bool | None, feeds: dict[str, Any], blocked: dict[str, Any]
) -> list[str]:
    """By the table of compliance flags, with none of our code."""
    feed = feeds.get(event.get("ip_address"), {})
    sanctioned = any(
        "SANCTION" in (reason or "").upper()
        for (kind, value), reason in blocked.items()
        if value == {"user": "U1", "merchant": event.get("merchant_id")}[kind]
    )
    flags = {
        "AML": round(event["amount"] * 100) > 10_000_000 or sanctioned,
        "KYC": not verified if verified is not None else level == 0,
        "PCI": feed.get("vpn") is True or (feed.get("ip_risk_score") or 0) > 80,
    }
    return [name for name, is_raised in flags.items() if is_raised]


@settings(max_examples=120, deadline=None)
@given(
    events=st.lists(st.one_of(payments, payments, changes), min_size=1, max_size=12),
    level=st.sampled_from([None, 0, 1, 3]),
    of_feeds=st.tuples(feeds, feeds),
    user_reason=st.one_of(st.just("absent"), reasons),
    merchant_reason=st.one_of(st.just("absent"), reasons),
    flag_alerts=st.booleans(),
)
def test_the_pack_gives_what_the_built_in_conditions_give(
    events, level, of_feeds, user_reason, merchant_reason, flag_alerts
):
    events = numbered(events)
    addresses = dict(zip(("10.0.0.1", "10.0.0.2"), of_feeds, strict=True))
    records: dict[str, Record] = {f"ip:{ip}": IpFeed(ip_address=ip, **feed) for ip, feed in addresses.items()}
    records["user:U1"] = UserProfile(user_id="U1", kyc_level=level)
    given_ = {("user", "U1"): user_reason, ("merchant", "M1"): merchant_reason}
    listed = {party: reason for party, reason in given_.items() if reason != "absent"}
    blocked = [BlockEntry(type=kind, value=value, reason_code=reason) for (kind, value), reason in listed.items()]
    decision = DecisionSettings(flag_alerts=flag_alerts)
    built_in, by_rules = (
        outputs(scorer_over(records, blocked=blocked, decision=decision, rules=rules), events)
        for rules in ("bank", "bank,compliance")
    )
    assert by_rules == built_in

    verified: list[tuple[int, int, bool]] = []
    of_changes = []
    for place, event in enumerate(events):
        if event.get("type"):
            status = event.get("new_status", "").strip().lower()
            if status in ("verified", "unverified"):
                verified.append((event["timestamp"], place, status == "verified"))
            if event.get("audit_user", "").strip().lower() in NOBODY:
                of_changes.append(event["event_id"])
            continue
        known = [item for item in verified if item[0] <= event["timestamp"]]
        status = max(known)[2] if known else None
        (found,) = (
            record["flags"]
            for destination, record in by_rules
            if destination == "decisions" and record["transaction_id"] == event["transaction_id"]
        )
        assert found == expected_flags(event, level, status, addresses, listed)
    notices = {record.get("event_id") for _, record in by_rules} - {None}
    assert notices <= set(of_changes)
    assert bool(notices) == bool(of_changes)


def test_flags_alone_leave_the_rule_map_of_a_set_in_force():
    assert content_of(rule_set_of("bank,compliance")) == content_of(shipped_pack("bank"))
    assert content_of(rule_set_of("bank,upi")) != content_of(shipped_pack("bank"))


OWN = """
name: own
version: 1
scale: [[0, 0], [100, 1000]]
rules:
  - {id: aml, flag: AML, points: 7, when: amount >= 500, reason: "an amount of {amount:,.0f}", tier: aml}
  - {id: aml_low, flag: AML, points: 0, when: amount >= 50, reason: low, tier: aml}
  - {id: kyc, flag: KYC, points: 0, when: user_verified == 0, reason: not known, enabled: false}
  - id: closed
    event: account_change
    flag: AUDIT
    points: 0
    when: new_status == "closed"
    reason: "closed by {changed_by}"
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    assert load_rule_set(path).rules[0].flag == "AML"
    return str(path)


def test_a_banks_own_rules_replace_the_built_in_conditions(own):
    records: dict[str, Record] = {
        "user:U1": UserProfile(user_id="U1", kyc_level=0),
        "ip:a": IpFeed(ip_address="a", vpn=True),
    }
    events = numbered(
        [
            {"amount": 500.0, "timestamp": START, "ip_address": "a"},
            {"amount": 50.0, "timestamp": START},
            {"amount": 49.99, "timestamp": START},
        ]
    )
    decisions = [record for name, record in outputs(scorer_over(records, rules=own), events) if name == "decisions"]
    assert [one["flags"] for one in decisions] == [["AML", "PCI"], ["AML"], []]
    flags = [[r["text"] for r in one["reasons"] if r["source"] == "flag"] for one in decisions]
    assert flags == [["AML: an amount of 500", "PCI: the IP address belongs to a VPN"], ["AML: low"], []]


def test_a_rule_on_account_changes_replaces_the_audit_of_nobodys_changes(own):
    events = numbered(
        [
            {"type": "account_change", "timestamp": START, "new_status": "closed", "audit_user": "jane"},
            {"type": "account_change", "timestamp": START + DAY, "new_status": "active", "audit_user": "system"},
        ]
    )
    ((name, notice),) = outputs(scorer_over({}, rules=own), events)
    assert (name, notice["flags"], notice["reasons"]) == ("flags", ["AUDIT"], ["closed by jane"])


def test_flags_of_rules_are_told_once_a_day():
    events = numbered([{"amount": 100_001.0, "timestamp": START + hour * 3_600_000} for hour in (0, 5, 23, 24)])
    no_alerts = DecisionSettings(refer_above=1000, soft_challenge_above=1000, hard_block_above=1000)
    told = [name for name, _ in outputs(scorer_over({}, rules="compliance", decision=no_alerts), events)]
    assert told.count("decisions") == 4
    assert told.count("flags") == 2

"""Compliance flags at the limits, and their reasons."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.udfs.scoring.scorers import scorer_over
from udfs.records.outputs import Decision, Origin
from udfs.records.profiles import BlockEntry, IpFeed, UserProfile
from udfs.scoring.decision_settings import DecisionSettings
from udfs.stores.port import Record
from udfs.values.fx_rates import FxRate

START = 1_767_225_600_000
DEFAULT = DecisionSettings()


def scored(
    amount: float = 1.0,
    records: dict[str, Record] | None = None,
    blocked: list[BlockEntry] | None = None,
    rates: tuple[FxRate, ...] = (),
    settings_: DecisionSettings = DEFAULT,
    **fields: Any,
) -> Decision:
    payment = {"transaction_id": "T1", "user_id": "U1", "timestamp": START, "amount": amount, **fields}
    scorer = scorer_over(records or {}, blocked=blocked or [], rates=rates, decision=settings_)
    (decision, *_) = scorer.process(json.dumps(payment).encode(), "U1", None, Origin("events"))
    assert isinstance(decision.record, Decision)
    return decision.record


def flags(*arguments: Any, **fields: Any) -> list[str]:
    return list(scored(*arguments, **fields).flags)


def words(*arguments: Any, **fields: Any) -> list[str]:
    decision = scored(*arguments, **fields)
    reasons = [reason for reason in decision.reasons if reason.source == "flag"]
    assert [(reason.name, reason.weight) for reason in reasons] == [(flag, 0.0) for flag in decision.flags]
    return [reason.text for reason in reasons]


def audited(who: str | None) -> bool:
    change = {"type": "account_change", "event_id": "E1", "user_id": "U1", "timestamp": START, "audit_user": who}
    outputs = scorer_over({}).process(json.dumps(change).encode(), "U1", None, Origin("events"))
    assert [output.destination for output in outputs] in ([], ["flags"])
    return bool(outputs)


def test_unknown_values_raise_no_flag() -> None:
    assert flags() == []
    assert flags(records={"user:U1": UserProfile(user_id="U1")}) == []
    assert flags(records={"ip:a": IpFeed(ip_address="a")}, ip_address="a") == []


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(100_000.0, []), (100_000.004, []), (100_000.01, ["AML"]), (99_999.99, []), (1e12, ["AML"])],
)
def test_aml_is_raised_above_the_amount(amount: float, expected: list[str]) -> None:
    assert flags(amount) == expected


def test_the_aml_amount_is_configurable() -> None:
    low = DecisionSettings(aml_amount=10.0)
    assert flags(10.0, settings_=low) == []
    assert flags(10.01, settings_=low) == ["AML"]


def test_aml_compares_in_the_base_currency() -> None:
    rates = (FxRate("JPY", 0, "0.01"), FxRate("KWD", 0, "3.25"))
    assert flags(10_000_000, rates=rates, currency="JPY") == []
    assert flags(10_000_001, rates=rates, currency="JPY") == ["AML"]
    assert flags(30_769.23, rates=rates, currency="KWD") == []
    assert flags(30_770, rates=rates, currency="KWD") == ["AML"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("SANCTION", ["AML"]), ("OFAC_SANCTION_LIST", ["AML"]), ("sanctions", ["AML"]), ("FRAUD", []), ("", []), (None, []),
        ("SANCT", []),
    ],
)  # fmt: skip
def test_a_sanction_on_the_block_list_is_aml(reason: str | None, expected: list[str]) -> None:
    entries = [BlockEntry(type="user", value="U1", reason_code="FRAUD")]
    entries.append(BlockEntry(type="merchant", value="M1", reason_code=reason))
    assert flags(blocked=entries, merchant_id="M1") == expected
    assert flags(blocked=entries, merchant_id="M2") == []


@pytest.mark.parametrize(("level", "expected"), [(0, ["KYC"]), (1, []), (3, []), (None, [])])
def test_kyc_is_a_user_known_to_be_unverified(level: int | None, expected: list[str]) -> None:
    assert flags(records={"user:U1": UserProfile(user_id="U1", kyc_level=level)}) == expected


@pytest.mark.parametrize(
    ("score", "vpn", "expected"),
    [
        (80.0, None, []), (80.0, False, []), (80.001, None, ["PCI"]), (81.0, False, ["PCI"]), (None, True, ["PCI"]),
        (0.0, True, ["PCI"]), (None, None, []), (None, False, []),
    ],
)  # fmt: skip
def test_pci_is_a_vpn_or_a_risk_above_80(score: float | None, vpn: bool | None, expected: list[str]) -> None:
    records: dict[str, Record] = {"ip:10.0.0.1": IpFeed(ip_address="10.0.0.1", ip_risk_score=score, vpn=vpn)}
    assert flags(records=records, ip_address="10.0.0.1") == expected
    assert flags(records=records, ip_address="10.0.0.2") == []


def test_flags_have_a_fixed_order() -> None:
    records: dict[str, Record] = {
        "user:U1": UserProfile(user_id="U1", kyc_level=0),
        "ip:a": IpFeed(ip_address="a", vpn=True),
    }
    assert flags(100_001.0, records, ip_address="a") == ["AML", "KYC", "PCI"]


@pytest.mark.parametrize("who", [None, "", "  ", "system", "System", " SYSTEM ", "unknown", "UNKNOWN", "\tunknown\n",
                                 "na", "NA", "n/a", " N/A ", "-", "none", "null"])  # fmt: skip
def test_changes_by_unknown_users_need_an_audit(who: str | None) -> None:
    assert audited(who)


@pytest.mark.parametrize("who", ["jdoe", "system2", "unknown-user", "0", "none of these", "the system"])
def test_changes_by_known_users_need_no_audit(who: str) -> None:
    assert not audited(who)


# -- in words ------------------------------------------------------------------------------------------------------------


def test_no_flags_have_no_reasons() -> None:
    assert words() == []


def test_the_reason_of_an_unverified_user() -> None:
    assert words(records={"user:U1": UserProfile(user_id="U1", kyc_level=0)}) == ["KYC: the user is not verified"]


def test_the_reason_of_a_large_amount_has_currency_and_limit() -> None:
    rates = (FxRate("JPY", 0, "0.01"),)
    assert words(12_345_678, rates=rates, currency="JPY") == [
        "AML: an amount of 123,456.78 in the base currency, above 100,000.00"
    ]


def test_the_reason_of_sanctions_names_the_parties() -> None:
    blocked = [
        BlockEntry(type="user", value="U1", reason_code="sanctions"),
        BlockEntry(type="device", value="D1", reason_code="FRAUD"),
        BlockEntry(type="merchant", value="M1", reason_code="OFAC_SANCTION_LIST"),
    ]
    assert words(200_000.0, blocked=blocked, merchant_id="M1", device_id="D1") == [
        "AML: user U1 and merchant M1 under sanctions"
    ]


@pytest.mark.parametrize(
    ("score", "vpn", "text"),
    [
        (None, True, "belongs to a VPN"),
        (80.0, True, "belongs to a VPN"),
        (80.5, None, "has a risk of 80.5, above 80"),
        (91.0, True, "belongs to a VPN and has a risk of 91, above 80"),
    ],
)
def test_the_reason_of_a_risky_address(score: float | None, vpn: bool | None, text: str) -> None:
    records: dict[str, Record] = {"ip:10.0.0.1": IpFeed(ip_address="10.0.0.1", ip_risk_score=score, vpn=vpn)}
    assert words(records=records, ip_address="10.0.0.1") == [f"PCI: the IP address {text}"]


def test_reasons_have_the_order_of_the_flags() -> None:
    records: dict[str, Record] = {
        "user:U1": UserProfile(user_id="U1", kyc_level=0),
        "ip:a": IpFeed(ip_address="a", vpn=True),
    }
    told = [text.partition(":")[0] for text in words(100_001.0, records, ip_address="a")]
    assert told == ["AML", "KYC", "PCI"]


def test_a_status_change_verifies_a_user_or_takes_it_back_from_its_time_on() -> None:
    """minute 0: payment .. 1: unverified .. 2: payment .. 3: verified .. 4: payment .. 5: blocked .. 6: payment"""
    scorer = scorer_over({"user:U1": UserProfile(user_id="U1", kyc_level=2)})
    origin = Origin("events")

    def change(minute: int, status: str) -> None:
        event = {
            "type": "account_change", "event_id": f"E{minute}", "user_id": "U1", "timestamp": START + minute * 60_000,
            "old_status": "active", "new_status": status, "audit_user": "jane",
        }  # fmt: skip
        assert scorer.process(json.dumps(event).encode(), "U1", None, origin) == []

    def flags_at(minute: float) -> list[str]:
        event = {
            "transaction_id": f"T{minute}", "user_id": "U1", "timestamp": START + int(minute * 60_000), "amount": 1.0,
        }  # fmt: skip
        (decision, *_) = scorer.process(json.dumps(event).encode(), "U1", None, origin)
        assert isinstance(decision.record, Decision)
        return list(decision.record.flags)

    assert flags_at(0) == []
    change(1, " UNVERIFIED")
    assert flags_at(2) == ["KYC"]
    assert flags_at(0.5) == []
    change(3, "Verified")
    assert flags_at(4) == []
    assert flags_at(2.5) == ["KYC"]
    change(5, "blocked")
    assert flags_at(6) == []


def test_without_any_reference_data_a_decision_says_so() -> None:
    assert scored().enrichment == "not_configured"
    assert scored(records={"user:U2": UserProfile(user_id="U2")}).enrichment == "ok"

"""Profiles, feeds and block lists: each kind's file decodes to the struct of the stores."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ingest.bank_records import AlertCase, ModelLog
from ingest.targets import TARGETS
from tests.ingest.conversions import converted
from udfs.records.profiles import BlockEntry, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile

DAY = 86_400_000
CASES = [
    (
        "user_profile",
        "id,lat,country,zone,kyc,born,limit,vip\n7,52.5,DE,Europe/Berlin,2,1969-12-31,1000,yes\n8,,,,,,,\n",
        "user_id: id, home_latitude: lat, home_country: country, timezone: zone, kyc_level: kyc, date_of_birth: born, "
        "credit_limit: limit, is_vip: vip",
        [
            UserProfile(
                user_id="7",
                home_latitude=52.5,
                home_country="DE",
                timezone="Europe/Berlin",
                kyc_level=2,
                date_of_birth=-DAY,
                credit_limit=1000.0,
                is_vip=True,
            ),
            UserProfile(user_id="8"),
        ],
    ),
    (
        "merchant",
        "id,mcc,since\nm1,5411,1970-01-02\n",
        "merchant_id: id, category: mcc, first_seen_at: since",
        [MerchantProfile(merchant_id="m1", category="5411", first_seen_at=DAY)],
    ),
    (
        "device",
        "id,bad,active\nd1,1,0\n",
        "device_id: id, blacklisted: bad, is_active: active",
        [DeviceProfile(device_id="d1", blacklisted=True, is_active=False)],
    ),
    (
        "ip_feed",
        "ip,risk,vpn\n10.0.0.1,80.5,true\n",
        "ip_address: ip, ip_risk_score: risk, vpn: vpn",
        [IpFeed(ip_address="10.0.0.1", ip_risk_score=80.5, vpn=True)],
    ),
    (
        "domain_feed",
        "domain,since\nexample.org,1970-01-01T00:00:01Z\n",
        "email_domain: domain, registered_at: since",
        [DomainFeed(email_domain="example.org", registered_at=1000)],
    ),
    (
        "block_list",
        "what,which,why,until\nD,d1,SANCTION,\nU,7,,1970-01-02\n",
        "type: {column: what, lookup: {D: device, U: user}}, value: which, reason_code: why, expires_at: until",
        [
            BlockEntry(type="device", value="d1", reason_code="SANCTION"),
            BlockEntry(type="user", value="7", expires_at=DAY),
        ],
    ),
    (
        "alert_case",
        'nr,tx,state,outcome,from,note\nC1,T7,closed,FRAUD,2024-02-01,"called, said\nit was not him"\nC2,,open,,,\n',
        "case_id: nr, transaction_id: tx, status: state, resolution: outcome, opened_at: from, notes: note",
        [
            AlertCase(
                case_id="C1",
                transaction_id="T7",
                status="closed",
                resolution="FRAUD",
                opened_at=1_706_745_600_000,
                notes="called, said\nit was not him",
            ),
            AlertCase(case_id="C2", status="open"),
        ],
    ),
    (
        "model_log",
        "tx,at,version,p,said\nT7,2024-02-01,v3,0.97,block\n",
        "transaction_id: tx, scored_at: at, model_version: version, score: p, decision: said",
        [ModelLog(transaction_id="T7", scored_at=1_706_745_600_000, model_version="v3", score=0.97, decision="block")],
    ),
]


@pytest.mark.parametrize(("kind", "text", "fields", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_table_becomes_the_file_of_its_kind(
    tmp_path: Path, kind: str, text: str, fields: str, expected: list[msgspec.Struct]
) -> None:
    result = converted(tmp_path, text, f"kind: {kind}\nfields: {{{fields}}}\n")
    target = TARGETS[kind]
    lines = (result.folder / target.file_name).read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=target.struct) for line in lines] == expected
    assert result.errors == []
    assert result.summary.written == {target.noun: len(expected)}
    assert sorted(path.name for path in result.folder.iterdir()) == sorted(
        ["dropped.jsonl", "errors.jsonl", target.file_name]
    )


def test_every_reference_kind_is_covered() -> None:
    assert {case[0] for case in CASES} == {
        kind for kind, target in TARGETS.items() if target.file_name not in ("", "events.jsonl")
    }


def test_the_rows_of_a_reference_file_keep_their_order(tmp_path: Path) -> None:
    result = converted(tmp_path, "id\nz\na\nm\n", "kind: merchant\nfields: {merchant_id: id}\n")
    assert [line["merchant_id"] for line in result.lines("merchants.jsonl")] == ["z", "a", "m"]


def test_a_risk_score_beyond_its_scale_is_dropped(tmp_path: Path) -> None:
    result = converted(tmp_path, "ip,risk\na,101\n", "kind: ip_feed\nfields: {ip_address: ip, ip_risk_score: risk}\n")
    dropped = result.lines("dropped.jsonl")
    assert [(one["column"], one["expected"]) for one in dropped] == [("risk", "a number from 0 to 100")]
    assert result.lines("ip_feed.jsonl") == [{"ip_address": "a", "ip_risk_score": None, "vpn": None}]


def test_account_changes_are_events(tmp_path: Path) -> None:
    text = "user,time,before,after,by\nu,2024-02-01,open,frozen,system\n"
    fields = "user_id: user, timestamp: time, old_status: before, new_status: after, audit_user: by"
    result = converted(tmp_path, text, f"kind: account_change\nfields: {{{fields}}}\n")
    [event] = result.events
    assert event.pop("event_id").startswith("account_change:")
    assert event == {
        "type": "account_change",
        "user_id": "u",
        "timestamp": 1_706_745_600_000,
        "old_status": "open",
        "new_status": "frozen",
        "audit_user": "system",
    }


def test_the_features_that_a_model_saw_are_kept_in_order(tmp_path: Path) -> None:
    """As a list in JSON, and as a text in CSV; one element that is no number drops the vector."""
    mapping = "kind: model_log\nfields: {transaction_id: tx, feature_vector: v}\n"
    text = '{"tx":"a","v":[0.1,-3,1e6]}\n{"tx":"b","v":[]}\n{"tx":"c","v":null}\n{"tx":"d","v":[1,"x"]}\n'
    result = converted(tmp_path, text, mapping, "log.jsonl")
    vectors = [(line["transaction_id"], line["feature_vector"]) for line in result.lines("model_log.jsonl")]
    assert vectors == [("a", [0.1, -3.0, 1_000_000.0]), ("b", []), ("c", []), ("d", [])]
    assert [(one["row"], one["field"]) for one in result.lines("dropped.jsonl")] == [(4, "feature_vector")]
    nested = "kind: model_log\nfields: {transaction_id: tx}\n"
    nested += "nested: [{column: v, into: feature_vector, type: 'list[float]'}]\n"
    [line] = converted(tmp_path, 'tx,v\na,"[0.1, -3, 1e6]"\n', nested, "log.csv").lines("model_log.jsonl")
    assert line["feature_vector"] == [0.1, -3.0, 1_000_000.0]


def test_a_block_whose_end_cannot_be_read_is_rejected_and_not_for_ever(tmp_path: Path) -> None:
    text = "t,v,e\nuser,U1,1767225600\nuser,U2,1767225600000\nuser,U3,\n"
    mapping = "kind: block_list\nfields: {type: t, value: v, expires_at: {column: e, format: epoch_ms}}\n"
    result = converted(tmp_path, text, mapping)
    blocks = [(line["value"], line["expires_at"]) for line in result.lines("block_list.jsonl")]
    assert blocks == [("U2", 1_767_225_600_000), ("U3", None)]
    assert [(error["row"], error["column"], error["value"]) for error in result.errors] == [(1, "e", "1767225600")]
    assert result.lines("dropped.jsonl") == []

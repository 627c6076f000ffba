"""Control elements applied to a scorer: effects, refusals, and atomicity."""

from __future__ import annotations

import json
import random
import shutil
from math import log
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.default_bundle import DEFAULT_BUNDLE
from tests.udfs.scoring.test_scorer import START, Session, reference
from udfs.control.elements import ControlElement, ControlError, decode_control, encode_control
from udfs.control.envelope import decode_record
from udfs.control.live_control import BundleNotLoadable, LiveControl
from udfs.core._native import clipped_logit
from udfs.rules.rule_map import RuleMap, content_of
from udfs.scoring.bundle import DecisionModel, content_version, encode_manifest, read_manifest
from udfs.scoring.settings import StartVersions

__all__ = ["reference"]

HASH = read_manifest(DEFAULT_BUNDLE).version


class Live(Session):
    """A scorer with LiveControl, with control elements as dicts."""

    def __init__(self, reference: Path, **settings: Any) -> None:
        super().__init__(reference, **settings)
        self.control = LiveControl(self.scorer)

    def publish(self, kind: str, version: int, **fields: Any) -> bool:
        return self.control.apply(decode_control(json.dumps({"kind": kind, "version": version, **fields}).encode()))

    def publish_rules(self, version: int, points: int, when: str = "amount > 1", is_new: bool = True) -> bool:
        rule = {"id": "any", "points": points, "when": when, "reason": "amount {amount:.2f}"}
        rule_set = {"name": "live", "version": version, "scale": [[0, 0], [100, 1000]], "rules": [rule]}
        return self.control.apply(decode_control(json.dumps({"kind": "rules", "rule_set": rule_set}).encode()), is_new)


@pytest.fixture
def live(reference: Path) -> Live:
    return Live(reference)


def test_a_newer_rule_set_replaces_and_an_older_one_is_ignored(live: Live) -> None:
    version = live.scorer.rulebook.version
    assert live.publish_rules(version + 2, points=60)
    decision = live.decision()
    assert decision["rules"] == {
        "version": version + 2, "score": 600, "points": 60, "hits": ["any"], "map": "cautious",
    }  # fmt: skip
    assert decision["tags"] == ["cautious_rules"]
    assert decision["control_versions"] == {"rules": version + 2}
    blend = live.scorer.ensemble.bundle.manifest.decision
    from_model = blend.model_weight * clipped_logit(decision["model"]["probability"]) + blend.offset
    assert clipped_logit(decision["probability"]) - from_model == pytest.approx(0.6 * log(10))
    assert not live.publish_rules(version + 1, points=100)
    assert not live.publish_rules(version + 2, points=100)
    assert live.decision(transaction_id="T2")["rules"] == decision["rules"]


def test_an_invalid_rule_is_named_and_the_rules_stay(live: Live) -> None:
    before = live.scorer.rulebook
    with pytest.raises(ControlError, match=r"^rule any: unknown name 'amonut' at column 1"):
        live.publish_rules(99, points=1, when="amonut > 1")
    with pytest.raises(ControlError, match=r"^rule any: Expected 'int', got 'str' at 'points'"):
        live.publish_rules(99, points="many")  # type: ignore[arg-type]
    assert live.scorer.rulebook is before
    assert live.decision()["control_versions"] == {}


def test_a_new_rule_that_can_never_hit_is_refused_and_one_of_the_saved_state_stays(live: Live) -> None:
    with pytest.raises(
        ControlError, match=r"^rule any: 'chargeback' is not a known kind at column 9 \(known are purchase"
    ):
        live.publish_rules(98, points=60, when="kind == 'chargeback'")
    with pytest.raises(ControlError, match=r"^rule any: the condition is never true: no value of 'amount' fits it"):
        live.publish_rules(98, points=60, when="amount < 0")
    assert live.decision()["control_versions"] == {}
    assert live.publish_rules(99, points=60, when="kind == 'chargeback'", is_new=False)
    assert live.decision(transaction_id="T2")["rules"]["hits"] == []
    assert live.scorer.rulebook.version == 99


@pytest.mark.parametrize("field", ["reason_code", "source_system"])
@pytest.mark.parametrize("text", ["two\nlines", "\x1b[31mred"])
def test_a_new_block_list_entry_has_texts_of_one_printable_line(live: Live, field: str, text: str) -> None:
    with pytest.raises(ControlError, match=f"{field} .* must be one line of printable characters"):
        live.publish("block-list", 1, type="user", value="U1", **{field: text})
    assert live.decision()["action"] != "hard_block"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expires_at": 1_767_225_600}, "expires_at: 1767225600 ms is before 1973-03-03; it looks like epoch seconds"),
        ({"expires_at": 202_601_011_200}, r"expires_at: 202601011200 looks like a calendar time \(YYYYMMDDHHMM\)"),
        ({"published_at": 20_260_101}, r"published_at: 20260101 ms .* looks like a calendar time \(YYYYMMDD\)"),
        ({"value": "N/A"}, "user: 'N/A' stands for a missing value"),
        ({"value": "3.57303E+15"}, "user: '3.57303E.15' is a number in floating-point notation"),
        ({"type": "ip", "value": " 10.0.0.1"}, "ip '10.0.0.1' is no address: events have it without space"),
        ({"type": "ip", "value": "unknown"}, "ip 'unknown' is no address"),
    ],
)
def test_a_new_block_list_entry_has_a_value_and_times_that_events_can_have(
    live: Live, change: dict[str, Any], message: str
) -> None:
    entry = {"type": "user", "value": "U1", **change}
    element = decode_control(json.dumps({"kind": "block-list", "version": 1, **entry}).encode())
    with pytest.raises(ControlError, match=message):
        live.control.apply(element)
    assert live.decision()["control_versions"] == {}
    assert live.control.apply(element, is_new=False)  # of a saved state
    if "value" in change:
        live.publish("block-list", 2, blocked=False, **entry)  # what is on the list can be taken off


def test_an_entry_of_a_new_list_expires_at_a_time_in_milliseconds(live: Live) -> None:
    entries = [{"value": "U1", "expires_at": 1_767_225_600}]
    element = {"kind": "list", "name": "suspects", "version": 1, "type": "user", "entries": entries}
    with pytest.raises(
        ControlError, match=r"list suspects: 'U1': expires_at: 1767225600 ms .* looks like epoch seconds"
    ):
        live.control.apply(decode_control(json.dumps(element).encode()))


def test_a_byte_order_mark_before_an_element_is_passed_over() -> None:
    line = b'{"kind":"thresholds","version":1,"refer_to_analyst":1,"soft_challenge":2,"hard_block":3}'
    assert decode_control(b"\xef\xbb\xbf" + line) == decode_control(line)
    assert decode_record(b"\xef\xbb\xbf" + line) == decode_record(line)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rules": []}, "a rule set needs at least one rule"),
        ({"name": "x" * 990_000}, "name has 990000 characters, at most 100 are allowed"),
        ({"name": "a\nb"}, "name must be one line of printable characters"),
        ({"description": "\x1b[31m"}, "description must be one line of printable characters"),
    ],
)
def test_a_new_rule_set_has_rules_and_short_printable_texts(live: Live, change: dict[str, Any], message: str) -> None:
    rule = {"id": "any", "points": 1, "when": "amount > 1", "reason": "x"}
    rule_set = {"name": "live", "version": 99, "scale": [[0, 0], [100, 1000]], "rules": [rule], **change}
    element = decode_control(json.dumps({"kind": "rules", "rule_set": rule_set}).encode())
    with pytest.raises(ControlError, match=message):
        live.control.apply(element)
    assert live.decision()["control_versions"] == {}


def test_thresholds_change_the_action_of_the_same_score(live: Live) -> None:
    live.publish_rules(99, points=60)
    score = live.decision(user_id="V0")["risk_score"]
    assert 1 < score < 900
    actions = []
    for version, thresholds in (
        (1, (score - 1, score, score + 1)),
        (3, (0, 1, score - 1)),
        (2, (900, 900, 900)),
        (4, (score, score, score)),
    ):
        names = ("refer_to_analyst", "soft_challenge", "hard_block")
        live.publish("thresholds", version, **dict(zip(names, thresholds, strict=True)))
        decision = live.decision(user_id=f"V{version}")
        assert decision["risk_score"] == score
        actions.append(decision["action"])
    assert actions == ["refer_to_analyst", "hard_block", "hard_block", "allow"]
    assert decision["control_versions"] == {"rules": 99, "thresholds": 4}


def test_block_list_entries_accumulate_and_are_removed_by_key(live: Live) -> None:
    live.publish("block-list", 1, type="user", value="U1", reason_code="EU-SANCTION")
    live.publish("block-list", 2, type="merchant", value="M1", expires_at=START + 10)
    decision = live.decision()
    assert decision["action"] == "hard_block"
    assert decision["flags"] == ["AML"]
    texts = {reason["text"] for reason in decision["reasons"] if reason["source"] == "block_list"}
    assert texts == {"user U1 is on the block list (EU-SANCTION)", "merchant M1 is on the block list"}
    assert decision["control_versions"] == {"block-list": 2}

    assert not live.publish("block-list", 1, type="user", value="U1", blocked=False)  # repeated version: ignored
    assert live.publish("block-list", 3, type="user", value="U1", blocked=False)
    assert not live.publish(
        "block-list", 1, type="user", value="U1", reason_code="EU-SANCTION"
    )  # older than the removal
    decision = live.decision(transaction_id="T2", timestamp=START + 9)
    assert {reason["name"] for reason in decision["reasons"] if reason["source"] == "block_list"} == {"merchant:M1"}
    expired = live.decision(transaction_id="T3", timestamp=START + 10)  # the merchant's too, by now
    assert expired["action"] != "hard_block"
    assert not [reason for reason in expired["reasons"] if reason["source"] == "block_list"]


def test_entries_loaded_at_start_can_be_removed_and_replaced(live: Live) -> None:
    assert live.decision(device_id="D-blocked")["action"] == "hard_block"
    live.publish("block-list", 7, type="device", value="D-blocked", blocked=False)
    assert live.decision(transaction_id="T2", device_id="D-blocked")["action"] == "allow"
    live.publish("block-list", 8, type="merchant", value="M-old")  # the entry loaded at start has expired
    assert live.decision(transaction_id="T3", merchant_id="M-old")["action"] == "hard_block"


def rewritten_bundle(folder: Path, **changes: Any) -> str:
    """The shipped bundle under `folder` with another manifest; returns the manifest's version."""
    shutil.copytree(DEFAULT_BUNDLE, folder)
    manifest = msgspec.structs.replace(read_manifest(folder), **changes)
    manifest = msgspec.structs.replace(manifest, version=content_version(manifest))
    (folder / "manifest.json").write_bytes(encode_manifest(manifest))
    return manifest.version


def test_a_bundle_is_replaced_and_named_in_decisions(live: Live, tmp_path: Path) -> None:
    other = rewritten_bundle(tmp_path / "other", name="another")
    before = live.decision()["model"]
    assert before["bundle"] == HASH
    assert live.publish("bundle", 1, path=str(tmp_path / "other"), bundle=other)
    decision = live.decision(transaction_id="T2", user_id="U7")
    assert decision["model"]["bundle"] == other
    assert decision["control_versions"] == {"bundle": 1}


@pytest.mark.parametrize("fault", ["missing", "feature set", "damaged", "another", "not a folder"])
def test_an_incompatible_bundle_is_refused_and_the_old_one_kept(live: Live, tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "bundle"
    if fault == "missing":
        version, message, error = HASH, "no such bundle folder", BundleNotLoadable
    elif fault == "feature set":
        version = rewritten_bundle(folder, feature_set_version="0123456789abcdef")
        message, error = "trained for feature set 0123456789abcdef, this software computes", ControlError
    elif fault == "damaged":
        version, message, error = (
            rewritten_bundle(folder),
            "does not match the hash in manifest.json",
            BundleNotLoadable,
        )
        (folder / "model.onnx").write_bytes(b"\0" + (folder / "model.onnx").read_bytes()[1:])
    elif fault == "another":
        rewritten_bundle(folder, name="another")
        version, message, error = HASH, f"the element names bundle {HASH}", BundleNotLoadable
    else:
        folder.write_text("x")
        version, message, error = HASH, "no such bundle folder", BundleNotLoadable
    ensemble = live.scorer.ensemble
    with pytest.raises(error, match=message) as refused:
        live.publish("bundle", 1, path=str(folder), bundle=version)
    assert type(refused.value) is error  # errors that depend on the machine are reported by each instance
    assert live.scorer.ensemble is ensemble
    assert live.decision()["model"]["bundle"] == HASH
    assert live.publish("bundle", 1, path=str(DEFAULT_BUNDLE), bundle=HASH)  # the refused version was not used


def test_the_newer_of_configured_and_streamed_versions_is_in_force(reference: Path, tmp_path: Path) -> None:
    live = Live(reference, start_versions=StartVersions(thresholds=5, bundle=2))
    limits = {"refer_to_analyst": 1, "soft_challenge": 2, "hard_block": 3}
    assert not live.publish("thresholds", 5, **limits)
    assert not live.publish("bundle", 2, path=str(tmp_path / "nothing"), bundle=HASH)  # ignored without loading
    assert not live.publish_rules(live.scorer.rulebook.version, points=60)
    assert live.decision()["control_versions"] == {}
    assert live.publish("thresholds", 6, **limits)
    assert live.publish("bundle", 3, path=str(DEFAULT_BUNDLE), bundle=HASH)


HOSTILE = {
    "empty": b"",
    "no JSON": b"nonsense",
    "deep": b"[" * 100_000,
    "deep rule set": b'{"kind":"rules","rule_set":' + b"[" * 100_000,
    "deep field": b'{"kind":"thresholds","version":' + b'{"a":' * 100_000,
    "huge": b'{"kind":"rules","rule_set":{"name":"' + b"x" * 2_000_000 + b'"}}',
    "other kind": b'{"kind":"other","version":1}',
    "no kind": b'{"version":1}',
    "list": b"[1]",
    "invalid UTF-8": b'{"kind":"block-list","version":1,"type":"user","value":"\xff"}',
    "lone surrogate": b'{"kind":"block-list","version":1,"type":"ip","value":"\\ud800"}',
    "NUL id": b'{"kind":"block-list","version":1,"type":"user","value":"U\\u0000"}',
    "space in id": b'{"kind":"block-list","version":1,"type":"card","value":"U 1"}',
    "long id": b'{"kind":"block-list","version":1,"type":"user","value":"' + b"U" * 65 + b'"}',
    "empty ip": b'{"kind":"block-list","version":1,"type":"ip","value":""}',
    "other party": b'{"kind":"block-list","version":1,"type":"planet","value":"E"}',
    "unknown field": b'{"kind":"block-list","version":1,"type":"user","value":"U1","expires":5}',
    "negative expiry": b'{"kind":"block-list","version":1,"type":"user","value":"U1","expires_at":-5}',
    "version 0": b'{"kind":"thresholds","version":0,"refer_to_analyst":1,"soft_challenge":2,"hard_block":3}',
    "version 1e400": b'{"kind":"thresholds","version":1e400,"refer_to_analyst":1,"soft_challenge":2,"hard_block":3}',
    "version of text": b'{"kind":"thresholds","version":"9","refer_to_analyst":1,"soft_challenge":2,"hard_block":3}',
    "version 2^60": b'{"kind":"bundle","version":1152921504606846976,"path":"/x","bundle":"0123456789abcdef"}',
    "falling": b'{"kind":"thresholds","version":1,"refer_to_analyst":9,"soft_challenge":2,"hard_block":3}',
    "beyond 1000": b'{"kind":"thresholds","version":1,"refer_to_analyst":1,"soft_challenge":2,"hard_block":1001}',
    "relative path": b'{"kind":"bundle","version":1,"path":"../x","bundle":"0123456789abcdef"}',
    "remote path": b'{"kind":"bundle","version":1,"path":"s3://x","bundle":"0123456789abcdef"}',
    "NUL path": b'{"kind":"bundle","version":1,"path":"/\\u0000","bundle":"0123456789abcdef"}',
    "long path": b'{"kind":"bundle","version":1,"path":"/' + b"x" * 5_000 + b'","bundle":"0123456789abcdef"}',
    "no hash": b'{"kind":"bundle","version":1,"path":"/x","bundle":"latest"}',
    "code": b'{"kind":"rules","rule_set":{"name":"x","version":99,"scale":[[0,0],[9,9]],"rules":'
            b'[{"id":"a","points":1,"when":"__import__(1)","reason":"r"}]}}',
}  # fmt: skip


@pytest.mark.parametrize("element", HOSTILE.values(), ids=HOSTILE)
def test_an_invalid_element_is_refused_in_one_line_without_effect(live: Live, element: bytes) -> None:
    before = live.scorer.rulebook, live.scorer.ensemble, live.scorer.config
    with pytest.raises(ControlError) as refused:
        live.control.apply(decode_control(element))
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 600
    assert (live.scorer.rulebook, live.scorer.ensemble, live.scorer.config) == before
    assert live.decision()["action"] == "allow"


PARTIES = [("user", "U1"), ("user", "U2"), ("device", "D1")]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from(PARTIES), st.booleans()), max_size=12),
    st.randoms(use_true_random=False),
)
def test_decisions_do_not_depend_on_order_or_repetition_of_elements(
    reference: Path, changes: list[tuple[int, tuple[str, str], bool]], shuffle: random.Random
) -> None:
    """The publisher gives each version of a key once; the newest of a key says whether its party is blocked."""
    unique = {(version, party): blocked for version, party, blocked in changes}
    newest = {party: blocked for (_, party), blocked in sorted(unique.items())}
    shuffled = [*unique.items(), *shuffle.sample([*unique.items()], len(unique))]
    shuffle.shuffle(shuffled)
    live = Live(reference)
    for (version, (kind, value)), blocked in shuffled:
        live.publish("block-list", version, type=kind, value=value, blocked=blocked)
    for number, user in enumerate(("U1", "U2")):
        decision = live.decision(user_id=user, transaction_id=f"T{number}", device_id="D1")
        expected = {
            f"{party[0]} {party[1]} is on the block list"
            for party, blocked in newest.items()
            if blocked and party in (("user", user), ("device", "D1"))
        }
        assert {reason["text"] for reason in decision["reasons"] if reason["source"] == "block_list"} == expected


def test_every_kind_of_element_survives_a_round_trip() -> None:
    rule_set = {"name": "n", "version": 4, "scale": [[0, 0], [9, 9]], "rules": []}
    for element in (
        {"kind": "rules", "rule_set": rule_set},
        {"kind": "thresholds", "version": 1, "refer_to_analyst": 1, "soft_challenge": 2, "hard_block": 3},
        {"kind": "bundle", "version": 2, "path": "/b", "bundle": HASH},
        {"kind": "block-list", "version": 3, "type": "ip", "value": "10.0.0.1", "blocked": False},
    ):
        decoded: ControlElement = decode_control(json.dumps(element).encode())
        assert json.loads(encode_control(decoded)) == element
        assert decode_control(encode_control(decoded)) == decoded


def test_a_bundle_with_a_map_of_the_current_rules_removes_the_tag(live: Live, tmp_path: Path) -> None:
    live.publish_rules(99, points=60)
    assert live.decision()["rules"]["map"] == "cautious"
    rule_map = RuleMap("live", 99, content_of(live.scorer.rulebook.rule_set), (0, 60), (0.01, 0.2), 1_000, 20)
    decision_model = DecisionModel(rules_weight=0.5, rule_maps=(rule_map,))
    other = rewritten_bundle(tmp_path / "other", name="mapped", decision=decision_model)
    live.publish("bundle", 1, path=str(tmp_path / "other"), bundle=other)
    decision = live.decision(transaction_id="T2")
    assert (decision["rules"]["map"], "cautious_rules" in decision["tags"]) == ("calibrated", False)
    shift = 0.5 * (log(0.2 / 0.8) - log(0.01 / 0.99))
    log_odds = log(decision["probability"] / (1 - decision["probability"]))
    model = decision["model"]["probability"]
    assert log_odds == pytest.approx(log(model / (1 - model)) + shift)


def test_rules_without_a_map_are_cautious_again(live: Live, tmp_path: Path) -> None:
    live.publish_rules(99, points=60)
    rule_map = RuleMap("live", 99, content_of(live.scorer.rulebook.rule_set), (0, 60), (0.01, 0.2), 1_000, 20)
    folder = tmp_path / "other"
    other = rewritten_bundle(folder, decision=DecisionModel(rules_weight=0.5, rule_maps=(rule_map,)))
    live.publish("bundle", 1, path=str(folder), bundle=other)
    live.publish_rules(100, points=61)
    assert live.decision()["rules"]["map"] == "cautious"
    live.publish_rules(101, points=60)
    assert live.decision(transaction_id="T2")["rules"]["map"] == "calibrated"


def test_a_bundle_with_an_unusable_rule_map_is_refused(live: Live, tmp_path: Path) -> None:
    live.publish_rules(99, points=60)
    broken = RuleMap("live", 99, content_of(live.scorer.rulebook.rule_set), (0, 60), (0.2, 0.01), 1_000, 20)
    other = rewritten_bundle(tmp_path / "other", decision=DecisionModel(rule_maps=(broken,)))
    before = live.scorer.ensemble
    with pytest.raises(ControlError, match="rates must not decrease"):
        live.publish("bundle", 1, path=str(tmp_path / "other"), bundle=other)
    assert live.scorer.ensemble is before
    assert live.decision()["model"]["bundle"] == HASH

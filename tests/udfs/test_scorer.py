"""The whole scorer on real parts: the shipped bundle, the bank pack, a small reference folder."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from models.default_bundle import DEFAULT_BUNDLE
from tests.jobs.event_stream import event_lines
from udfs.decision_settings import DecisionSettings
from udfs.ensemble import Prediction
from udfs.events import Transaction
from udfs.features.catalogue import NAMES
from udfs.features.values import FeatureValues, named
from udfs.looking_ahead import look_ahead
from udfs.open_scorer import open_scorer
from udfs.outputs import Origin, Output
from udfs.rules.rulebook import RuleResult
from udfs.scorer import Scorer
from udfs.scorer_config import ScorerConfig, ScorerPaths
from udfs.stores.cache import CachedEnrichment
from udfs.stores.memory import MemoryStore
from udfs.stores.port import Record, Unreadable
from udfs.stores.settings import CacheSettings
from udfs.user_log import MemoryUserLogs
from udfs.user_state_settings import UserStateSettings, WindowSettings

START = 1_767_225_600_000
HOUR, DAY = 3_600_000, 86_400_000
ORIGIN = Origin("events.jsonl")
USERS = [
    {
        "user_id": "U1", "home_country": "DE", "home_latitude": 52.5, "home_longitude": 13.4, "kyc_level": 2,
        "account_opened_at": START - 900 * DAY, "avg_monthly_spend": 1000.0, "prior_fraud_count": 0,
    },
    {"user_id": "U2", "kyc_level": 0},
]  # fmt: skip
BLOCK_LIST = [
    {"type": "device", "value": "D-blocked", "reason_code": "FRAUD"},
    {"type": "user", "value": "U3", "reason_code": "EU-SANCTION-LIST"},
    {"type": "merchant", "value": "M-old", "expires_at": START},
]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    (folder / "users.jsonl").write_text("".join(json.dumps(user) + "\n" for user in USERS))
    (folder / "block_list.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in BLOCK_LIST))
    (folder / "ip_feed.jsonl").write_text(json.dumps({"ip_address": "10.0.0.9", "ip_risk_score": 20, "vpn": True}))
    return folder


class Session:
    """A scorer over memory, fed dicts of one user or many."""

    def __init__(self, reference: Path, logs: MemoryUserLogs | None = None, **settings: Any) -> None:
        self.logs = logs or MemoryUserLogs()
        paths = ScorerPaths(bundle=str(DEFAULT_BUNDLE), reference=str(reference))
        self.scorer: Scorer = open_scorer(ScorerConfig(**settings), paths, self.logs)

    def send(self, record: dict[str, Any] | bytes, key: str | None = None, arrived: int | None = None) -> list[Output]:
        payload = record if isinstance(record, bytes) else json.dumps(record).encode()
        self.logs.key = key if key is not None else str(json.loads(payload)["user_id"])
        return self.scorer.process(payload, self.logs.key, arrived, ORIGIN)

    def take(self, record: dict[str, Any] | bytes, key: str | None = None) -> None:
        payload = record if isinstance(record, bytes) else json.dumps(record).encode()
        self.logs.key = key if key is not None else str(json.loads(payload)["user_id"])
        self.scorer.take(payload, self.logs.key, None, ORIGIN)

    def decision(self, **fields: Any) -> dict[str, Any]:
        (first, *_) = self.send(payment(**fields))
        assert first.destination == "decisions"
        return json.loads(first.value)  # type: ignore[no-any-return]


def payment(**fields: Any) -> dict[str, Any]:
    return {
        "transaction_id": "T1", "user_id": "U1", "timestamp": START, "amount": 20.0, "merchant_id": "M1",
        "device_id": "D1", "country": "DE", "merchant_country": "DE", "channel": "ecommerce", **fields,
    }  # fmt: skip


@pytest.fixture
def session(reference: Path) -> Session:
    return Session(reference)


def test_a_decision_carries_all_that_is_needed_to_make_it_again(session: Session) -> None:
    decision = session.decision()
    assert decision["type"] == "decision"
    assert list(decision["features"]) == list(NAMES)
    features = named({name: math.nan if value is None else value for name, value in decision["features"].items()})
    assert features["txn_count_5m"] == 1.0
    assert math.isnan(features["user_avg_amount"])
    again = session.scorer.ensemble.score(features)
    assert again.probability == decision["model"]["probability"]
    event = msgspec.convert(payment(), Transaction)
    result = session.scorer.rulebook.evaluate(features, event, session.scorer.population.inputs(event))
    assert [rule.id for rule in result.hits] == decision["rules"]["hits"]
    assert (result.score, result.points) == (decision["rules"]["score"], decision["rules"]["points"])
    judged = session.scorer.judge.judge(again, result, is_blocked=False)
    assert decision["probability"] == judged.probability
    assert decision["risk_score"] == math.floor(1000 * judged.probability + 0.5)
    assert (decision["action"], decision["tags"]) == (judged.action, judged.tags)
    assert decision["coverage"] == again.coverage


def test_a_repeated_transaction_names_the_first_decision_and_changes_nothing(session: Session) -> None:
    first = session.decision()
    (again,) = session.send(payment())
    duplicate = json.loads(again.value)
    assert duplicate == {
        "type": "duplicate", "decision_id": first["decision_id"], "transaction_id": "T1", "user_id": "U1",
        "event_time_ms": START,
    }  # fmt: skip
    assert session.decision(transaction_id="T2", timestamp=START + 1)["features"]["txn_count_5m"] == 2.0


def test_a_bad_record_keeps_its_bytes_reason_and_origin_and_the_user_goes_on(session: Session) -> None:
    session.decision()
    bad = b'{"user_id":"U1","amount":\xff}'
    (letter,) = session.send(bad, key="U1")
    content = json.loads(letter.value)
    assert letter.destination == "dead-letters"
    assert base64.b64decode(content["payload_base64"]) == bad
    assert content["payload_sha256"] == hashlib.sha256(bad).hexdigest()
    assert content["origin"] == {"source": "events.jsonl", "partition": None, "offset": None}
    assert "byte 25" in content["reason"]
    assert session.decision(transaction_id="T2", timestamp=START + 1)["features"]["txn_count_5m"] == 2.0


def test_dead_letters_with_headers_carry_the_raw_bytes(reference: Path) -> None:
    session = Session(reference, dead_letters_as_json=False)
    origin = Origin("tx", "3", 1234)
    (letter,) = session.scorer.process(None, " bad", None, origin)
    assert letter.value == b""
    assert letter.headers is not None
    assert letter.headers["reason"] == b"empty record"
    assert (letter.headers["topic"], letter.headers["partition"], letter.headers["offset"]) == (b"tx", b"3", b"1234")


def test_a_record_routed_by_another_key_is_a_dead_letter(session: Session) -> None:
    (letter,) = session.send(payment(), key="U2")
    assert "not the key 'U2'" in json.loads(letter.value)["reason"]


def test_a_timestamp_more_than_ten_minutes_after_its_arrival_is_a_dead_letter(session: Session) -> None:
    (accepted, *_) = session.send(payment(timestamp=START + 600_000), arrived=START)
    assert accepted.destination == "decisions"
    (letter,) = session.send(payment(transaction_id="T2", timestamp=START + 600_001), arrived=START)
    assert "lies in the future" in json.loads(letter.value)["reason"]


def test_the_ceiling_counts_where_nothing_tells_when_a_record_arrived(reference: Path) -> None:
    session = Session(reference, latest_timestamp_ms=START + 5)
    assert session.send(payment(timestamp=START + 5))[0].destination == "decisions"
    assert session.send(payment(transaction_id="T2", timestamp=START + 6))[0].destination == "dead-letters"


def test_an_error_before_the_state_is_written_leaves_the_user_as_before(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.decision()
    with monkeypatch.context() as broken:
        broken.setattr(session.scorer.engine, "enrichment", None)
        (letter,) = session.send(payment(transaction_id="T2", timestamp=START + 1))
    assert "unexpected error: AttributeError" in json.loads(letter.value)["reason"]
    decision = session.decision(transaction_id="T2", timestamp=START + 1)
    assert decision["features"]["txn_count_5m"] == 2.0


def test_an_error_in_deciding_is_a_dead_letter_of_that_record_alone(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's state has learned it, which the dead letter says."""
    evaluate = session.scorer.rulebook.evaluate

    def broken(features: FeatureValues, event: Transaction, population: dict[str, float]) -> RuleResult:
        if event.transaction_id == "T2":
            raise ZeroDivisionError("by zero")
        return evaluate(features, event, population)

    monkeypatch.setattr(session.scorer.rulebook, "evaluate", broken)
    for number in (1, 2, 3):
        session.take(payment(transaction_id=f"T{number}", timestamp=START + number))
    (first, *_), (letter,), (third, *_) = session.scorer.flush()
    assert [json.loads(output.value)["transaction_id"] for output in (first, third)] == ["T1", "T3"]
    reason = json.loads(letter.value)["reason"]
    assert reason.startswith("unexpected error after the user's state has learned the transaction, so that it is a dup")
    assert reason.endswith(": ZeroDivisionError: by zero")
    assert json.loads(third.value)["features"]["txn_count_5m"] == 3.0


def test_a_model_that_fails_on_one_of_many_still_scores_the_others(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    score_many = session.scorer.ensemble.score_many

    def broken(vectors: list[dict[str, float]]) -> list[Prediction]:
        if any(vector["amount"] == 13.0 for vector in vectors):
            raise RuntimeError("13")
        return score_many(vectors)

    monkeypatch.setattr(session.scorer.ensemble, "score_many", broken)
    for number, amount in enumerate((12.0, 13.0, 14.0)):
        session.take(payment(transaction_id=f"T{number}", timestamp=START + number, amount=amount))
    outputs = session.scorer.flush()
    assert [each[0].destination for each in outputs] == ["decisions", "dead-letters", "decisions"]


def test_many_taken_at_once_are_decided_as_one_by_one(reference: Path) -> None:
    """Bad records, duplicates, logins and alerts among them; each record's outputs in its place."""
    events = event_lines(600, seed=3, users=20)
    events[50:50] = [b"{", b""]
    alone, together = Session(reference, log_features=True), Session(reference, log_features=True)
    expected = [alone.send(line, key=user_of(line)) for line in events]
    found: list[list[Output]] = []
    for number, line in enumerate(events):
        together.take(line, key=user_of(line))
        if number % 37 == 0:
            found += together.scorer.flush()
    found += together.scorer.flush()
    assert found == expected
    assert together.scorer.flush() == []
    assert any(output.destination == "alerts" for outputs in found for output in outputs)


def test_what_was_read_ahead_is_decided_like_what_was_not(reference: Path) -> None:
    events = event_lines(600, seed=3, users=20)
    events[50:50] = [b"{", b"", b'{"type": "transaction", "user_id": "U1"}']
    alone, ahead = Session(reference, log_features=True), Session(reference, log_features=True)
    memory = ahead.scorer.engine.enrichment
    assert isinstance(memory, MemoryStore)
    assert look_ahead(alone.scorer.engine, events) == [None] * len(events)
    ahead.scorer.engine.enrichment = cache = CachedEnrichment(memory, CacheSettings(), lambda: 0)
    found: list[list[Output]] = []
    for start in range(0, len(events), 32):
        batch = events[start : start + 32]
        looked = look_ahead(ahead.scorer.engine, batch)
        misses = cache.counters.misses
        for line, event in zip(batch, looked, strict=True):
            ahead.logs.key = user_of(line)
            ahead.scorer.take(line, ahead.logs.key, None, ORIGIN, event)
        assert cache.counters.misses == misses  # all was there
        found += ahead.scorer.flush()
    assert found == [alone.send(line, key=user_of(line)) for line in events]
    assert cache.counters.misses == len({*cache._young, *cache._old})


def test_an_unexpected_error_while_reading_ahead_is_each_records_own(session: Session) -> None:
    class Broken(MemoryStore):
        def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
            raise ZeroDivisionError("by zero")

    session.scorer.engine.enrichment = CachedEnrichment(Broken({}), CacheSettings(), lambda: 0)
    line = json.dumps(payment()).encode()
    (event,) = look_ahead(session.scorer.engine, [line])
    assert isinstance(event, Transaction)
    session.logs.key = "U1"
    session.scorer.take(line, "U1", None, ORIGIN, event)
    ((letter,),) = session.scorer.flush()
    assert json.loads(letter.value)["reason"] == "unexpected error: ZeroDivisionError: by zero"


def user_of(line: bytes) -> str:
    return str(json.loads(line)["user_id"]) if len(line) > 2 else "nobody"


def test_a_failure_to_write_state_is_raised_and_forgets_the_user(reference: Path) -> None:
    class FullDisk(MemoryUserLogs):
        full = False

        def append(self, entry: bytes) -> None:
            if self.full:
                raise OSError("No space left on device")
            super().append(entry)

    logs = FullDisk()
    session = Session(reference, logs)
    session.decision()
    logs.full = True
    with pytest.raises(OSError, match="No space left"):
        session.send(payment(transaction_id="T2", timestamp=START + 1))
    logs.full = False
    decision = session.decision(transaction_id="T2", timestamp=START + 1)
    assert decision["features"]["txn_count_5m"] == 2.0


def test_a_very_late_transaction_is_scored_and_tagged(session: Session) -> None:
    session.decision(timestamp=START + 3 * DAY)
    decision = session.decision(transaction_id="T2", timestamp=START)
    assert decision["late"] is True
    assert decision["features"]["txn_count_1d"] is None
    assert json.loads(session.send(payment(transaction_id="T2", timestamp=START))[0].value)["type"] == "duplicate"


def test_a_blocked_device_is_blocked_whatever_the_score(session: Session) -> None:
    decision = session.decision(device_id="D-blocked")
    assert decision["action"] == "hard_block"
    assert decision["features"]["device_blacklisted"] == 1.0
    assert decision["reasons"][0]["text"] == "device D-blocked is on the block list (FRAUD)"


def test_an_expired_entry_of_the_block_list_counts_no_more(session: Session) -> None:
    assert session.decision(merchant_id="M-old")["action"] != "hard_block"


def test_a_sanctioned_user_raises_the_aml_flag_and_a_large_amount_too(session: Session) -> None:
    assert session.decision(user_id="U3")["flags"] == ["AML"]
    assert session.decision(amount=100_000.0)["flags"] == []
    assert session.decision(transaction_id="T2", amount=100_000.01)["flags"] == ["AML"]


NEVER_STOP = DecisionSettings(refer_above=1000, soft_challenge_above=1000, hard_block_above=1000)
FLAGGED = {"user_id": "U2", "ip_address": "10.0.0.9"}


def test_unverified_users_and_vpns_are_flagged_without_an_alert(reference: Path) -> None:
    outputs = Session(reference, decision=NEVER_STOP).send(payment(**FLAGGED))
    assert [output.destination for output in outputs] == ["decisions", "flags"]
    decision, notice = (json.loads(output.value) for output in outputs)
    assert (notice["type"], notice["flags"]) == ("flag", ["KYC", "PCI"])
    assert notice["flag_id"] == decision["decision_id"]
    assert notice["reasons"] == ["KYC: the user is not verified", "PCI: the IP address belongs to a VPN"]


def test_a_users_flag_is_told_once_a_day_and_decisions_carry_it_always(reference: Path) -> None:
    session = Session(reference, decision=NEVER_STOP)
    told = []
    for number, (time_ms, address) in enumerate(
        [(0, None), (HOUR, None), (2 * HOUR, "10.0.0.9"), (DAY, "10.0.0.9"), (3 * HOUR, "10.0.0.9"), (DAY + 1, None)]
    ):
        fields = {"user_id": "U2", "transaction_id": f"T{number}", "timestamp": START + time_ms, "ip_address": address}
        outputs = session.send(payment(**fields))
        assert "KYC" in json.loads(outputs[0].value)["flags"]
        told.append([flag for output in outputs[1:] for flag in json.loads(output.value)["flags"]])
    assert told == [["KYC"], [], ["PCI"], ["KYC", "PCI"], [], []]
    assert [output.destination for output in session.send(payment(user_id="U4"))] == ["decisions"]


def test_what_was_told_is_known_after_a_restart_with_and_without_a_snapshot(reference: Path) -> None:
    for snapshot_every in (1, 1_000):
        state = UserStateSettings(snapshot_every=snapshot_every)
        first = Session(reference, decision=NEVER_STOP, state=state)
        assert len(first.send(payment(**FLAGGED))) == 2
        again = Session(reference, first.logs, decision=NEVER_STOP, state=state)
        assert len(again.send(payment(**FLAGGED, transaction_id="T2", timestamp=START + HOUR))) == 1
        assert len(again.send(payment(**FLAGGED, transaction_id="T3", timestamp=START + DAY))) == 2


def test_flags_are_alerts_each_time_where_that_is_asked_for(reference: Path) -> None:
    session = Session(reference, decision=msgspec.structs.replace(NEVER_STOP, flag_alerts=True))
    for number in range(3):
        outputs = session.send(payment(**FLAGGED, transaction_id=f"T{number}", timestamp=START + number))
        assert [output.destination for output in outputs] == ["decisions", "alerts"]
        alert = json.loads(outputs[1].value)
        assert (alert["action"], alert["flags"]) == ("allow", ["KYC", "PCI"])
        assert alert["alert_id"] == json.loads(outputs[0].value)["decision_id"]


def test_a_stopped_payments_alert_carries_its_flags_and_they_count_as_told(session: Session) -> None:
    outputs = session.send(payment(**FLAGGED, device_id="D-blocked"))
    assert [output.destination for output in outputs] == ["decisions", "alerts"]
    assert json.loads(outputs[1].value)["flags"] == ["KYC", "PCI"]
    later = session.send(payment(**FLAGGED, transaction_id="T2", timestamp=START + 1))
    assert "flags" not in [output.destination for output in later]


def test_an_allowed_payment_is_explained_by_its_flags_not_by_its_low_score(session: Session) -> None:
    ordinary = {
        "user_id": "U2", "city": "Berlin", "currency": "USD", "merchant_category": "5411", "channel": "pos",
        "entry_mode": "chip",
    }  # fmt: skip
    for day in range(30):
        moment = START + day * DAY + 12 * HOUR
        outputs = session.send(payment(**ordinary, transaction_id=f"D{day}", timestamp=moment, amount=20.0 + day % 7))
    decision, notice = (json.loads(output.value) for output in outputs)
    assert (decision["action"], decision["rules"]["hits"]) == ("allow", [])
    assert decision["summary"] is None
    assert notice["reasons"] == ["KYC: the user is not verified"]
    assert [reason["source"] for reason in decision["reasons"]] == ["flag"]


def test_flags_are_told_beside_the_strongest_reasons_of_the_score_and_never_left_out(session: Session) -> None:
    decision = session.decision(user_id="U2", ip_address="10.0.0.9", device_id="D-blocked", amount=250_000.0)
    told = [reason["source"] for reason in decision["reasons"]]
    assert decision["flags"] == ["AML", "KYC", "PCI"]
    assert 4 < len(told) <= ScorerConfig().reasons_per_alert
    assert told[0] == "block_list"
    assert told[-3:] == ["flag"] * 3
    assert decision["summary"]


def test_an_account_change_by_nobody_is_told_once_a_day(session: Session) -> None:
    change = {
        "type": "account_change", "event_id": "C1", "user_id": "U1", "timestamp": START, "old_status": "blocked",
        "new_status": "active", "audit_user": "system",
    }  # fmt: skip
    (notice,) = session.send(change)
    assert notice.destination == "flags"
    assert json.loads(notice.value)["flags"] == ["AUDIT"]
    assert json.loads(notice.value)["reasons"] == ["account status changed from blocked to active by system"]
    assert session.send(change) == []
    assert session.send({**change, "event_id": "C3", "timestamp": START + HOUR}) == []
    (another_day,) = session.send({**change, "event_id": "C4", "timestamp": START + DAY})
    assert json.loads(another_day.value)["event_id"] == "C4"
    assert session.send({**change, "event_id": "C2", "audit_user": "maria"}) == []
    assert session.decision(timestamp=START + 2 * DAY)["features"]["days_since_unblock"] == 1.0


def test_an_account_change_by_nobody_is_an_alert_where_that_is_asked_for(reference: Path) -> None:
    session = Session(reference, decision=DecisionSettings(flag_alerts=True))
    change = {"type": "account_change", "event_id": "C1", "user_id": "U1", "timestamp": START, "audit_user": ""}
    (alert,) = session.send(change)
    assert (alert.destination, json.loads(alert.value)["flags"]) == ("alerts", ["AUDIT"])


def test_logins_and_labels_are_seen_by_later_transactions(session: Session) -> None:
    login = {"type": "login", "event_id": "L1", "user_id": "U1", "timestamp": START, "success": False}
    assert session.send(login) == []
    session.decision(timestamp=START + 1)
    label = {
        "type": "label", "event_id": "X1", "transaction_id": "T1", "user_id": "U1", "timestamp": START + 1,
        "known_at": START + HOUR, "is_fraud": True,
    }  # fmt: skip
    assert session.send(label) == []
    features = session.decision(transaction_id="T2", timestamp=START + HOUR)["features"]
    assert features["failed_logins_1d"] == 1.0
    assert features["prior_fraud_count"] == 1.0


def test_evictions_compactions_and_restores_give_the_same_bytes(reference: Path) -> None:
    draw = random.Random(5)
    records = []
    now = START
    for number in range(600):
        now += draw.randint(1, 2 * HOUR)
        records.append(
            payment(
                transaction_id=f"T{draw.randint(0, number)}" if draw.random() < 0.1 else f"T{number}",
                user_id=f"U{draw.randint(1, 4)}",
                timestamp=now - draw.choice([0, 0, 0, HOUR, 20 * HOUR, 3 * DAY]),
                amount=draw.randint(1, 90_000) / 100,
                merchant_id=f"M{draw.randint(1, 80)}",
                device_id=f"D{draw.randint(1, 20)}",
            )
        )
    plain = Session(reference)
    expected = [output.value for record in records for output in plain.send(record)]
    state = UserStateSettings(cached_users=2, snapshot_every=3, compact_slack=2, windows=WindowSettings(forget_batch=1))
    troubled = Session(reference, state=state)
    got = []
    for record in records:
        got += [output.value for output in troubled.send(record)]
        if draw.random() < 0.2:
            troubled.scorer.engine.states.evict_all()
        if draw.random() < 0.05:
            troubled = Session(reference, troubled.logs, state=state)
    assert got == expected

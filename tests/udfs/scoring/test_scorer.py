"""The scorer with the shipped bundle, the bank pack and a small reference folder."""

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
import numpy as np
import numpy.typing as npt
import pytest

from models.default_bundle import DEFAULT_BUNDLE
from tests.jobs.event_stream import event_lines
from udfs.core.learner import LearnerSettings, open_core
from udfs.entities.buckets import BucketSettings
from udfs.features.catalogue import NAMES
from udfs.features.values import named
from udfs.records.admission_settings import AdmissionSettings
from udfs.records.dead_letter import DeadLetterFormat
from udfs.records.events import Transaction
from udfs.records.outputs import DeadLetter, Origin, Output
from udfs.records.profiles import BlockEntry
from udfs.scoring.decider import judge_of
from udfs.scoring.decision_settings import DecisionSettings
from udfs.scoring.engine import Engine
from udfs.scoring.ensemble import Ensemble, ScoredBatch
from udfs.scoring.factory import open_scorer
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.settings import UserStateSettings, WindowSettings
from udfs.state.user_log import MemoryUserLogs
from udfs.stores.memory import MemoryStore, load_reference
from udfs.stores.port import Record, Store, Unreadable
from udfs.stores.record_source import RemoteSource
from udfs.stores.settings import CacheSettings

START = 1_767_225_600_000
HOUR, DAY = 3_600_000, 86_400_000
ORIGIN = Origin("events.jsonl")
Matrix = npt.NDArray[np.float32]
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
    """A scorer over in-memory state, with events as dicts."""

    def __init__(self, reference: Path, logs: MemoryUserLogs | None = None, **settings: Any) -> None:
        self.logs = logs or MemoryUserLogs()
        paths = ScorerPaths(bundle=str(DEFAULT_BUNDLE), reference=str(reference))
        self.scorer: Scorer = open_scorer(ScorerConfig(**settings), paths, self.logs)

    def use(self, *, store: Store | None = None, ensemble: Ensemble | None = None) -> None:
        """Replace the scorer by one with these parts; users' state is in the logs."""
        scorer = self.scorer
        source = scorer.engine.source
        cache = CacheSettings()
        if store is not None:
            source = RemoteSource(store, cache, lambda: 0)
        core = open_core(LearnerSettings(cache=cache if store is not None else None), source)
        self.scorer = Scorer(
            scorer.config, Engine(core, scorer.engine.features, source), ensemble or scorer.ensemble,
            scorer.rulebook, scorer.population, self.logs,
        )  # fmt: skip

    def send(self, record: dict[str, Any] | bytes, key: str | None = None, arrived: int | None = None) -> list[Output]:
        payload = record if isinstance(record, bytes) else json.dumps(record).encode()
        self.logs.set_current_key(key if key is not None else str(json.loads(payload)["user_id"]))
        return self.scorer.process(payload, self.logs.key, arrived, ORIGIN)

    def submit(self, record: dict[str, Any] | bytes, key: str | None = None) -> None:
        payload = record if isinstance(record, bytes) else json.dumps(record).encode()
        self.logs.set_current_key(key if key is not None else str(json.loads(payload)["user_id"]))
        self.scorer.submit(payload, self.logs.key, None, ORIGIN)

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


def test_a_decision_has_all_versions_and_features(session: Session) -> None:
    decision = session.decision()
    assert decision["type"] == "decision"
    assert list(decision["features"]) == list(NAMES)
    features = named({name: math.nan if value is None else value for name, value in decision["features"].items()})
    assert features["txn_count_5m"] == 1.0
    assert math.isnan(features["user_avg_amount"])
    again = session.scorer.ensemble.score(np.array([[*features.values()]], np.float32))
    assert again.scores[0].tolist() == [decision["model"][name] for name in ("probability", "xgboost", "anomaly")]
    event = msgspec.convert(payment(), Transaction)
    result = session.scorer.rulebook.evaluate(features.values(), event, session.scorer.population.inputs(event))
    assert [rule.id for rule in result.hits] == decision["rules"]["hits"]
    assert (result.score, result.points) == (decision["rules"]["score"], decision["rules"]["points"])
    manifest, rule_set = session.scorer.ensemble.bundle.manifest, session.scorer.rulebook.rule_set
    prediction = (*again.scores[0].tolist(), again.coverages[0])
    hits = [rule_set.rules.index(rule) for rule in result.hits]
    judge = judge_of(session.scorer.config.decision, manifest.decision, session.scorer.rulebook)
    probability, _, action, tags, *_ = judge.judge(
        prediction, result.points, hits, session.scorer.rulebook.core, is_blocked=False
    )
    assert decision["probability"] == probability
    assert decision["risk_score"] == math.floor(1000 * probability + 0.5)
    assert (decision["action"], decision["tags"]) == (action, tags)
    assert decision["coverage"] == again.coverages[0]


def test_a_duplicate_names_the_first_decision_and_changes_nothing(session: Session) -> None:
    first = session.decision()
    (again,) = session.send(payment())
    duplicate = json.loads(again.value)
    assert duplicate == {
        "type": "duplicate", "decision_id": first["decision_id"], "transaction_id": "T1", "user_id": "U1",
        "event_time_ms": START, "differs": False, "first_action": first["action"],
        "first_risk_score": first["risk_score"],
    }  # fmt: skip
    assert session.decision(transaction_id="T2", timestamp=START + 1)["features"]["txn_count_5m"] == 2.0
    assert "duplicate_differs" not in session.scorer.counters.tags


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 20.01}, {"timestamp": START + 1}, {"merchant_id": "M2"}, {"merchant_id": None}, {"device_id": "D2"},
        {"country": "FR"}, {"beneficiary_id": "B1"}, {"kind": "refund"},
    ],
    ids=str,
)  # fmt: skip
def test_a_duplicate_with_other_content_says_so_and_is_counted(session: Session, other: dict[str, Any]) -> None:
    first = session.decision()
    (again,) = session.send(payment(**other))
    duplicate = json.loads(again.value)
    assert (duplicate["type"], duplicate["decision_id"]) == ("duplicate", first["decision_id"])
    assert duplicate["differs"] is True
    assert session.scorer.counters.tags["duplicate_differs"] == 1


def test_a_user_with_more_events_than_are_remembered_is_tagged(reference: Path) -> None:
    session = Session(reference, state=UserStateSettings(max_events=16))
    tags = [session.decision(transaction_id=f"T{number}", timestamp=START + number)["tags"] for number in range(20)]
    assert [("limited_history" in of_one) for of_one in tags].index(True) == 18
    assert session.scorer.counters.tags["limited_history"] == 2
    again = json.loads(session.send(payment(transaction_id="T10", timestamp=START + 10))[0].value)
    assert again["type"] == "duplicate"
    forgotten = session.decision(transaction_id="T0", timestamp=START + 20)
    assert (forgotten["type"], forgotten["features"]["txn_count_5m"]) == ("decision", 17.0)


def test_a_bad_record_is_a_dead_letter_and_does_not_affect_its_user(session: Session) -> None:
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


def test_dead_letters_with_headers_have_the_raw_bytes(reference: Path) -> None:
    session = Session(reference, dead_letters=DeadLetterFormat(as_json=False))
    origin = Origin("tx", "3", 1234)
    (letter,) = session.scorer.process(None, " bad", None, origin)
    assert letter.value == b""
    assert letter.headers is not None
    assert letter.headers["reason"] == b"empty record"
    assert (letter.headers["topic"], letter.headers["partition"], letter.headers["offset"]) == (b"tx", b"3", b"1234")
    assert isinstance(letter.record, DeadLetter)
    assert (letter.record.reason, letter.record.payload, letter.record.origin) == ("empty record", b"", origin)


def test_a_record_routed_by_another_key_is_a_dead_letter(session: Session) -> None:
    (letter,) = session.send(payment(), key="U2")
    assert "not the key 'U2'" in json.loads(letter.value)["reason"]


def test_a_timestamp_10_minutes_after_arrival_is_a_dead_letter(session: Session) -> None:
    (accepted, *_) = session.send(payment(timestamp=START + 600_000), arrived=START)
    assert accepted.destination == "decisions"
    (letter,) = session.send(payment(transaction_id="T2", timestamp=START + 600_001), arrived=START)
    assert "lies in the future" in json.loads(letter.value)["reason"]


def test_the_latest_timestamp_applies_without_an_arrival_time(reference: Path) -> None:
    session = Session(reference, admission=AdmissionSettings(latest_timestamp_ms=START + 5))
    assert session.send(payment(timestamp=START + 5))[0].destination == "decisions"
    assert session.send(payment(transaction_id="T2", timestamp=START + 6))[0].destination == "dead-letters"


def test_a_look_up_that_fails_unexpectedly_makes_the_features_unknown(session: Session) -> None:
    class Broken(MemoryStore):
        def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
            raise ZeroDivisionError("by zero")

    session.use(store=Broken({}))
    decision = session.decision()
    assert decision["enrichment"] == "degraded"
    assert decision["features"]["account_age_days"] is None


def test_a_scoring_error_is_a_dead_letter_of_that_record_only(session: Session) -> None:
    """The user's state has the transaction, as the dead letter says."""

    class Broken(Ensemble):
        def score(self, vectors: Matrix) -> ScoredBatch:
            batch = super().score(vectors)
            batch.scores = batch.scores.copy()
            batch.scores[vectors[:, NAMES.index("amount")] == 13.0] = math.nan
            return batch

    session.use(ensemble=Broken(session.scorer.ensemble.bundle))
    for number, amount in enumerate((12.0, 13.0, 14.0)):
        session.submit(payment(transaction_id=f"T{number}", timestamp=START + number, amount=amount))
    (first, *_), (letter,), (third, *_) = session.scorer.flush()
    assert [json.loads(output.value)["transaction_id"] for output in (first, third)] == ["T0", "T2"]
    reason = json.loads(letter.value)["reason"]
    assert reason.startswith(
        "unexpected error after the transaction was added to the user's state, so that it is a dup"
    )
    assert reason.endswith(": ValueError: cannot convert float NaN to integer")
    assert session.scorer.counters.dead_letters == {"unexpected_error": 1}
    assert json.loads(third.value)["features"]["txn_count_5m"] == 3.0


def test_a_model_failure_on_one_record_does_not_affect_the_others(session: Session) -> None:
    class Broken(Ensemble):
        def score(self, vectors: Matrix) -> ScoredBatch:
            if (vectors[:, NAMES.index("amount")] == 13.0).any():
                raise RuntimeError("13")
            return super().score(vectors)

    session.use(ensemble=Broken(session.scorer.ensemble.bundle))
    for number, amount in enumerate((12.0, 13.0, 14.0)):
        session.submit(payment(transaction_id=f"T{number}", timestamp=START + number, amount=amount))
    outputs = session.scorer.flush()
    assert [each[0].destination for each in outputs] == ["decisions", "dead-letters", "decisions"]
    assert json.loads(outputs[1][0].value)["reason"].endswith(": RuntimeError: 13")


def sent(outputs: list[list[Output]]) -> list[list[tuple[str, str, bytes, dict[str, bytes] | None]]]:
    """The outputs of each record."""
    return [[(one.destination, one.key, one.value, one.headers) for one in of_record] for of_record in outputs]


def test_a_batch_is_decided_like_single_records(reference: Path) -> None:
    """With bad records, duplicates, logins and alerts; outputs are in the order of the records."""
    events = event_lines(600, seed=3, users=20)
    events[50:50] = [b"{", b""]
    alone, together = Session(reference, log_features="names"), Session(reference, log_features="names")
    expected = [alone.send(line, key=user_of(line)) for line in events]
    found: list[list[Output]] = []
    for number, line in enumerate(events):
        together.submit(line, key=user_of(line))
        if number % 37 == 0:
            found += together.scorer.flush()
    found += together.scorer.flush()
    assert sent(found) == sent(expected)
    assert together.scorer.flush() == []
    assert any(output.destination == "alerts" for outputs in found for output in outputs)


def test_a_remote_store_is_asked_once_a_batch_and_decisions_stay_the_same(reference: Path) -> None:
    class Counting(MemoryStore):
        round_trips: int
        keys: list[str]

        def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
            self.round_trips += 1
            self.keys += keys
            return super().get_many(keys)

    events = event_lines(600, seed=3, users=20)
    events[50:50] = [b"{", b"", b'{"type": "transaction", "user_id": "U1"}']
    store = Counting(dict(load_reference(reference, BucketSettings()).store.records))
    store.round_trips, store.keys = 0, []
    alone, together = Session(reference, log_features="names"), Session(reference, log_features="names")
    together.use(store=store)
    for entry in BLOCK_LIST:
        together.scorer.engine.block_list.put(msgspec.convert(entry, BlockEntry))
    found: list[list[Output]] = []
    for batch, start in enumerate(range(0, len(events), 32), 1):
        for line in events[start : start + 32]:
            together.submit(line, key=user_of(line))
        found += together.scorer.flush()
        assert store.round_trips <= batch
    assert sent(found) == sent([alone.send(line, key=user_of(line)) for line in events])
    assert len(store.keys) == len(set(store.keys)) > 100


def user_of(line: bytes) -> str:
    return str(json.loads(line)["user_id"]) if len(line) > 2 else "nobody"


def test_a_state_failure_is_raised_and_evicts_the_user(reference: Path) -> None:
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


def test_a_late_transaction_is_scored_and_marked(session: Session) -> None:
    session.decision(timestamp=START + 3 * DAY)
    decision = session.decision(transaction_id="T2", timestamp=START)
    assert decision["late"] is True
    assert decision["features"]["txn_count_1d"] is None
    assert json.loads(session.send(payment(transaction_id="T2", timestamp=START))[0].value)["type"] == "duplicate"


def test_a_blocked_device_is_blocked_for_any_score(session: Session) -> None:
    decision = session.decision(device_id="D-blocked")
    assert decision["action"] == "hard_block"
    assert decision["features"]["device_blacklisted"] == 1.0
    assert decision["reasons"][0]["text"] == "device D-blocked is on the block list (FRAUD)"


def test_an_expired_block_list_entry_has_no_effect(session: Session) -> None:
    assert session.decision(merchant_id="M-old")["action"] != "hard_block"


def test_sanctioned_users_and_large_amounts_raise_the_aml_flag(session: Session) -> None:
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


def test_flag_notices_are_daily_and_decisions_always_have_flags(reference: Path) -> None:
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


def test_reported_flags_survive_a_restart(reference: Path) -> None:
    for snapshot_every in (1, 1_000):
        state = UserStateSettings(snapshot_every=snapshot_every)
        first = Session(reference, decision=NEVER_STOP, state=state)
        assert len(first.send(payment(**FLAGGED))) == 2
        again = Session(reference, first.logs, decision=NEVER_STOP, state=state)
        assert len(again.send(payment(**FLAGGED, transaction_id="T2", timestamp=START + HOUR))) == 1
        assert len(again.send(payment(**FLAGGED, transaction_id="T3", timestamp=START + DAY))) == 2


def test_with_flag_alerts_each_flag_is_an_alert(reference: Path) -> None:
    session = Session(reference, decision=msgspec.structs.replace(NEVER_STOP, flag_alerts=True))
    actions = []
    for number in range(3):
        outputs = session.send(payment(**FLAGGED, transaction_id=f"T{number}", timestamp=START + number * HOUR))
        assert [output.destination for output in outputs] == ["decisions", "alerts"]
        decision, alert = (json.loads(output.value) for output in outputs)
        assert (alert["alert_id"], alert["action"]) == (decision["decision_id"], decision["action"])
        assert alert["flags"] == ["KYC", "PCI"]
        actions.append(decision["action"])
    assert "allow" in actions


def test_flags_of_an_alert_count_as_reported(session: Session) -> None:
    outputs = session.send(payment(**FLAGGED, device_id="D-blocked"))
    assert [output.destination for output in outputs] == ["decisions", "alerts"]
    assert json.loads(outputs[1].value)["flags"] == ["KYC", "PCI"]
    later = session.send(payment(**FLAGGED, transaction_id="T2", timestamp=START + 1))
    assert "flags" not in [output.destination for output in later]


def test_a_flagged_allowed_payment_has_only_reasons_of_flags(session: Session) -> None:
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


def test_flags_are_listed_after_the_strongest_reasons(session: Session) -> None:
    decision = session.decision(user_id="U2", ip_address="10.0.0.9", device_id="D-blocked", amount=250_000.0)
    told = [reason["source"] for reason in decision["reasons"]]
    assert decision["flags"] == ["AML", "KYC", "PCI"]
    assert 4 < len(told) <= ScorerConfig().reasons_per_alert
    assert told[0] == "block_list"
    assert told[-3:] == ["flag"] * 3
    assert decision["summary"]


def test_an_account_change_by_an_unknown_user_is_reported_daily(session: Session) -> None:
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


def test_with_flag_alerts_an_unknown_account_change_is_an_alert(reference: Path) -> None:
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
    state = UserStateSettings(snapshot_every=3, compact_slack=2, windows=WindowSettings(forget_batch=1))
    troubled = Session(reference, state=state, user_cache_bytes=10_000)
    got = []
    for record in records:
        got += [output.value for output in troubled.send(record)]
        if draw.random() < 0.2:
            troubled.scorer.engine.users.evict_all()
        if draw.random() < 0.05:
            troubled = Session(reference, troubled.logs, state=state, user_cache_bytes=10_000)
    assert got == expected

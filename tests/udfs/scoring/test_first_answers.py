"""A repeated transaction gets what was decided on the first one: in its batch, later, and from stored state."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import pytest

from models.default_bundle import DEFAULT_BUNDLE
from udfs.core._native import stored_entry
from udfs.records.outputs import Decision, Duplicate, EventResult, Origin
from udfs.scoring.factory import open_scorer
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.settings import UserStateSettings
from udfs.state.user_log import MemoryUserLogs

HOUR = 3_600_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
ORIGIN = Origin("test")


def payment(transaction_id: str, user_id: str, amount: float = 20.0, hours: int = 0) -> bytes:
    fields = {
        "transaction_id": transaction_id, "user_id": user_id, "timestamp": START + hours * HOUR, "amount": amount,
        "merchant_id": "M1", "device_id": "D1", "country": "US", "channel": "ecommerce",
    }  # fmt: skip
    return json.dumps(fields).encode()


def scorer_over(logs: MemoryUserLogs, state: UserStateSettings | None = None) -> Scorer:
    config = ScorerConfig(state=state or UserStateSettings())
    return open_scorer(config, ScorerPaths(bundle=str(DEFAULT_BUNDLE)), logs)


def decide(scorer: Scorer, logs: MemoryUserLogs, batch: Sequence[tuple[str, bytes]]) -> list[EventResult]:
    """The decisions and duplicates of a batch of (user, payload)."""
    for user_id, payload in batch:
        logs.set_current_key(user_id)
        scorer.submit(payload, user_id, None, ORIGIN)
    return [outputs[0].record for outputs in scorer.flush()]  # type: ignore[misc]


def assert_same(first: EventResult, repeat: EventResult) -> None:
    assert isinstance(first, Decision)
    assert isinstance(repeat, Duplicate)
    assert (repeat.first_action, repeat.first_risk_score) == (first.action, first.risk_score)
    assert repeat.decision_id == first.decision_id


def test_a_repeat_in_the_same_batch_gets_the_first_answer() -> None:
    logs = MemoryUserLogs()
    scorer = scorer_over(logs)
    found = decide(
        scorer,
        logs,
        [("U1", payment("T1", "U1")), ("U2", payment("T1", "U2", amount=9_999.0)), ("U1", payment("T1", "U1"))],
    )
    assert_same(found[0], found[2])


@pytest.mark.parametrize("evict", [False, True])
def test_a_repeat_gets_the_first_answer_from_memory_and_from_stored_state(evict: bool) -> None:
    logs = MemoryUserLogs()
    scorer = scorer_over(logs)
    amounts = (12.0, 9_999.0, 48_000.0)
    first = [decide(scorer, logs, [("U1", payment(f"T{number}", "U1", amount=amount, hours=number))])[0]
             for number, amount in enumerate(amounts)]  # fmt: skip
    if evict:
        scorer = scorer_over(logs)
    for number, amount in enumerate(amounts):
        (repeat,) = decide(scorer, logs, [("U1", payment(f"T{number}", "U1", amount=amount, hours=number))])
        assert_same(first[number], repeat)
    assert len({record.risk_score for record in first if isinstance(record, Decision)}) > 1


def test_the_first_answer_stays_when_a_repeat_says_something_else() -> None:
    logs = MemoryUserLogs()
    scorer = scorer_over(logs)
    first, repeat = decide(scorer, logs, [("U1", payment("T1", "U1")), ("U1", payment("T1", "U1", amount=77_000.0))])
    assert_same(first, repeat)
    assert isinstance(repeat, Duplicate)
    assert repeat.differs


@pytest.mark.parametrize("seed", range(4))
def test_answers_survive_compaction_restarts_and_batches_of_any_size(seed: int) -> None:
    """Many users, repeats, batches of 1 to 40 and a snapshot or compacted log every few entries."""
    chance = random.Random(seed)
    state = UserStateSettings(snapshot_every=3, compact_slack=2)
    logs = MemoryUserLogs()
    scorer = scorer_over(logs, state)
    firsts: dict[tuple[str, str], Decision] = {}
    sent: list[tuple[str, bytes]] = []
    for number in range(400):
        if sent and chance.random() < 0.3:
            sent.append(sent[chance.randrange(max(0, len(sent) - 60), len(sent))])
        else:
            user = f"U{chance.randrange(5)}"
            hours = number // 12 + chance.randrange(2)
            sent.append((user, payment(f"T{number}", user, amount=round(chance.lognormvariate(4, 3), 2), hours=hours)))
    at, repeats = 0, 0
    while at < len(sent):
        batch = sent[at : at + chance.randrange(1, 41)]
        at += len(batch)
        if chance.random() < 0.2:
            scorer = scorer_over(logs, state)
        for record in decide(scorer, logs, batch):
            assert isinstance(record, Decision | Duplicate)
            id = (record.user_id, record.transaction_id)
            if isinstance(record, Decision):
                assert id not in firsts
                firsts[id] = record
            else:
                repeats += 1
                assert_same(firsts[id], record)
    assert repeats > 80
    for user in range(5):
        logs.set_current_key(f"U{user}")
        for entry in map(stored_entry, logs.entries()):
            if entry["kind"] == "transaction":
                first = firsts[f"U{user}", entry["transaction_id"]]
                assert entry["answer"] == (first.action, first.risk_score)

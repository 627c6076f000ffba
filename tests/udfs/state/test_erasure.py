"""After an erasure a user is as one never seen: features, decisions, ids and stored state, in batches of any size."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from models.default_bundle import DEFAULT_BUNDLE
from tests.jobs.frames import Framed, write_records
from tests.oracle.brute_force_user import HOUR, MINUTE, BruteForceUser
from tests.udfs.engines import Engine
from tests.udfs.features.test_features_against_brute_force import ORACLE_PROFILE, START, Twin, random_transaction
from udfs.flink.frame import read_answer
from udfs.records.events import Erasure, Label, Login, Transaction
from udfs.records.outputs import Decision, Duplicate, Origin, decode_result
from udfs.scoring.factory import open_scorer
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.settings import UserStateSettings
from udfs.state.user_log import MemoryUserLogs

SMALL = UserStateSettings(snapshot_every=5, compact_slack=4)
PATHS = ScorerPaths(bundle=str(DEFAULT_BUNDLE))
ORIGIN = Origin("test")


def erase(twin: Twin, t: int) -> None:
    assert twin.engine.tell(Erasure(event_id=f"e{t}", user_id="U1", timestamp=t))
    twin.oracle = BruteForceUser(profile=ORACLE_PROFILE)
    assert twin.engine.stored() == (None, ())


@pytest.mark.parametrize("seed", range(12))
def test_features_after_an_erasure_are_those_of_a_new_user(seed: int) -> None:
    """Earlier events come again and late ones come for the first time: both are a new user's."""
    draw, twin, now = random.Random(seed), Twin(), START
    sent: list[dict[str, Any]] = []
    for number in range(160):
        now += draw.choice([20_000, 10 * MINUTE, 5 * HOUR])
        if draw.random() < 0.04:
            erase(twin, now)
        chance = draw.random()
        if chance < 0.1:
            twin.login({"id": f"L{draw.randint(0, number)}", "t": now, "success": False, "device": "d1", "city": None})
        elif chance < 0.14 and sent:
            twin.label(sent[-1]["id"], sent[-1]["t"], now, True)
        elif chance < 0.3 and (near := [tx for tx in sent if tx["t"] > now - 20 * HOUR]):
            twin.transaction(draw.choice(near))
        else:
            tx = random_transaction(draw, f"T{number}", now - draw.choice([0, 0, HOUR, 20 * HOUR]))
            sent.append(tx)
            twin.transaction(tx)
        if draw.random() < 0.2:
            draw.choice([twin.evict, twin.restore])()
    assert twin.seen["duplicate"] > 1
    assert twin.seen["compared"] > 3_000


def test_labels_logins_and_flags_are_forgotten_too() -> None:
    engine = Engine()
    engine.tell(
        Login(event_id="L1", user_id="U1", timestamp=START, success=False),
        Label(event_id="x", transaction_id="T0", user_id="U1", timestamp=START, known_at=START, is_fraud=True),
    )
    large = Transaction(transaction_id="T1", user_id="U1", timestamp=START + 1, amount=200_000.0)
    before = engine.pay(large)
    engine.tell(Erasure(event_id="e", user_id="U1", timestamp=START + 2))
    after, fresh = engine.pay(large), Engine().pay(large)
    assert before is not None
    assert after is not None
    assert fresh is not None
    assert before.flags == after.flags == fresh.flags == ["AML"]
    assert repr(after) == repr(fresh)
    assert repr(before) != repr(fresh)


def test_an_erasure_of_a_stranger_and_a_repeated_one_change_nothing() -> None:
    engine = Engine()
    for _ in range(2):
        engine.tell(Erasure(event_id="e", user_id="U1", timestamp=START))
        assert engine.stored() == (None, ())
    assert engine.pay(Transaction(transaction_id="T1", user_id="U1", timestamp=START, amount=1.0)) is not None


def stream(seed: int, count: int) -> list[tuple[str, bytes]]:
    """(user, payload) of three users: payments of few ids, logins, and erasures among them."""
    draw, now, found = random.Random(seed), START, []
    for number in range(count):
        now += draw.choice([0, 1_000, 40 * MINUTE])
        user = f"U{draw.randrange(3)}"
        chance = draw.random()
        event: dict[str, Any] = {"user_id": user, "timestamp": now}
        if chance < 0.08:
            event |= {"type": "erasure", "event_id": f"e{number}"}
        elif chance < 0.14:
            event |= {"type": "login", "event_id": f"L{number}", "success": False}
        else:
            amount = draw.choice([5, 5_000, 150_000])
            event |= {"transaction_id": f"T{draw.randrange(6)}", "amount": amount, "device_id": "D", "country": "US"}
        found.append((user, json.dumps(event).encode()))
    return found


def expected(events: Sequence[tuple[str, bytes]]) -> list[list[bytes]]:
    """By definition: after each erasure the user's state is another, empty one."""
    logs, erasures = MemoryUserLogs(), Counter[str]()
    scorer = open_scorer(ScorerConfig(state=SMALL), PATHS, logs)
    outputs: list[list[bytes]] = []
    for user, payload in events:
        if b'"erasure"' in payload:
            erasures[user] += 1
            scorer.engine.core.evict(user)
            outputs.append([])
            continue
        logs.set_current_key(f"{user}, {erasures[user]}")
        outputs.append([output.value for output in scorer.process(payload, user, None, ORIGIN)])
    return outputs


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [1, 2, 7, 64])
@pytest.mark.parametrize("framed", [False, True])
def test_decisions_do_not_depend_on_how_erasures_fall_into_batches(seed: int, size: int, framed: bool) -> None:
    events = stream(seed, 200)
    logs = MemoryUserLogs()
    scorer = open_scorer(ScorerConfig(state=SMALL), PATHS, logs)
    found: list[list[bytes]] = []
    for start in range(0, len(events), size):
        batch = events[start : start + size]
        found += in_a_frame(scorer, logs, batch) if framed else submitted(scorer, logs, batch)
        if start % 3 == 0:
            scorer.engine.core.evict_all()
    assert found == expected(events)
    records = [decode_result(outputs[0]) for outputs in found if outputs]
    assert sum(isinstance(record, Duplicate) for record in records) > 10
    assert len({record.decision_id for record in records if isinstance(record, Decision)}) < sum(
        isinstance(record, Decision) for record in records
    )  # an id that was forgotten is decided anew
    assert scorer.counters.erased == sum(b'"erasure"' in payload for _, payload in events) > 5


def submitted(scorer: Scorer, logs: MemoryUserLogs, batch: Sequence[tuple[str, bytes]]) -> list[list[bytes]]:
    for user, payload in batch:
        logs.set_current_key(user)
        scorer.submit(payload, user, None, ORIGIN)
    return [[output.value for output in outputs] for outputs in scorer.flush()]


def in_a_frame(scorer: Scorer, logs: MemoryUserLogs, batch: Sequence[tuple[str, bytes]]) -> list[list[bytes]]:
    """As the operator does it: entries are added to the state after all else is written."""
    frame = write_records(Framed(user, "test", payload, None, -1, 0) for user, payload in batch)
    scored = scorer.score_frame(frame, "test", None, lambda place: logs.go_to(batch[place][0]))
    outputs = []
    for (user, _), answered in zip(batch, read_answer(scored.answer), strict=True):
        logs.go_to(user)
        for entry in answered.entries:
            logs.append(entry)
        outputs.append([value for _, value in answered.outputs])
    return outputs

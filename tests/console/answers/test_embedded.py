"""Answers of the embedded scorer: those of a replay, the same for repeats, across restarts, and one process at a time."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.answers.embedded import EmbeddedAnswers
from console.answers.embedded_log import EmbeddedLogError, read_records
from console.answers.port import Answer, EventRefused, OtherContent, Unavailable
from models.default_bundle import DEFAULT_BUNDLE
from models.replay import replay_outputs
from simulator.config import SimulatorConfig
from simulator.files import write
from simulator.generate import simulate
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.outputs import Decision
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

START = 1_767_225_600_000
PATHS = ScorerPaths(bundle=str(DEFAULT_BUNDLE))


def payment(transaction_id: str = "T1", user_id: str = "U1", **fields: Any) -> bytes:
    known = {"transaction_id": transaction_id, "user_id": user_id, "timestamp": START, "amount": 20.0, "country": "US"}
    return json.dumps(known | fields).encode()


def opened(path: Path, config: ScorerConfig | None = None, paths: ScorerPaths = PATHS) -> EmbeddedAnswers:
    now_ms = lambda: time.time_ns() // 1_000_000  # noqa: E731
    return EmbeddedAnswers(config or ScorerConfig(), paths, path, SYSTEM_CLOCKS, now_ms)


def decide_all(path: Path, payloads: Sequence[bytes]) -> list[Answer | Exception]:
    """Answers to payloads that are sent at once, by one opening of the log."""

    async def decide() -> list[Answer | Exception]:
        answers = opened(path)
        try:
            return await asyncio.gather(*map(answers.decide, payloads), return_exceptions=True)  # type: ignore[return-value]
        finally:
            await answers.close()

    return asyncio.run(decide())


def test_answers_are_the_decisions_of_a_replay(tmp_path: Path) -> None:
    write(simulate(SimulatorConfig(users=60, days=4, seed=5)), tmp_path)
    events = tmp_path / "events.jsonl"
    paths = msgspec.structs.replace(PATHS, reference=str(tmp_path / "reference"))
    logs = MemoryUserLogs()
    replayed = [
        output.record
        for output in replay_outputs(events, open_scorer(ScorerConfig(), paths, logs), logs)
        if output.destination == "decisions" and isinstance(output.record, Decision)
    ]

    async def send() -> list[Answer]:
        answers = opened(tmp_path / "scorer.sqlite", paths=paths)
        found = []
        for line in events.read_bytes().splitlines():
            if json.loads(line)["type"] == "transaction":
                found.append(await answers.decide(line))
            else:
                await answers.accept(line)
        await answers.close()
        return found

    found = asyncio.run(send())
    assert len(found) > 300
    for answer, decision in zip(found, replayed, strict=True):
        assert answer.decision is not None
        same = {"origin": None}
        assert msgspec.structs.replace(answer.decision, **same) == msgspec.structs.replace(decision, **same)


def test_a_repeat_gets_the_first_answer_at_once_and_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "scorer.sqlite"
    first, repeat = decide_all(path, [payment(), payment()])
    (later,) = decide_all(path, [payment()])
    assert isinstance(first, Answer)
    assert not first.repeated
    for answer in (repeat, later):
        assert isinstance(answer, Answer)
        assert answer.repeated
        assert answer.decision == first.decision
        assert (answer.action, answer.risk_score) == (first.action, first.risk_score)


def test_spelling_of_a_repeat_does_not_matter_but_content_does(tmp_path: Path) -> None:
    path = tmp_path / "scorer.sqlite"
    decide_all(path, [payment(channel="ecommerce")])
    again, other, elsewhere = decide_all(
        path,
        [
            payment(timestamp="2026-01-01T00:00:00Z", channel="ecommerce", unknown_field=1),
            payment(channel="ecommerce", session_id="S1"),
            payment(channel="ecommerce", user_id="U2"),
        ],
    )
    assert isinstance(again, Answer)
    assert again.repeated
    assert isinstance(other, OtherContent)
    assert isinstance(elsewhere, Answer)
    assert not elsewhere.repeated


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty"),
        (b"{", "JSON"),
        (b"[" * 5_000, "object"),
        (payment(amount=-1), "amount"),
        (b'{"transaction_id":"T1","user_id":"U1","timestamp":1767225600000}', "amount"),
        (json.dumps({"type": "login", "event_id": "E1", "user_id": "U1", "timestamp": START}).encode(), "transaction"),
        (payment(timestamp=START + 20 * 365 * 86_400_000), "future"),
    ],
)
def test_what_is_no_payment_is_refused_with_its_reason(tmp_path: Path, payload: bytes, reason: str) -> None:
    refused, sane = decide_all(tmp_path / "scorer.sqlite", [payload, payment("T2")])
    assert isinstance(refused, EventRefused)
    assert re.search(reason, str(refused), re.IGNORECASE), refused
    assert isinstance(sane, Answer)


def test_answers_are_kept_however_old_the_payment_is(tmp_path: Path) -> None:
    """The state remembers ids for 48 hours of the user's event time; the log keeps answers by the time of arrival."""
    path = tmp_path / "scorer.sqlite"
    first, *_ = decide_all(path, [payment(), payment("T2", timestamp=START + 5 * 86_400_000)])
    (repeat,) = decide_all(path, [payment()])
    assert isinstance(first, Answer)
    assert isinstance(repeat, Answer)
    assert repeat.repeated
    assert repeat.decision == first.decision


def test_old_records_are_removed_once_they_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "scorer.sqlite"
    clock = [1_000_000]

    def kept() -> list[str]:
        records = read_records(path, 0, 100)
        return [json.loads(record.value)["transaction_id"] for record in records if record.topic == "decisions"]

    async def send() -> None:
        answers = EmbeddedAnswers(
            ScorerConfig(), PATHS, path, SYSTEM_CLOCKS, lambda: START + clock[0], keep_ms=60_000, is_taken=True
        )
        await answers.decide(payment("T1"))
        taken = read_records(path, 0, 100)[-1].number
        clock[0] = 1_050_000
        await answers.decide(payment("T2"))
        clock[0] = 1_070_000  # T1 is old, but not taken yet
        await answers.decide(payment("T3"))
        assert kept() == ["T1", "T2", "T3"]
        answers.set_taken(taken)
        clock[0] = 1_120_000  # T2 is old now, too
        await answers.decide(payment("T4"))
        assert kept() == ["T2", "T3", "T4"]
        repeat = await answers.decide(payment("T1"))
        assert repeat.repeated  # by the state: action and score without the decision
        assert repeat.decision is None
        await answers.close()

    asyncio.run(send())


def test_the_log_holds_events_and_outputs_in_order(tmp_path: Path) -> None:
    path = tmp_path / "scorer.sqlite"
    login = json.dumps({"type": "login", "event_id": "E1", "user_id": "U1", "timestamp": START - 1}).encode()

    async def send() -> None:
        answers = opened(path)
        assert await answers.accept(login) == "E1"
        await answers.decide(payment())
        with pytest.raises(EventRefused):
            await answers.accept(payment("T2"))
        await answers.close()

    asyncio.run(send())
    records = read_records(path, 0, 100)
    assert [record.topic for record in records][:3] == ["events", "events", "decisions"]
    assert [record.value for record in records[:2]] == [login, payment()]
    assert json.loads(records[2].value)["transaction_id"] == "T1"
    assert read_records(path, records[1].number, 1) == [records[2]]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "scorer.sqlite"

    async def twice() -> None:
        answers = opened(path)
        with pytest.raises(EmbeddedLogError, match="in use by process"):
            opened(path)
        await answers.close()
        await opened(path).close()

    asyncio.run(twice())


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scorer.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(EmbeddedLogError, match="not a database"):
        opened(path)


def test_a_closed_scorer_is_unavailable(tmp_path: Path) -> None:
    async def after_close() -> None:
        answers = opened(tmp_path / "scorer.sqlite")
        await answers.close()
        assert not answers.is_ready()
        with pytest.raises(Unavailable) as refused:
            await answers.decide(payment())
        assert refused.value.retry_after_seconds > 0

    asyncio.run(after_close())

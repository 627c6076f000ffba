"""An erased person is in no row of the embedded scorer's file, and begins anew; kill -9 in between is made good."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from console.answers import embedded
from console.answers.embedded import EmbeddedAnswers
from console.answers.embedded_log import EmbeddedLog, EmbeddedLogError, read_records
from console.answers.log_erasure import erase_from_log
from console.answers.port import Answer
from tests.console.answers.test_embedded import START, decide_all, opened, payment
from udfs.records.events import Erasure

PERSON = "Person-4711"


def erasure(user_id: str = PERSON) -> Erasure:
    return Erasure(event_id="e1", user_id=user_id, timestamp=START)


def payments(count: int, users: Sequence[str] = (PERSON, "U1", "U2")) -> list[bytes]:
    """Several of each user, a minute apart."""
    return [
        payment(f"T{number}", users[number % len(users)], timestamp=START + number * 60_000, amount=20.0 + number)
        for number in range(count)
    ]


def bytes_of(path: Path) -> bytes:
    """All of the database's files."""
    return b"".join(one.read_bytes() for one in sorted(path.parent.glob(path.name + "*")))


async def decided(answers: EmbeddedAnswers, payloads: Sequence[bytes]) -> list[Answer]:
    return [await answers.decide(payload) for payload in payloads]


def test_nothing_of_an_erased_person_is_left_and_others_keep_all(tmp_path: Path) -> None:
    path, sent = tmp_path / "scorer.sqlite", payments(90)

    async def run() -> tuple[list[Answer], list[Answer]]:
        answers = opened(path)
        try:
            before = await decided(answers, sent)
            await answers.erase(erasure())
            again = await decided(answers, sent[1:2])
            return before, again
        finally:
            await answers.close()

    before, again = asyncio.run(run())
    assert again[0].repeated
    assert again[0].decision == before[1].decision
    kept = read_records(path, 0, 10_000)
    assert {record.user_id for record in kept} == {"U1", "U2"}
    assert sum(record.topic == "events" for record in kept) == 60
    with sqlite3.connect(path) as database:
        for table in ("snapshots", "entries", "answered", "erasing"):
            users = {user for (user,) in database.execute(f"SELECT user_id FROM {table}")}
            assert PERSON not in users, table


def test_an_erased_person_is_decided_as_a_new_one(tmp_path: Path) -> None:
    sent = payments(30)
    mine = [one for one in sent if PERSON.encode() in one]

    async def run() -> list[Answer]:
        answers = opened(tmp_path / "scorer.sqlite")
        try:
            await decided(answers, sent)
            await answers.erase(erasure())
            return await decided(answers, mine)
        finally:
            await answers.close()

    found, fresh = asyncio.run(run()), decide_all(tmp_path / "fresh.sqlite", mine)
    for one, expected in zip(found, fresh, strict=True):
        assert isinstance(expected, Answer)
        assert not one.repeated
        assert one.decision == expected.decision


def test_an_erasure_among_payments_at_once_leaves_those_after_it(tmp_path: Path) -> None:
    path, sent = tmp_path / "scorer.sqlite", payments(8, users=(PERSON,))

    async def run() -> None:
        answers = opened(path)
        try:
            before, after = sent[:4], [payment("T0", PERSON, timestamp=START + 9_000_000), *sent[4:]]
            work = [answers.decide(one) for one in before] + [answers.erase(erasure())]
            await asyncio.gather(*work, *(answers.decide(one) for one in after))
        finally:
            await answers.close()

    asyncio.run(run())
    events = [json.loads(one.value) for one in read_records(path, 0, 100) if one.topic == "events"]
    assert [one["transaction_id"] for one in events] == ["T0", "T4", "T5", "T6", "T7"]
    repeats = decide_all(path, sent[4:])
    assert all(isinstance(one, Answer) and one.repeated for one in repeats)


def test_an_erasure_that_was_not_finished_goes_on_with_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scorer.sqlite"
    decide_all(path, payments(300))
    log = EmbeddedLog(path)
    log.set_current_key(PERSON)
    log.clear()
    log.begin_erasure(PERSON)
    log.erase_some(40)
    log.commit()
    log.erase_some(40)  # not committed
    log.close()
    assert sum(record.user_id == PERSON for record in read_records(path, 0, 10_000)) > 40
    monkeypatch.setattr(embedded, "SEARCHED_AT_ONCE", 16)

    async def wait() -> None:
        answers = opened(path)
        while any(record.user_id == PERSON for record in read_records(path, 0, 10_000)):
            await asyncio.sleep(0.02)
        await answers.close()

    asyncio.run(asyncio.wait_for(wait(), 30))
    assert len(read_records(path, 0, 10_000)) == 400


def test_kill_9_during_erasures_leaves_all_or_nothing_of_a_person(tmp_path: Path) -> None:
    """Of each person the state is there with the answers, or neither; what was acknowledged is gone for good."""
    path = tmp_path / "scorer.sqlite"
    people = [f"P{number:03d}" for number in range(60)]
    decide_all(path, payments(600, users=people))
    acknowledged: list[str] = []
    for turn in range(4):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.console.answers.erasing_child", str(path), *people[len(acknowledged) :]],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
        )  # fmt: skip
        assert child.stdout is not None
        for _ in range(3 + turn):
            acknowledged.append(child.stdout.readline().strip())
        time.sleep(0.001 * turn)
        os.kill(child.pid, signal.SIGKILL)
        acknowledged += [line.strip() for line in child.stdout if line.endswith("\n")]
        child.wait()
        child.stdout.close()
    assert acknowledged == people[: len(acknowledged)]
    assert len(acknowledged) >= 18
    with sqlite3.connect(path) as database:
        of = {
            table: {user for (user,) in database.execute(f"SELECT DISTINCT user_id FROM {table}")}
            for table in ("entries", "snapshots", "answered", "records")
        }
    assert of["entries"] | of["snapshots"] == of["answered"] <= of["records"]
    assert not of["answered"] & set(acknowledged)
    assert len(of["answered"]) >= len(people) - len(acknowledged) - 4
    asyncio.run(opened(path).close())
    erase_from_log(path, acknowledged[-1])  # finishes all
    assert {record.user_id for record in read_records(path, 0, 10_000)} == of["answered"]


def test_a_log_is_erased_without_a_scorer_but_not_beside_one(tmp_path: Path) -> None:
    path = tmp_path / "scorer.sqlite"
    decide_all(path, payments(30))
    assert PERSON.encode() in bytes_of(path)
    seen: list[tuple[int, int]] = []
    assert erase_from_log(path, PERSON, lambda done, total: seen.append((done, total))) == 20  # event and decision
    assert seen[-1][0] == seen[-1][1]
    assert erase_from_log(path, PERSON) == 0
    assert PERSON.encode() not in bytes_of(path)
    answers = opened(path)
    with pytest.raises(EmbeddedLogError, match="in use by process"):
        erase_from_log(path, PERSON)
    asyncio.run(answers.close())


def test_a_log_of_the_layout_before_erasures_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "scorer.sqlite"
    decide_all(path, payments(3))
    with sqlite3.connect(path) as database:
        database.executescript("DROP TABLE erasing; DROP TABLE written_with")
        database.execute("PRAGMA user_version = 1")
    database.close()
    assert erase_from_log(path, PERSON) == 2
    (repeat,) = decide_all(path, payments(3)[1:2])
    assert isinstance(repeat, Answer)
    assert repeat.repeated

"""Erasures in a job: keyed state is cleared on both backends, across a restore at another parallelism, and counted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

from jobs.config.job import JobConfig
from jobs.score_transactions import run, start
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import by_user, replayed, written_lines
from tests.jobs.prometheus import Scrape, free_port, reporter

EVENTS = 8_000
ERASED_EVERY = 40


def with_erasures(lines: Iterable[bytes], seed: int = 2) -> list[bytes]:
    """Now and then the user of the last event is erased, and an earlier event of the user comes again."""
    random, found = Random(seed), list[bytes]()
    for number, line in enumerate(lines):
        found.append(line)
        if number % ERASED_EVERY == 0:
            event = json.loads(line)
            erasure = {
                "type": "erasure", "event_id": f"E{number}", "user_id": event["user_id"], "timestamp": event["timestamp"],
            }  # fmt: skip
            found.append(json.dumps(erasure).encode())
            if random.random() < 0.5:
                found.append(line)
    return found


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return with_erasures(event_lines(EVENTS, seed=21, users=60))


@pytest.mark.parametrize(("backend", "parallelisms"), [("hashmap", (1, 2)), ("rocksdb", (2, 1))])
def test_a_restored_job_has_forgotten_whom_it_was_told_to_forget(
    configure: Configure, tmp_path: Path, lines: list[bytes], backend: str, parallelisms: tuple[int, int]
) -> None:
    source = write_events(tmp_path / "events.jsonl", lines)

    def config(parallelism: int, **state: str) -> JobConfig:
        return configure(
            source,
            flink={"parallelism": parallelism, "extra": PROMPT},
            state={"backend": backend, "cache_mb": 0.1, **state},  # users are loaded again and again
        )

    job = start(config(parallelisms[0]))
    wait_for_records(job, 1_000)
    restored = {"restore_from": job.stop_with_savepoint(str(tmp_path / "savepoints"))}
    assert len(written_lines(tmp_path / "out", "decisions")) < EVENTS * 0.9
    run(config(parallelisms[1], **restored))
    expected = replayed(config(1, **restored), lines)
    for topic in ("decisions", "alerts", "flags"):
        assert by_user(written_lines(tmp_path / "out", topic)) == by_user(expected[topic])
    kinds = [json.loads(line) for line in expected["decisions"]]
    decided = [one["decision_id"] for one in kinds if one["type"] == "decision"]
    assert len(decided) - len(set(decided)) > 50  # repeats after an erasure are decided anew
    assert written_lines(tmp_path / "out", "dead-letters") == []


def test_erased_users_are_counted(configure: Configure, tmp_path: Path, lines: list[bytes]) -> None:
    directory, port = tmp_path / "control", free_port()
    directory.mkdir()
    config = configure(
        write_events(tmp_path / "events.jsonl", lines[:2_000]),
        flink={"parallelism": 2, "extra": {**PROMPT, **reporter(port)}},
        control={"kind": "file", "path": str(directory), "poll_interval_ms": 50},
    )
    job = start(config)  # it runs on after the last record, since the control directory is watched
    wait_for_records(job, 2_000)
    time.sleep(1.5)  # the last counts are told a second after
    scrape = Scrape(port)
    job.stop_with_savepoint(str(tmp_path / "savepoints"))
    expected = sum(b'"erasure"' in line for line in lines[:2_000])
    assert sum(scrape.values("users_erased")) == expected > 40

"""A job that fails again and again under load restarts each time, and its outputs are as if it had not failed.

Closing a writer with records in flight once ended the TaskManager: the job stayed RUNNING and decided nothing.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jobs.runtime.failures import JobFailed
from jobs.score_transactions import start
from tests.jobs.event_stream import event_lines
from tests.jobs.outcomes import replayed
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.failing_scorer import FailingScorer, order_to_fail
from tests.kafka.open_loop import OpenLoop
from tests.kafka.outcomes import counted, events_in_the_log, wait_until
from tests.kafka.topics import Topics

RATE = 1_000
BEFORE = 1_000
AFTER = 1_500
BAD = 400
PROMPT_RESTARTS = {
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "1000",
    "restart-strategy.fixed-delay.delay": "100 ms",
}


@pytest.mark.parametrize(
    ("backend", "guarantee", "restarts"),
    [
        ("hashmap", "at-least-once", 5),
        ("rocksdb", "exactly-once", 5),
        *(
            pytest.param(backend, guarantee, 50, marks=pytest.mark.long)
            for backend in ("hashmap", "rocksdb")
            for guarantee in ("at-least-once", "exactly-once")
        ),
    ],
)
def test_restarts_in_a_row_under_load_lose_nothing(
    configure_kafka: ConfigureKafka,
    topics: Topics,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
    guarantee: str,
    restarts: int,
) -> None:
    monkeypatch.setattr("udfs.flink.score_transactions.ScoreTransactions", FailingScorer)
    once = guarantee == "exactly-once"
    config = configure_kafka(
        source={"until": "never"},
        sink={"guarantee": guarantee} | ({"transactional_id_prefix": topics.prefix} if once else {}),
        state={"backend": backend, "checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 300},
        flink={"extra": PROMPT_RESTARTS},
    )
    log = Path(config.flink.log_directory, "flink.log")
    lines = event_lines(200_000, seed=6)
    job = start(config)
    with OpenLoop(topics, lines, RATE) as stream:
        try:
            wait_until(lambda: topics.size(topics.decisions) > BEFORE, job, 120, "decisions")
            order = order_to_fail(restarts, topics.prefix)
            topics.send([(b"U00001", order)])
            last = f"failure {restarts} of {restarts} as ordered"
            wait_until(lambda: last in log.read_text(errors="replace"), job, 60 + 4 * restarts, "the last failure")
            wait_until(lambda: topics.size(topics.dead_letters) > 0, job, 60, "a decision of the order to fail")
            assert not stream.is_over
            stream.end_after(AFTER)
            while not stream.is_over:
                time.sleep(0.1)
            assert stream.acknowledged == stream.sent
            events = [line for line in events_in_the_log(topics) if line != order]
            expected = {topic: counted(outputs) for topic, outputs in replayed(config, events).items()}
            wait_until(lambda: topics.size(topics.decisions) >= expected["decisions"].total(), job, 120, "decisions")
            wait_until(
                lambda: counted(topics.values(topics.decisions, once)) >= expected["decisions"],
                job,
                60,
                "all decisions",
            )
        finally:
            stream.end_after(0)
            job.cancel()

    for topic, name in ((topics.decisions, "decisions"), (topics.alerts, "alerts"), (topics.flags, "flags")):
        found = counted(topics.values(topic, once))
        if once:
            assert found == expected[name]
        else:
            assert set(found) == set(expected[name])
            assert found >= expected[name]
    assert {record.value for record in topics.read(topics.dead_letters, once)} == {order}


@pytest.mark.parametrize("guarantee", ["at-least-once", "exactly-once"])
def test_the_dead_letter_limit_ends_the_job_and_it_continues_after_the_limit_is_raised(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path, guarantee: str
) -> None:
    """At once, with its line: no attempt of `restart_attempts` is used."""
    once = guarantee == "exactly-once"
    sections = {
        "source": {"until": "never"},
        "sink": {"guarantee": guarantee} | ({"transactional_id_prefix": topics.prefix} if once else {}),
        "flink": {"restart_attempts": 20},
    }
    state = {"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 200}
    lines = event_lines(1_500, seed=7)
    topics.send_events(lines[:1_000])
    job = start(configure_kafka(**sections, state=state, dead_letters={"window_records": 200}))
    wait_until(lambda: topics.size(topics.decisions) > 500, job, 120, "decisions")
    topics.send([(b"U00001", b"no event")] * BAD)
    with pytest.raises(
        JobFailed, match=r"^\d+ of the last 200 records were dead letters, .*max_ratio is 0.5"
    ) as failed:
        job.wait()
    assert "SuppressRestartsException" in failed.value.trace
    topics.send_events(lines[1_000:])

    again = configure_kafka(**sections, state=state | {"restore_from": "newest"}, dead_letters={"max_ratio": 1})
    job = start(again)
    try:
        expected = counted(
            replayed(again, [line for line in events_in_the_log(topics) if line != b"no event"])["decisions"]
        )
        wait_until(lambda: counted(topics.values(topics.decisions, once)) >= expected, job, 120, "all decisions")
        wait_until(lambda: len(topics.read(topics.dead_letters, once)) >= BAD, job, 60, "all dead letters")
    finally:
        job.cancel()
    found = counted(topics.values(topics.decisions, once))
    assert found == expected if once else set(found) == set(expected)
    if once:
        assert len(topics.read(topics.dead_letters, once)) == BAD

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.score_transactions import run
from tests.conftest import Configure
from tests.jobs.event_stream import MINUTE_MS, event_lines, write_events
from tests.jobs.outcomes import by_user, replayed, written_lines

EVENTS = 3_000


@pytest.mark.parametrize("parallelism", [1, 2])
def test_the_job_writes_the_bytes_that_a_plain_replay_makes(
    configure: Configure, tmp_path: Path, parallelism: int
) -> None:
    lines = event_lines(EVENTS)
    source = write_events(tmp_path / "events.jsonl", lines)
    config = configure(source, flink={"parallelism": parallelism}, scoring={"log_features": True})

    result = run(config)

    expected = replayed(config, lines)
    decisions = written_lines(tmp_path / "out", "decisions")
    alerts = written_lines(tmp_path / "out", "alerts")
    assert by_user(decisions) == by_user(expected["decisions"])
    flags = written_lines(tmp_path / "out", "flags")
    assert by_user(alerts) == by_user(expected["alerts"])
    assert by_user(flags) == by_user(expected["flags"])
    assert written_lines(tmp_path / "out", "dead-letters") == expected["dead-letters"] == []
    kinds = {json.loads(line)["type"] for line in decisions}
    assert kinds == {"decision", "duplicate"}
    assert result.counts.records == EVENTS
    assert result.counts.decisions == len(decisions) > 2_000
    assert result.counts.alerts == len(alerts) > 20
    assert result.counts.flags == len(flags) > 10
    assert result.counts.dead_letters == 0


def test_at_parallelism_1_the_files_hold_the_decisions_in_the_order_of_the_events(
    configure: Configure, tmp_path: Path
) -> None:
    lines = event_lines(500, seed=2)
    config = configure(write_events(tmp_path / "events.jsonl", lines))

    run(config)

    assert written_lines(tmp_path / "out", "decisions") == replayed(config, lines)["decisions"]


def test_users_may_be_evicted_loaded_and_compacted_within_a_batch(configure: Configure, tmp_path: Path) -> None:
    """Five users share a cache of 20 KB; each one's log is rewritten several times, and his new entries wait meanwhile."""
    lines = event_lines(2_000, seed=4, users=5, step_ms=20 * MINUTE_MS)
    config = configure(
        write_events(tmp_path / "events.jsonl", lines),
        scoring={"batch_size": 100, "log_features": True},
        state={"cache_mb": 0.02},
    )

    run(config)

    decisions = written_lines(tmp_path / "out", "decisions")
    assert decisions == replayed(config, lines)["decisions"]
    assert len(decisions) > 1_500

"""What every source promises: each record once into state, a user's in their order, bad ones apart, also after a restart
and with more instances than before.

start, 1 instance .. savepoint in the middle .. restored, 2 instances .. end
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from jobs.config.job import JobConfig
from jobs.score_transactions import start
from tests.aws.conftest import moto
from tests.conftest import Configure
from tests.contracts.source_factories import SOURCES
from tests.jobs.event_stream import event_lines
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import replayed, written_lines
from tests.jobs.test_bad_records import POISON
from tests.kafka.outcomes import counted, wait_until

__all__ = ["moto"]

EVENTS = 12_000
LARGEST = 800_000  # bytes: what all sources take
NEEDS_A_TIME_OF_ARRIVAL = "timestamp in the future"
ENDS_A_LINE = "empty"


@pytest.mark.parametrize("kind", SOURCES)
def test_each_record_counts_once_in_user_order_over_a_restart(
    kind: str, configure: Configure, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    events = event_lines(EVENTS, seed=9)
    poison = [
        raw
        for name, (raw, _) in POISON.items()
        if name not in (NEEDS_A_TIME_OF_ARRIVAL, ENDS_A_LINE) and len(raw) < LARGEST
    ]
    records = list(events)
    for number, raw in enumerate(poison):
        records.insert(number * EVENTS // len(poison), raw)
    place = SOURCES[kind](records, request)

    def config(parallelism: int, **state: str) -> JobConfig:
        return configure(
            tmp_path / "unused",
            source=place.section,
            dead_letters={"max_ratio": 1},
            flink={"parallelism": parallelism, "extra": PROMPT},
            state={"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 1_000, **state},
        )

    job = start(config(1))
    wait_for_records(job, 1_000)
    savepoint = job.stop_with_savepoint(str(tmp_path / "savepoints"))
    assert 0 < len(written_lines(tmp_path / "out", "decisions")) < EVENTS * 0.9

    expected = replayed(config(1, restore_from=savepoint), events)
    job = start(config(2, restore_from=savepoint))
    if place.ends:
        job.wait()
    else:
        wait_until(
            lambda: len(written_lines(tmp_path / "out", "decisions")) >= len(expected["decisions"]),
            job,
            120,
            "decisions",
        )
        job.stop_with_savepoint(str(tmp_path / "savepoints"))

    for topic in ("decisions", "alerts"):  # a decision depends on all that its user did before, in its order
        assert counted(written_lines(tmp_path / "out", topic)) == counted(expected[topic])
    letters = [json.loads(line)["payload_sha256"] for line in written_lines(tmp_path / "out", "dead-letters")]
    assert Counter(letters) == Counter(hashlib.sha256(raw).hexdigest() for raw in poison)

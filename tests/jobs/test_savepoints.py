"""A stopped and restored job, also at another parallelism, decides like an uninterrupted one."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.config.job import JobConfig
from jobs.config.loading import ConfigError
from jobs.score_transactions import run, start
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import by_user, replayed, written_lines

EVENTS = 20_000


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return event_lines(EVENTS, seed=3)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> Path:
    return write_events(tmp_path_factory.mktemp("events") / "events.jsonl", lines)


@pytest.mark.parametrize(
    ("backend", "parallelisms", "batch"),
    [
        ("hashmap", (1, 2, 1), {}),
        ("rocksdb", (2, 1, 2), {"batch_size": 700}),  # hundreds are waiting at any moment
    ],
)
def test_a_job_restored_twice_decides_like_an_uninterrupted_one(
    configure: Configure,
    tmp_path: Path,
    source: Path,
    lines: list[bytes],
    backend: str,
    parallelisms: tuple[int, ...],
    batch: dict[str, int],
) -> None:
    def config(parallelism: int, **state: str) -> JobConfig:
        return configure(
            source,
            flink={"parallelism": parallelism, "extra": PROMPT},
            scoring=batch,
            state={"backend": backend, "cache_mb": 0.1, **state},  # too little: users are loaded again and again
        )

    restored: dict[str, str] = {}
    decided = 0
    for parallelism in parallelisms[:-1]:  # twice: where a restored job stands in its file is a case of its own
        job = start(config(parallelism, **restored))
        wait_for_records(job, 1_000)
        restored = {"restore_from": job.stop_with_savepoint(str(tmp_path / "savepoints"))}
        decided_before, decided = decided, len(written_lines(tmp_path / "out", "decisions"))
        assert decided_before < decided < EVENTS * 0.9

    run(config(parallelisms[-1], **restored))

    decisions = written_lines(tmp_path / "out", "decisions")
    expected = replayed(config(1, **restored), lines)
    assert by_user(decisions) == by_user(expected["decisions"])
    assert by_user(written_lines(tmp_path / "out", "alerts")) == by_user(expected["alerts"])
    assert by_user(written_lines(tmp_path / "out", "flags")) == by_user(expected["flags"])


def test_a_new_run_does_not_write_to_the_directory_of_an_earlier_one(
    configure: Configure, tmp_path: Path, source: Path
) -> None:
    part = tmp_path / "out" / "decisions" / "part-0"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"{}\n")
    with pytest.raises(ConfigError, match=f"sinks: {part.parent} already holds files of an earlier run"):
        configure(source)

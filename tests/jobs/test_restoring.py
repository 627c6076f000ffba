"""A job starts with the state that `state.restore_from` says, and never forgets an earlier run's silently."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.pipeline.files_sink import constant_format, root_and_bucket
from jobs.runtime.failures import JobFailed
from jobs.runtime.restoring import with_starting_state
from jobs.score_transactions import run, start
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import by_user, replayed, written_lines

BAD = 400


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """A directory with complete checkpoints 3 and 12 of a job, and an incomplete one."""
    job = tmp_path / "checkpoints" / "job"
    for age, name in ((20, "chk-3"), (10, "chk-12")):
        (job / name).mkdir(parents=True)
        (job / name / "_metadata").write_bytes(b"")
        os.utime(job / name / "_metadata", (time.time() - age,) * 2)
    (job / "chk-13").mkdir()
    return tmp_path / "checkpoints"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_events(tmp_path / "events.jsonl", event_lines(10))


def started(configure: Configure, source: Path, given: str | None = None, **state: object) -> str | None:
    config: JobConfig = with_starting_state(configure(source, state=state), given)
    return config.state.restore_from


def test_checkpoints_of_an_earlier_run_are_not_ignored_without_a_word(
    configure: Configure, source: Path, checkpoints: Path
) -> None:
    with pytest.raises(ConfigError) as refused:
        started(configure, source, checkpoint_dir=str(checkpoints))
    assert str(refused.value) == (
        f"state.checkpoint_dir: {checkpoints} holds checkpoints of an earlier run (the newest: job/chk-12), which a start "
        "without state.restore_from would ignore: set it to newest to continue from there, or to none for an empty state"
    )
    assert started(configure, source, checkpoint_dir=str(checkpoints), restore_from="none") is None
    for word in ("newest", "newest-or-none"):
        newest = started(configure, source, checkpoint_dir=str(checkpoints), restore_from=word)
        assert newest == str(checkpoints / "job" / "chk-12")
    older = str(checkpoints / "job" / "chk-3")
    assert started(configure, source, checkpoint_dir=str(checkpoints), restore_from=older) == older


def test_a_first_start_has_no_checkpoint(configure: Configure, source: Path, tmp_path: Path) -> None:
    empty = str(tmp_path / "checkpoints")
    for state in ({}, {"restore_from": "none"}, {"restore_from": "newest-or-none"}):
        assert started(configure, source, checkpoint_dir=empty, **state) is None
    with pytest.raises(ConfigError, match=r"holds no complete checkpoint .*: for a first start set newest-or-none"):
        started(configure, source, checkpoint_dir=empty, restore_from="newest")
    with pytest.raises(ConfigError, match=r"state: restore_from: newest needs checkpoint_dir"):
        started(configure, source, restore_from="newest")


@pytest.mark.parametrize("scheme", ["hdfs", "gs", "abfs", "s3a"])
def test_checkpoints_in_a_storage_that_cannot_be_listed_are_not_forgotten(
    configure: Configure, source: Path, scheme: str
) -> None:
    directory = f"{scheme}://bank/checkpoints"
    for state in ({}, {"restore_from": "newest"}, {"restore_from": "newest-or-none"}):
        with pytest.raises(ConfigError) as refused:
            started(configure, source, checkpoint_dir=directory, **state)
        assert str(refused.value) == (
            f"state.restore_from: checkpoints in {directory} cannot be looked for, as only local folders and s3:// are "
            "listed: give the path of a checkpoint or savepoint (the folder that holds _metadata), or none for an empty "
            "state"
        )
        given = f"{directory}/job/chk-7"
        assert started(configure, source, given, checkpoint_dir=directory, **state) == given
    assert started(configure, source, checkpoint_dir=directory, restore_from="none") is None
    for path in (f"{directory}/job/chk-7", f"{scheme}://bank/savepoints/savepoint-1"):
        assert started(configure, source, checkpoint_dir=directory, restore_from=path) == path


def test_what_flink_was_given_comes_before_the_words_but_not_before_a_path(
    configure: Configure, source: Path, checkpoints: Path
) -> None:
    given = "s3://bucket/savepoints/one"
    for state in ({}, {"restore_from": "none"}, {"restore_from": "newest"}, {"restore_from": "newest-or-none"}):
        assert started(configure, source, given, checkpoint_dir=str(checkpoints), **state) == given
    path = str(checkpoints / "job" / "chk-3")
    assert started(configure, source, given, checkpoint_dir=str(checkpoints), restore_from=path) == path


def test_without_state_the_outputs_of_an_earlier_run_are_not_mixed_with_new_ones(
    configure: Configure, source: Path, tmp_path: Path
) -> None:
    config = configure(
        source, state={"checkpoint_dir": str(tmp_path / "checkpoints"), "restore_from": "newest-or-none"}
    )
    (tmp_path / "out" / "alerts").mkdir(parents=True)
    (tmp_path / "out" / "alerts" / ".part-0.jsonl.inprogress.7f").write_bytes(b"{}\n")
    assert with_starting_state(config).state.restore_from is None  # the earlier run ended before its first checkpoint
    (tmp_path / "out" / "alerts" / "part-0.jsonl").write_bytes(b"{}\n")
    with pytest.raises(ConfigError, match="already holds files of an earlier run"):
        with_starting_state(config)


def test_the_limit_ends_the_job_at_once_and_it_continues_after_the_limit_is_raised(
    configure: Configure, tmp_path: Path
) -> None:
    """No attempt of `restart_attempts` is used: a restart would read the same records."""
    good = event_lines(3_000, seed=3)
    bad = [b'{"type": "transaction", "transaction_id": "X", "user_id": "U00001"}'] * BAD
    lines = [*good[:2_000], *bad, *good[2_000:]]
    source = write_events(tmp_path / "events.jsonl", lines)
    state = {"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 100}
    flink = {"restart_attempts": 20}
    with pytest.raises(JobFailed, match=r"^51 of the last 100 records were dead letters, .*max_ratio is 0.5") as failed:
        run(configure(source, state=state, flink=flink, dead_letters={"window_records": 100}))
    assert "RESTARTING" not in failed.value.trace

    restored = configure(source, state=state | {"restore_from": "newest-or-none"}, dead_letters={"max_ratio": 1})
    run(restored)
    expected = replayed(restored, lines)
    for topic in ("decisions", "alerts", "flags"):
        assert by_user(written_lines(tmp_path / "out", topic)) == by_user(expected[topic])
    assert len(written_lines(tmp_path / "out", "dead-letters")) == BAD


def test_a_restored_job_writes_to_its_new_directory(configure: Configure, tmp_path: Path) -> None:
    lines = event_lines(20_000, seed=9)
    config = configure(write_events(tmp_path / "events.jsonl", lines), flink={"extra": PROMPT})
    job = start(config)
    wait_for_records(job, 1_000)
    saved = job.stop_with_savepoint(str(tmp_path / "savepoints"))
    first = written_lines(tmp_path / "out", "decisions")
    moved = [{"kind": "files", "directory": str(tmp_path / "it's new")}]

    run(configure(Path(config.source.path), sinks=moved, state={"restore_from": saved}))

    expected = replayed(config, lines)["decisions"]
    assert written_lines(tmp_path / "out", "decisions") == first
    second = written_lines(tmp_path / "it's new", "decisions")
    assert len(first) > 500
    assert len(second) > 500
    assert by_user([*first, *second]) == by_user(expected)


@pytest.mark.parametrize(
    ("directory", "root", "bucket"),
    [("/data/out/alerts", "/", "data/out/alerts"), ("s3://bucket/runs/1/alerts", "s3://bucket/", "runs/1/alerts")],
)
def test_a_bucket_is_the_whole_path_below_the_root(directory: str, root: str, bucket: str) -> None:
    assert root_and_bucket(directory) == (root, bucket)
    assert constant_format("it's") == "'it''s'"

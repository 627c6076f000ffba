"""What waits on the batched operator is handed over when the batch is full, and as soon as the input pauses; before a
broadcast element, a watermark and a checkpoint's barrier; and at the end of the input. Always in order.

records  0 1 2 3 | 4 5 . . . . 6 7 ^ 8 9 $        | full   . pause   ^ barrier, control or watermark   $ end
batches  [0-3]     [4 5]       [6 7] [8 9]

Time would hand over nothing: the operator has no time-out.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pyflink.common import Duration, Types, WatermarkStrategy
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.config.job import JobConfig
from jobs.config.scoring import dead_letter_format, metric_settings
from jobs.control.stream import open_control
from jobs.flink_internals.graph import key_by_first, node_of
from jobs.pipeline.batched_operator import process_in_batches
from jobs.pipeline.event_source import SourceContext
from jobs.pipeline.sinks import add_sinks
from jobs.pipeline.sources import open_source
from jobs.runtime.launching import flink_environment, launch
from jobs.runtime.running import RunningJob
from tests.conftest import Configure
from tests.jobs.interruption import TIMEOUT_SECONDS
from tests.jobs.outcomes import written_lines
from tests.jobs.recording_function import RecordingFunction, WatermarkRecorder
from udfs.flink.score_transactions import BYTES, CONSOLE, OUTPUT_TYPE

USERS = 7
PADDING = "-" * 300
"""So that the source is not at its end while the first records are taken: buffers between operators hold megabytes."""
SLOW_SECONDS = 0.02
"""So long a batch takes that the next records are there before it ends."""


def test_batches_are_full_except_the_last(configure: Configure, tmp_path: Path) -> None:
    config = configured(configure, tmp_path, 2_500, batch_size=200)
    launch(config, recording(tmp_path)).wait()

    assert [row[0] for row in rows(tmp_path)] == list(range(2_500))
    sizes = batch_sizes(tmp_path)
    assert sum(sizes) == 2_500
    assert max(sizes) == 200
    assert sizes.count(200) >= 3
    assert counted_before(tmp_path)


def test_a_partial_batch_is_processed_when_the_input_pauses(configure: Configure, tmp_path: Path) -> None:
    """The file ends, the watched control stream does not: neither end of input nor checkpoint nor full batch comes."""
    control = tmp_path / "control"
    control.mkdir()
    watched = {"kind": "file", "path": str(control), "poll_interval_ms": 10}
    config = configured(configure, tmp_path, 45, batch_size=1_000, control=watched)
    job = launch(config, recording(tmp_path))
    wait_for(job, lambda: sum(batch_sizes(tmp_path)) == 45)

    assert [number for batch in batches(tmp_path) for number in batch] == list(range(45))
    job.cancel()


def test_a_partial_batch_is_processed_before_a_control_element(configure: Configure, tmp_path: Path) -> None:
    control = tmp_path / "control"
    control.mkdir()
    watched = {"kind": "file", "path": str(control), "poll_interval_ms": 10}
    config = configured(configure, tmp_path, 30_000, batch_size=1_000, control=watched)
    job = launch(config, recording(tmp_path, SLOW_SECONDS * 5))
    wait_for(job, lambda: len(batches(tmp_path)) >= 3)
    for number in range(10):
        written = control / f".{number}"
        written.write_text(f"element {number}")
        written.rename(control / f"{number}.json")
        time.sleep(0.13)
    wait_for(job, lambda: sum(batch_sizes(tmp_path)) == 30_000 and len(controls(tmp_path)) == 10)
    job.cancel()

    assert sorted(controls(tmp_path)) == sorted(f"element {number}" for number in range(10))
    assert [number for batch in batches(tmp_path) for number in batch] == list(range(30_000))
    assert [call["waiting"] for call in calls(tmp_path) if "control" in call] == [0] * 10
    assert max(batch_sizes(tmp_path)) > 1


def test_a_partial_batch_is_part_of_the_next_checkpoint(configure: Configure, tmp_path: Path) -> None:
    """Stopped with a savepoint three times, in the midst of full batches: each record has its row and is in state once."""
    records, done = 20_000, 0
    restored: dict[str, Any] = {}
    last_sizes = []
    for _ in range(3):
        config = configured(configure, tmp_path, records, batch_size=700, state=restored)
        job = launch(config, recording(tmp_path, SLOW_SECONDS))
        wait_for(job, lambda until=done + 2_000: sum(batch_sizes(tmp_path)) >= until)
        restored = {"restore_from": job.stop_with_savepoint(str(tmp_path / "savepoints"))}
        done = sum(batch_sizes(tmp_path))
        last_sizes.append(batch_sizes(tmp_path)[-1])
        assert done < records
        assert sorted(row[0] for row in rows(tmp_path)) == list(range(done))
    assert min(last_sizes) < 700
    launch(configured(configure, tmp_path, records, batch_size=700, state=restored), recording(tmp_path)).wait()

    assert [number for batch in batches(tmp_path) for number in batch] == list(range(records))
    assert sorted(row[0] for row in rows(tmp_path)) == list(range(records))
    assert counted_before(tmp_path)


def test_each_of_several_operators_in_one_process_runs_its_own_function(configure: Configure, tmp_path: Path) -> None:
    config = configured(configure, tmp_path, 4_000, batch_size=50, flink={"parallelism": 2})
    launch(config, recording(tmp_path)).wait()

    assert sorted(row[0] for row in rows(tmp_path)) == list(range(4_000))
    assert counted_before(tmp_path)


def test_a_watermark_neither_waits_for_a_batch_nor_overtakes_records(configure: Configure, tmp_path: Path) -> None:
    extra = {"pipeline.auto-watermark-interval": "5 ms"}
    config = configured(configure, tmp_path, 20_000, batch_size=1_000, flink={"extra": extra})
    launch(config, recording(tmp_path, SLOW_SECONDS, with_watermarks=True)).wait()

    seen = [json.loads(line) for line in (tmp_path / "watermarks").read_text().splitlines()]
    assert [number for number, _ in seen] == list(range(20_000))
    assert all(number > watermark for number, watermark in seen)
    assert len({watermark for _, watermark in seen}) > 5


def configured(configure: Configure, directory: Path, records: int, batch_size: int, **sections: Any) -> JobConfig:
    """A job on a file of so many records of a few users, with its sink in the test's directory."""
    source = directory / "events.jsonl"
    source.write_text(
        "".join(json.dumps({"user_id": f"U{n % USERS}", "n": n, "padding": PADDING}) + "\n" for n in range(records))
    )
    return configure(source, scoring={"batch_size": batch_size}, **sections)


class NumberAsTime(TimestampAssigner):
    def extract_timestamp(self, value: Any, record_timestamp: int) -> int:
        return int(json.loads(value[1])["n"])


def recording(directory: Path, batch_seconds: float = SLOW_SECONDS, with_watermarks: bool = False) -> Any:
    """Builds a job like the scoring job, with the recording function in place of the scorer."""

    def build(config: JobConfig) -> StreamExecutionEnvironment:
        environment = flink_environment(config)
        tables = StreamTableEnvironment.create(environment)
        records = open_source(config.source, SourceContext(tables, config.source.key_path)).stream
        if with_watermarks:
            records = key_by_first(_timed(tables), BYTES)
        output = process_in_batches(
            records,
            open_control(config.control, tables),
            RecordingFunction(directory / "calls", batch_seconds),
            OUTPUT_TYPE,
            CONSOLE,
            config.scoring.batch_size,
            "record",
        )
        node_of(output).identify("record")
        if with_watermarks:
            output = output.process(WatermarkRecorder(directory / "watermarks"), output_type=OUTPUT_TYPE)
            node_of(output).identify("watermarks")
        add_sinks(config.sinks, output, dead_letter_format(config), metric_settings(config), tables)
        return environment

    return build


def _timed(tables: StreamTableEnvironment) -> DataStream:
    query = tables.sql_query("SELECT JSON_VALUE(line, '$.user_id'), ENCODE(line, 'UTF-8') FROM event_lines")
    stream = tables.to_append_stream(query, Types.ROW([Types.STRING(), BYTES]))
    strategy = WatermarkStrategy.for_bounded_out_of_orderness(Duration.of_millis(0))
    timed = stream.assign_timestamps_and_watermarks(strategy.with_timestamp_assigner(NumberAsTime()))
    timed.set_parallelism(1)
    node_of(timed).identify("timed")
    return timed


def calls(directory: Path) -> list[dict[str, Any]]:
    """What the function was called with, whole lines only."""
    try:
        text = (directory / "calls").read_text()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def batches(directory: Path) -> list[list[int]]:
    return [call["batch"] for call in calls(directory) if "batch" in call]


def batch_sizes(directory: Path) -> list[int]:
    return [len(batch) for batch in batches(directory)]


def controls(directory: Path) -> list[str]:
    return [call["control"] for call in calls(directory) if "control" in call]


def rows(directory: Path) -> list[tuple[int, str, int]]:
    return [
        (number, key, before) for number, key, before in map(json.loads, written_lines(directory / "out", "decisions"))
    ]


def counted_before(directory: Path) -> bool:
    """Does each row say how many of its key were in state before, all of them?"""
    seen: Counter[str] = Counter()
    for _, key, before in sorted(rows(directory)):
        assert before == seen[key]
        seen[key] += 1
    return bool(seen)


def wait_for(job: RunningJob, condition: Any) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert not job.is_finished(), "the job ended before"
        if time.monotonic() > deadline:
            job.cancel()
            pytest.fail(f"not within {TIMEOUT_SECONDS} s")
        time.sleep(0.02)

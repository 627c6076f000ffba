"""A changed uid loses the operator's state on restore: a change of this list needs a migration of old state."""

from __future__ import annotations

from pathlib import Path

from jobs.pipeline.operator_ids import all_ids
from jobs.runtime.environment import start_java
from jobs.score_transactions import build
from tests.conftest import Configure

GOLDEN = Path(__file__).with_name("golden_operator_ids.txt")


def test_operator_uids_match_the_golden_list(configure: Configure, tmp_path: Path) -> None:
    source = tmp_path / "events.jsonl"
    source.write_bytes(b"{}")
    config = configure(
        source,
        sinks=[
            {"kind": "files", "directory": str(tmp_path / "a")},
            {"kind": "print", "only": "all"},
            {"kind": "files", "directory": str(tmp_path / "b")},
            {"kind": "discard"},
        ],
        control={"kind": "file", "path": str(source)},
    )
    start_java(config.flink.log_directory)

    ids = all_ids(build(config))

    assert sorted(ids) == GOLDEN.read_text().split()
    assert all(name == uid for uid, name in ids.items())


def test_without_a_control_stream_and_files_the_other_uids_stay_the_same(configure: Configure, tmp_path: Path) -> None:
    source = tmp_path / "events.jsonl"
    source.write_bytes(b"{}")
    config = configure(source, sinks=[{"kind": "files", "directory": str(tmp_path / "a")}])
    start_java(config.flink.log_directory)

    ids = set(all_ids(build(config)))

    unknown = ids - set(GOLDEN.read_text().split())
    assert unknown == {"control-none-values", "control-none-sinkconversion"}
    assert {"source-events", "score-transactions", "sink-files-decisions"} <= ids

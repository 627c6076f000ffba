"""A changed uid loses the operator's state on restore, and with it alerts that wait: whoever changes this list must say
how old state is migrated."""

from __future__ import annotations

from pathlib import Path

from jobs.pipeline.operator_ids import all_ids
from jobs.runtime.environment import start_java
from jobs.score_transactions import build
from tests.conftest import Configure

GOLDEN = Path(__file__).with_name("golden_operator_ids.txt")
TOPIC = "arn:aws:sns:us-east-1:123456789012:fraud-alerts"


def test_uids_with_sns_match_the_golden_list(configure: Configure, tmp_path: Path) -> None:
    source = tmp_path / "events.jsonl"
    source.write_bytes(b"{}")
    sinks = [
        {"kind": "sns", "topic_arn": TOPIC},
        {"kind": "files", "directory": str(tmp_path / "a")},
        {"kind": "discard"},
    ]
    config = configure(source, sinks=sinks)
    start_java(config.flink.log_directory)

    ids = all_ids(build(config))

    assert sorted(ids) == GOLDEN.read_text().split()
    assert all(name == uid for uid, name in ids.items())

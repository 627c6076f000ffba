"""A changed uid loses the operator's state on restore: a change of this list needs a migration of old state."""

from __future__ import annotations

from pathlib import Path

from jobs.pipeline.operator_ids import all_ids
from jobs.runtime.environment import start_java
from jobs.score_transactions import build
from tests.kafka.conftest import ConfigureKafka

GOLDEN = Path(__file__).with_name("golden_operator_ids.txt")


def test_uids_from_kafka_to_kafka_match_the_golden_list(configure_kafka: ConfigureKafka) -> None:
    config = configure_kafka()
    start_java(config.flink.log_directory)

    ids = all_ids(build(config))

    assert sorted(ids) == GOLDEN.read_text().split()
    assert all(name == uid for uid, name in ids.items())

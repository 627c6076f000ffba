"""A changed uid loses the operator's state on restore: whoever changes this list must say how old state is migrated."""

from __future__ import annotations

from pathlib import Path

from jobs.environment import start_java
from jobs.operator_ids import all_ids
from jobs.score_transactions import build
from tests.kafka.conftest import ConfigureKafka

GOLDEN = Path(__file__).with_name("golden_operator_ids.txt")


def test_the_uids_from_kafka_to_kafka_are_those_that_saved_states_know(configure_kafka: ConfigureKafka) -> None:
    config = configure_kafka()
    start_java(config.flink.log_directory)

    ids = all_ids(build(config)._j_stream_execution_environment)

    assert sorted(ids) == GOLDEN.read_text().split()
    assert all(name == uid for uid, name in ids.items())

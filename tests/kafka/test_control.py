"""Elements published to a control topic change a running job, and apply after it is killed and restored."""

from __future__ import annotations

import time
from pathlib import Path

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from jobs.config.checkpoints import newest_checkpoint
from jobs.config.job import JobConfig
from jobs.score_transactions import start
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.live_changes import BLOCKED, LiveChanges, decisions_on, payments
from tests.kafka.outcomes import wait_until, wait_until_true
from tests.kafka.test_crash import from_newest_checkpoint, processes
from tests.kafka.topics import Topics

PAYMENTS = 400
PATIENCE_SECONDS = 90


def test_published_elements_apply_within_a_second_and_after_restores(
    configure_kafka: ConfigureKafka, topics: Topics, bundle: Path, tmp_path: Path
) -> None:
    """Of two instances. When the job is restored its events wait for it and the control topic holds nothing any more."""
    checkpoints = tmp_path / "checkpoints"
    connection = {"bootstrap_servers": topics.servers}

    def config(**state: str) -> JobConfig:
        return configure_kafka(
            source={"until": "never"},
            control={"kind": "kafka", "connection": connection, "topic": f"{topics.prefix}control"},
            state={"checkpoint_dir": str(checkpoints), "checkpoint_interval_ms": 500, **state},
            flink={"parallelism": 2},
        )

    changes = LiveChanges(config(), bundle, tmp_path)
    assert "made, 1 partitions" in changes.fraud("topics", "create")
    before, published, killed, stopped = payments(parts=4, each=PAYMENTS)

    def is_decided(*parts: list[bytes]) -> bool:
        return topics.size(topics.decisions) >= sum(map(len, parts))

    with processes([config()], tmp_path / "processes") as kill:
        topics.send_events(before)
        wait_until_true(lambda: is_decided(before), PATIENCE_SECONDS, "decisions")
        changes.publish()
        shown = changes.fraud("control", "show")
        time.sleep(1)  # the promise
        topics.send_events(published)
        wait_until_true(lambda: is_decided(before, published), PATIENCE_SECONDS, "decisions by what was published")
        for _ in range(2):  # the next one may have begun before
            saved = newest_checkpoint(str(checkpoints))
            wait_until_true(lambda: newest_checkpoint(str(checkpoints)) != saved, PATIENCE_SECONDS, "checkpoint")  # noqa: B023
        kill()

    delete_what_was_published(topics)
    topics.send_events(killed)
    job = start(from_newest_checkpoint(config()))
    wait_until(lambda: is_decided(before, published, killed), job, PATIENCE_SECONDS, "decisions after the kill")
    savepoint = job.stop_with_savepoint(str(tmp_path / "savepoints"))
    topics.send_events(stopped)
    job = start(config(restore_from=savepoint))
    wait_until(
        lambda: is_decided(before, published, killed, stopped), job, PATIENCE_SECONDS, "decisions after the stop"
    )
    job.cancel()

    assert {str(one["control_versions"]) for one in decisions_on(topics, before)} == {"{}"}
    for part in (published, killed, stopped):
        decisions = decisions_on(topics, part)
        assert len(decisions) == PAYMENTS
        changes.assert_in_force(decisions)
    assert f"block-list/user:{BLOCKED} version 1: blocked, SANCTION" in shown
    assert "thresholds version 1: refer to analyst above 0, soft challenge above 1, hard block above 1000" in shown
    assert f"bundle version 1: {changes.bundle_version} in {changes.bundle}" in shown
    assert "rules version 1000: published, 1 of 1 rules enabled" in shown


def delete_what_was_published(topics: Topics) -> None:
    client = KafkaAdminClient(bootstrap_servers=topics.servers)
    topic = f"{topics.prefix}control"
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": "delete"})])
    client.delete_records({TopicPartition(topic, 0): -1})
    client.close()

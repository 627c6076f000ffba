"""Control elements published to a running job apply on both of its TaskManagers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.cluster.conftest import TASK_MANAGERS, Cluster
from tests.cluster.task_managers import cancel, read_by_each, working_on
from tests.cluster.test_flink_run import write_config
from tests.kafka.conftest import configuration, make_topics
from tests.kafka.live_changes import LiveChanges, decisions_on, payments
from tests.kafka.outcomes import wait_until_true
from tests.servers.connectors import fetch_connectors
from tests.servers.kafka_broker import Broker

PAYMENTS = 400


@pytest.fixture(scope="module", autouse=True)
def connectors() -> None:
    fetch_connectors()


def test_published_elements_apply_on_two_task_managers_within_a_second(
    cluster: Cluster, broker: Broker, bundle: Path, log_directory: Path, tmp_path: Path
) -> None:
    topics = make_topics(broker)
    config = configuration(broker, topics, bundle, log_directory)(
        source={"until": "never"},
        control={
            "kind": "kafka",
            "connection": {"bootstrap_servers": topics.servers},
            "topic": f"{topics.prefix}control",
        },
        flink={"parallelism": TASK_MANAGERS},
    )
    changes = LiveChanges(config, bundle, tmp_path)
    changes.fraud("topics", "create")
    before, after = payments(parts=2, each=PAYMENTS)
    topics.send_events(before)
    job_id = cluster.submit_detached(write_config(config, tmp_path))
    try:
        wait_until_true(lambda: topics.size(topics.decisions) >= len(before), 90, "decisions")
        changes.publish()
        time.sleep(1)  # the promise
        topics.send_events(after)
        wait_until_true(lambda: topics.size(topics.decisions) >= len(before + after), 30, "decisions")
        assert len(working_on(cluster, job_id)) == TASK_MANAGERS
        wait_until_true(lambda: sum(read_by_each(cluster, job_id).values()) >= len(before + after), 30, "counts")
        read = read_by_each(cluster, job_id)
    finally:
        cancel(cluster, job_id)

    assert {str(one["control_versions"]) for one in decisions_on(topics, before)} == {"{}"}
    decisions = decisions_on(topics, after)
    assert len(decisions) == PAYMENTS
    changes.assert_in_force(decisions)
    assert len(read) == TASK_MANAGERS
    assert min(read.values()) > PAYMENTS / 4  # each has users of its own, and all of them pay in both parts

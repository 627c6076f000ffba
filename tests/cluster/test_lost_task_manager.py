"""Automatic recovery after the loss of a TaskManager: no output is lost or changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.conftest import TASK_MANAGERS, Cluster
from tests.cluster.task_managers import cancel, kill_one_that_works, restarts, working_on
from tests.cluster.test_flink_run import state_of, write_config
from tests.jobs.event_stream import event_lines
from tests.jobs.outcomes import replayed
from tests.kafka.conftest import configuration, make_topics
from tests.kafka.open_loop import OpenLoop
from tests.kafka.outcomes import counted, events_in_the_log, wait_until_true
from tests.servers.connectors import fetch_connectors
from tests.servers.kafka_broker import Broker

RATE = 1_000
WARM_UP = 1_000
AFTER_RECOVERY = 2_000


@pytest.fixture(scope="module", autouse=True)
def connectors() -> None:
    fetch_connectors()


@pytest.mark.long
def test_the_loss_of_a_task_manager_loses_nothing(
    cluster: Cluster, broker: Broker, bundle: Path, log_directory: Path, tmp_path: Path
) -> None:
    """One scorer on each of two TaskManagers, none stands by: the cluster's script starts another in place of the lost one.

    A decision may be there twice, in identical bytes.
    """
    topics = make_topics(broker)
    config = configuration(broker, topics, bundle, log_directory)(
        source={"until": "never"},
        scoring={"log_features": True},
        state={
            "backend": "rocksdb",
            "checkpoint_dir": str(tmp_path / "checkpoints"),
            "checkpoint_interval_ms": 500,
        },
        flink={"parallelism": TASK_MANAGERS, "restart_attempts": 20},
    )
    lines = event_lines(240_000, seed=6)
    topics.send_events(lines[:WARM_UP])
    job_id = cluster.submit_detached(write_config(config, tmp_path))
    try:
        wait_until_true(lambda: topics.size(topics.decisions) > WARM_UP / 2, 180, "decisions")
        with OpenLoop(topics, lines[WARM_UP:], RATE) as stream:
            wait_until_true(lambda: topics.size(topics.decisions) > 2 * WARM_UP, 120, "decisions of the stream")
            assert len(working_on(cluster, job_id)) == TASK_MANAGERS
            dead = kill_one_that_works(cluster)
            wait_until_true(lambda: restarts(cluster, job_id) >= 1, 60, "restart")
            wait_until_true(lambda: len(working_on(cluster, job_id) - {dead}) == TASK_MANAGERS, 60, "recovery")
            assert not stream.is_over
            stream.end_after(AFTER_RECOVERY)
        assert stream.acknowledged == stream.sent
        expected = {topic: counted(lines) for topic, lines in replayed(config, events_in_the_log(topics)).items()}
        wait_until_true(lambda: topics.size(topics.decisions) >= expected["decisions"].total(), 120, "decisions")
        wait_until_true(lambda: counted(topics.values(topics.decisions)) >= expected["decisions"], 60, "all decisions")
        assert state_of(cluster, job_id) == "RUNNING"
    finally:
        cancel(cluster, job_id)

    for topic, name in ((topics.decisions, "decisions"), (topics.alerts, "alerts"), (topics.flags, "flags")):
        found = counted(topics.values(topic))
        assert set(found) == set(expected[name])
        assert found >= expected[name]
    assert topics.read(topics.dead_letters) == []

"""What the console tells of a job on a real cluster is what the cluster's own REST interface and topics have."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.flink_rest import ClusterJob, FlinkError, FlinkRest
from tests.cluster.conftest import TASK_MANAGERS, Cluster
from tests.cluster.task_managers import _rest, cancel
from tests.cluster.test_flink_run import state_of, write_config
from tests.kafka.conftest import configuration, make_topics
from tests.kafka.live_changes import payments
from tests.kafka.outcomes import wait_until_true
from tests.servers.connectors import fetch_connectors
from tests.servers.kafka_broker import Broker

PAYMENTS = 400
PATIENCE_SECONDS = 90


@pytest.fixture(scope="module", autouse=True)
def connectors() -> None:
    fetch_connectors()


def test_checkpoints_and_figures_of_a_job_are_those_of_its_cluster(
    cluster: Cluster, broker: Broker, bundle: Path, log_directory: Path, tmp_path: Path
) -> None:
    topics = make_topics(broker)
    config = configuration(broker, topics, bundle, log_directory)(
        name="told-to-the-console",
        source={"until": "never"},
        state={"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 500, "backend": "rocksdb"},
        flink={"parallelism": TASK_MANAGERS},
    )
    rest = FlinkRest(f"http://127.0.0.1:{cluster.rest_port}/", "told-to-the-console")
    with pytest.raises(FlinkError, match="has no job told-to-the-console"):
        rest.read()
    (made,) = payments(parts=1, each=PAYMENTS)
    topics.send_events(made)
    job_id = cluster.submit_detached(write_config(config, tmp_path))
    found: list[ClusterJob] = []

    def is_all_told() -> bool:
        found.append(rest.read())
        told = found[-1]
        has_lag = None not in (told.arrival_lag_p50_ms, told.arrival_lag_p99_ms)
        return told.transactions == PAYMENTS and told.checkpoints.completed >= 2 and has_lag

    try:
        wait_until_true(is_all_told, PATIENCE_SECONDS, "figures of all payments")
        told = found[-1]
        assert (told.job_id, told.state, told.restarts) == (job_id, "RUNNING", 0)
        assert topics.size(topics.decisions) == PAYMENTS
        assert told.arrival_lag_p50_ms is not None
        assert told.arrival_lag_p99_ms is not None
        assert 0 <= told.arrival_lag_p50_ms <= told.arrival_lag_p99_ms
        history = _rest(cluster, f"jobs/{job_id}/checkpoints")["history"]
        same = next(one for one in history if one["id"] == told.checkpoints.last_number)
        assert (told.checkpoints.last_duration_ms, told.checkpoints.last_bytes, told.checkpoints.last_at_ms) == (
            same["end_to_end_duration"], same["state_size"], same["latest_ack_timestamp"],
        )  # fmt: skip
        # Those that were due before all tasks ran count as failed.
        assert told.checkpoints.failed == _rest(cluster, f"jobs/{job_id}/checkpoints")["counts"]["failed"]
        assert (tmp_path / "checkpoints" / job_id / f"chk-{told.checkpoints.last_number}").parent.is_dir()
    finally:
        cancel(cluster, job_id)
    wait_until_true(lambda: state_of(cluster, job_id) == "CANCELED", PATIENCE_SECONDS, "end of the job")
    assert rest.read().state == "CANCELED"
    rest.close()

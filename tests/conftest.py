"""What all tests of jobs share: one JVM with its log, one tiny model bundle, one Kafka broker."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog

from jobs.config.job import JobConfig
from jobs.config.loading import parse_config
from tests.jobs.tiny_bundle import make_tiny_bundle
from tests.servers.kafka_broker import broker
from tests.servers.moto_server import CREDENTIALS, NO_CBOR, REGION

__all__ = ["broker"]

os.environ.update(NO_CBOR, AWS_DEFAULT_REGION=REGION, **CREDENTIALS)  # before there is a JVM, which inherits them

Configure = Callable[..., JobConfig]

TIMED = frozenset(
    {
        "client/test_http_outcomes.py",
        "cluster/test_console_flink.py",
        "cluster/test_listening_sockets.py",
        "cluster/test_live_changes.py",
        "console/answers/test_embedded_kill.py",
        "console/answers/test_erasure.py",
        "console/api/test_access.py",
        "console/api/test_deadline.py",
        "console/api/test_health.py",
        "console/api/test_hostile.py",
        "console/notifications/test_notifications.py",
        "console/test_job_in_force.py",
        "console/web/test_flows.py",
        "console/web/test_reconnect.py",
        "console/web/test_replay.py",
        "contracts/test_redis_answers.py",
        "contracts/test_store_faults.py",
        "jobs/test_batched_operator.py",
        "jobs/test_control.py",
        "jobs/test_listening_sockets.py",
        "jobs/test_log_flood.py",
        "jobs/test_start_up.py",
        "jobs/test_temporary_files.py",
        "kafka/test_broker_outage.py",
        "kafka/test_commands.py",
        "kafka/test_console_beside_job.py",
        "kafka/test_console_in_force.py",
        "kafka/test_console_outcomes.py",
        "kafka/test_control.py",
        "kafka/test_full_disk.py",
        "kafka/test_lag_metrics.py",
        "kafka/test_life_of_a_rule.py",
        "kafka/test_redis_faults.py",
        "kafka/test_replies.py",
        "kafka/test_restarts.py",
        "kafka/test_signed_control.py",
        "udfs/control/test_long_rules.py",
    }
)
"""Files whose tests expect something within a time, or look at all processes: they run alone, the others in parallel."""

hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent
    for item in items:
        if item.path.relative_to(folder).as_posix() in TIMED:
            item.add_marker(pytest.mark.timed)


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """Commands that run in this process set up its logs and its signals, which the tests after them would get."""
    root = logging.getLogger()
    handlers, level, on_terminate = root.handlers[:], root.level, signal.getsignal(signal.SIGTERM)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    signal.signal(signal.SIGTERM, on_terminate)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="session")
def log_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture
def configure(bundle: Path, log_directory: Path, tmp_path: Path) -> Configure:
    """A configuration of a file source and a files sink in the test's directory; sections are laid over it."""

    def make(source: Path, /, **sections: Any) -> JobConfig:
        tree: dict[str, Any] = {
            "source": sections.pop("source", {"kind": "file", "path": str(source)}),
            "sinks": sections.pop("sinks", [{"kind": "files", "directory": str(tmp_path / "out")}]),
            "scoring": {"bundle": str(bundle), "log_features": False} | sections.pop("scoring", {}),
            "flink": {"log_directory": str(log_directory)} | sections.pop("flink", {}),
            **sections,
        }
        return parse_config(tree)

    return make

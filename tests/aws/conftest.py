"""One moto server, one JVM and one tiny model bundle for all tests with AWS; topics, buckets and streams of its own each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.aws.alert_queue import AlertQueue
from tests.kafka.conftest import configure_kafka, topics
from tests.servers.connectors import fetch_connectors, fetch_plugins
from tests.servers.moto_server import MotoServer

__all__ = ["configure_kafka", "topics"]


@pytest.fixture(scope="session", autouse=True)
def surroundings() -> None:
    fetch_connectors()
    fetch_plugins()


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    server = MotoServer(tmp_path_factory.mktemp("moto"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_moto(tmp_path: Path) -> Iterator[MotoServer]:
    """One that may be paused and killed."""
    server = MotoServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def queue(moto: MotoServer) -> AlertQueue:
    return AlertQueue(moto)


@pytest.fixture
def bucket(moto: MotoServer) -> str:
    name = f"fraud-{uuid4().hex[:8]}"
    moto.client("s3").create_bucket(Bucket=name)
    return name

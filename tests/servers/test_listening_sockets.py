"""Servers for tests and development listen only on loopback, since most have no authentication."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.listening_sockets import TABLES, listening_sockets
from tests.servers.dynamodb_local import DynamoDBLocal
from tests.servers.kafka_broker import Broker
from tests.servers.moto_server import MotoServer
from tests.servers.processes import ServerProcess
from tests.servers.redis_server import RedisServer

pytestmark = pytest.mark.skipif(not TABLES[0].exists(), reason="the kernel's tables of sockets are those of Linux")

KAFKA_PORTS = 6  # five ways to log in, and the controller's


@pytest.mark.parametrize("kind", [DynamoDBLocal, MotoServer, RedisServer])
def test_a_server_listens_only_on_its_loopback_port(
    kind: type[DynamoDBLocal | MotoServer | RedisServer], tmp_path: Path
) -> None:
    server: ServerProcess = kind(tmp_path)
    server.start()
    try:
        found = listening_sockets([server.pid])
    finally:
        server.stop()

    assert [(one.port, one.is_on_loopback) for one in found] == [(server.port, True)]


def test_the_broker_listens_only_on_loopback(broker: Broker) -> None:
    found = listening_sockets([broker.pid])

    assert [one.is_on_loopback for one in found] == [True] * KAFKA_PORTS

"""A start script reports success only for the server that it has started, not for another one on its port."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.kafka_broker import Broker
from tests.servers.ports import free_ports

DEPLOY = Path(__file__).parents[2] / "deploy"
LISTENS = DEPLOY / "servers" / "listens.py"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield one.getsockname()[1]


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=180)


def test_a_broker_is_not_started_on_a_port_of_another_process(taken: int, tmp_path: Path) -> None:
    done = run(DEPLOY / "servers" / "kafka" / "start.sh", tmp_path / "broker", taken)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"start.sh: another process listens on port {taken}: end it, or choose another port" in done.stderr
    assert not (tmp_path / "broker" / "pid").exists()


@pytest.mark.parametrize("position", [0, 1])
def test_a_cluster_is_not_started_on_a_port_of_another_process(taken: int, position: int, tmp_path: Path) -> None:
    ports = free_ports(1)
    ports.insert(position, taken)
    done = run(DEPLOY / "cluster" / "start.sh", tmp_path / "cluster", 1, *ports, sys.executable)
    assert done.returncode == 2
    assert done.stderr == f"start.sh: another process listens on port {taken}: end it, or choose another port\n"
    assert not (tmp_path / "cluster" / "pid").exists()


def test_whose_port_it_is(broker: Broker, taken: int) -> None:
    port = int(broker.servers.rpartition(":")[2])
    assert run(sys.executable, LISTENS, broker.pid, port).returncode == 0
    assert run(sys.executable, LISTENS, broker.pid, taken).returncode == 1
    assert run(sys.executable, LISTENS, "free", taken).returncode == 1
    assert run(sys.executable, LISTENS, "free", free_ports(1)[0]).returncode == 0

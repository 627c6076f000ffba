"""A Flink cluster of two one-slot TaskManagers in processes of its own, from the scripts in deploy/cluster."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SCRIPTS = Path(__file__).parents[2] / "deploy" / "cluster"
TASK_MANAGERS = 2


class Cluster(NamedTuple):
    directory: Path
    rest_port: int

    def submit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(SCRIPTS / "submit.sh"), str(self.directory), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=180)

    def submit_detached(self, config_file: str) -> str:
        """Returns the id of the job, which runs on."""
        done = self.submit("-d", config_file)
        assert done.returncode == 0, done.stdout + done.stderr
        match = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
        assert match is not None
        return match[1]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; held together so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("cluster")
    rest_port, rpc_port = free_ports(2)
    arguments = [str(directory), str(TASK_MANAGERS), str(rest_port), str(rpc_port), sys.executable]
    subprocess.run([str(SCRIPTS / "start.sh"), *arguments], check=True, timeout=120)
    yield Cluster(directory, rest_port)
    subprocess.run([str(SCRIPTS / "stop.sh"), str(directory)], check=True, timeout=120)

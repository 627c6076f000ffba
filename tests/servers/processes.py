"""Fetching, starting, pausing and stopping the servers that tests need."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def fetched(script: str) -> Path:
    """What the project's script of a server prints: where the server is. Fails the test with the script's one line."""
    done = subprocess.run([sys.executable, str(PROJECT / script)], capture_output=True, text=True)
    if done.returncode:
        pytest.fail(done.stderr.strip(), pytrace=False)
    return Path(done.stdout.split()[-1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """One server, started again on the same port as often as a test likes."""

    port: int

    def __init__(self, command: list[str], directory: Path, answers: Callable[[], bool]) -> None:
        self._command = command
        self._directory = directory
        self._answers = answers
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self._directory, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                told = (self._directory / "server.log").read_text(errors="replace")[-1_000:]
                pytest.fail(f"{self._command[0]} did not start: {told}", pytrace=False)
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        return self._running().pid

    def pause(self) -> None:
        """The connections stay, and nothing is answered any more."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def kill(self) -> None:
        process = self._running()
        process.kill()
        process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self.kill()

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server is not running"
        return self._process

"""Starts servers and jobs of a benchmark as process groups and stops them on exit."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROJECT = Path(__file__).absolute().parents[1]
KAFKA = PROJECT / "deploy" / "servers" / "kafka"
REDIS_FETCH = PROJECT / "deploy" / "servers" / "redis" / "fetch.py"


class ProcessEnded(RuntimeError):
    """A process ended unexpectedly; the message names its log."""


@contextmanager
def kafka_broker(directory: Path, properties: Path | None = None) -> Iterator[str]:
    """Runs a broker on a free port, with the settings of a file over those of the project; yields its host:port."""
    more = [] if properties is None else [str(free_port()), str(properties)]
    command = [str(KAFKA / "start.sh"), str(directory), *more]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)
    try:
        yield f"127.0.0.1:{(directory / 'port').read_text().strip()}"
    finally:
        subprocess.run([str(KAFKA / "stop.sh"), str(directory)], check=True, timeout=60)


@contextmanager
def redis_server(directory: Path) -> Iterator[tuple[int, int] | None]:
    """Runs Redis without persistence; yields its port and process id, or None where redis-server is not available."""
    found = subprocess.run([sys.executable, str(REDIS_FETCH)], capture_output=True, text=True)
    if found.returncode:
        yield None
        return
    port = free_port()
    program = found.stdout.split()[-1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with running(command, directory / "redis.log") as server:
        wait_until(lambda: is_listening(port), 60, "Redis", server)
        yield port, server.process.pid


def stop_all_when_terminated() -> None:
    """Makes SIGTERM exit this program with clean-up, so that no server or job is left running."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


class Running:
    """A process and its descendants as a process group."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    def kill(self) -> None:
        """Kills the whole group by SIGKILL, as a machine failure would."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def require_alive(self) -> None:
        """Raises ProcessEnded where the process has ended."""
        if self.process.poll() is not None:
            raise ProcessEnded(f"{self.process.args!r} ended with code {self.process.returncode}: see {self.log}")


def start(command: list[str], log: Path, **environment: str) -> Running:
    """Starts a command in its own process group, with output appended to a log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, cwd=PROJECT, stdout=file, stderr=file, start_new_session=True, env={**os.environ, **environment}
        )
    return Running(process, log)


@contextmanager
def running(command: list[str], log: Path, **environment: str) -> Iterator[Running]:
    """Like `start`; kills the group on exit."""
    started = start(command, log, **environment)
    try:
        yield started
    finally:
        started.kill()


def python(module: str, *arguments: str) -> list[str]:
    """The command line of a module of this project."""
    return [sys.executable, "-m", module, *arguments]


def wait_until(
    condition: Callable[[], bool], seconds: float, what: str, process: Running | None = None, every: float = 0.2
) -> None:
    """Polls the condition. Raises TimeoutError after `seconds`, ProcessEnded where the process has ended."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process is not None:
            process.require_alive()
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {seconds:.0f} s")
        time.sleep(every)


def free_port() -> int:
    """A free TCP port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """True where a local port accepts connections."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0

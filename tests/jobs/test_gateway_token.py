"""The JVM of a local run: who calls it by py4j, or calls Python back, must know the token; it ends with its Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from py4j.java_gateway import GatewayParameters, JavaGateway
from py4j.protocol import Py4JError

PROGRAM = """
import sys
from jobs.runtime.environment import start_java
start_java(sys.argv[1])
import pyflink.java_gateway as java_gateway
gateway = java_gateway.get_gateway()
print(gateway.gateway_parameters.port, gateway.gateway_parameters.auth_token, flush=True)
gateway.jvm.java.lang.System.out.println("from Java")
print(gateway.jvm.java.lang.ProcessHandle.current().pid(), flush=True)
print(gateway.entry_point.get("Watchdog") is not None, flush=True)
input()
"""


@contextmanager
def started(logs: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, str(logs)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def version_of_java(port: int, token: str | None) -> str:
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=token))
    try:
        return str(gateway.jvm.java.lang.System.getProperty("java.version"))
    finally:
        gateway.close()


def test_without_the_token_java_answers_nobody_and_with_it_all_is_as_ever(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        port, token = line(process).split()
        assert line(process) == "from Java"  # Java's standard output is that of the command
        line(process)
        assert line(process) == "True"
        assert len(token) == 64
        assert version_of_java(int(port), token).startswith("17")
        for wrong in (None, "0" * 64, token[:-1]):
            with pytest.raises(Py4JError):
                version_of_java(int(port), wrong)
        assert version_of_java(int(port), token).startswith("17")
        for place in ("cmdline", "environ"):
            files = [*Path("/proc").glob(f"[0-9]*/{place}")]
            assert not any(token.encode() in content_of(file) for file in files), place


def content_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it has ended, or is another user's
        return b""


def test_java_ends_when_its_python_is_killed(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        line(process)
        line(process)
        java = Path("/proc", line(process))
        assert java.exists()
        process.kill()
        deadline = time.monotonic() + 20
        while java.exists() and "Z (zombie)" not in (java / "status").read_text():
            assert time.monotonic() < deadline, "Java still runs"
            time.sleep(0.1)

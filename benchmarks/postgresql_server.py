"""A PostgreSQL server in a folder of its own, on a free loopback port, for benchmarks and tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

START_SECONDS = 60
FOR_TESTS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""Settings of a server whose data need not survive the machine."""
_SETTINGS = {"max_connections": "100", "autovacuum": "on", "log_min_messages": "fatal"}


class PostgresqlServer:
    """One server. The postmaster refuses to run as root: it runs as the user postgres then."""

    def __init__(self, **settings: str) -> None:
        self.port = _free_port()
        self._settings = _SETTINGS | settings
        self._folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "--auth=trust", "--username=store", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
                  f"--pgdata={self._folder / 'data'}")  # fmt: skip

    def start(self) -> None:
        """Start it, again with its data after `kill`. Raises RuntimeError if it does not answer."""
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(binaries() / "postgres"), "-D", str(self._folder / "data"), "-p", str(self.port),
                 "-clisten_addresses=127.0.0.1", f"-cunix_socket_directories={self._folder}", *options],
                stdout=log, stderr=log, cwd=self._folder, **self._as,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                told = (self._folder / "server.log").read_text(errors="replace")[-1_000:]
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start: {told}")
            time.sleep(0.05)

    def make_database(self, name: str) -> str:
        """Create an empty database; returns its URL."""
        self._run("createdb", "--host=127.0.0.1", f"--port={self.port}", "--username=store", name)
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://store@127.0.0.1:{self.port}/{database}"

    def kill(self) -> None:
        """All its processes die at once."""
        assert self._process is not None
        children = subprocess.run(["pgrep", "-P", str(self._process.pid)], capture_output=True, text=True).stdout
        for pid in [self._process.pid, *map(int, children.split())]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()
        while any(Path(f"/proc/{pid}").exists() for pid in children.split()):
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it at once, and remove its folder."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            self._run("pg_isready", "--host=127.0.0.1", f"--port={self.port}", "--quiet")
        except subprocess.CalledProcessError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(binaries() / program), *arguments]
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self._folder, **self._as
        )


def binaries() -> Path:
    """The folder of PostgreSQL's newest programs on this machine. Raises FileNotFoundError."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).resolve().parent
    raise FileNotFoundError("PostgreSQL is not installed: install the package postgresql")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""What the benchmarks of the API start, and its kill table kills: console, job, broker, database."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
from sqlalchemy import create_engine, select

from benchmarks.api_caller import Decided
from benchmarks.kafka_bench import Testbed, make_topics, write_config
from benchmarks.postgresql_server import PostgresqlServer
from benchmarks.processes import KAFKA, Running, free_port, python, start, wait_until
from console.store.tables import decisions
from udfs.records.outputs import ACTIONS

START_SECONDS = 90.0
NAME = "api"

Restart = Callable[[float], None]
"""Kills a part, waits so many seconds and starts it; returns when that was asked for, not when the part is ready."""


class Parts(NamedTuple):
    """A console with its surroundings. `killed`: what can be killed, by name."""

    url: str
    store_url: str
    killed: dict[str, Restart]


class Program:
    """A process that is started again with the same command."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._command = command
        self._log = log
        self.running: Running = start(command, log)

    def restart(self, away_seconds: float) -> None:
        self.running.kill()
        time.sleep(away_seconds)
        self.running = start(self._command, self._log)


@contextmanager
def beside_job(testbed: Testbed, exactly_once: bool, checkpoint_interval_ms: int) -> Iterator[Parts]:
    """A job that replies, and a console beside it whose store is in PostgreSQL."""
    sink = {"guarantee": "exactly-once", "transactional_id_prefix": NAME} if exactly_once else {}
    connection = {"bootstrap_servers": testbed.servers}
    config = write_config(
        testbed,
        NAME,
        sink=sink,
        replies={"kind": "kafka", "connection": connection, "topic": f"{NAME}.replies"},
        state={"restore_from": "newest-or-none", "checkpoint_interval_ms": checkpoint_interval_ms},
    )
    make_topics(config)
    database = PostgresqlServer()
    try:
        database.start()
        store_url = database.make_database("console")
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        job = Program(python("jobs.score_transactions", "--config", str(config)), testbed.work / "job.log")
        console = Program(_console(port, store_url, "--config", str(config)), testbed.work / "console.log")
        try:
            _wait_for_console(url, console)
            _wait_for_decision(url, console)
            yield Parts(
                url, store_url,
                {
                    "API": console.restart,
                    "job": job.restart,
                    "broker": lambda away: restart_broker(testbed.work / "kafka", away),
                    "database": lambda away: restart_database(database, away),
                },
            )  # fmt: skip
        finally:
            console.running.kill()
            job.running.kill()
    finally:
        database.stop()


@contextmanager
def embedded(folder: Path) -> Iterator[Parts]:
    """A console that decides by itself, whose store is in PostgreSQL."""
    folder.mkdir(parents=True)
    database = PostgresqlServer()
    try:
        database.start()
        store_url, port = database.make_database("console"), free_port()
        url = f"http://127.0.0.1:{port}"
        console = Program(
            _console(port, store_url, "--log", str(folder / "scorer.sqlite")), folder / "console.log"
        )  # fmt: skip
        try:
            _wait_for_console(url, console)
            yield Parts(
                url, store_url, {"API": console.restart, "database": lambda away: restart_database(database, away)}
            )
        finally:
            console.running.kill()
    finally:
        database.stop()


def restart_broker(directory: Path, away_seconds: float) -> None:
    """SIGKILL, and a start with the same data and port."""
    os.kill(int((directory / "pid").read_text()), signal.SIGKILL)
    time.sleep(away_seconds)
    subprocess.run([str(KAFKA / "start.sh"), str(directory)], check=True, stdout=subprocess.DEVNULL, timeout=120)


def restart_database(server: PostgresqlServer, away_seconds: float) -> None:
    """SIGKILL of all its processes, and a start that recovers from its log."""
    server.kill()
    time.sleep(away_seconds)
    server.start()


def stored(store_url: str) -> dict[str, Decided]:
    """The decisions of a store by transaction id."""
    engine = create_engine(store_url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.connect() as connection:
            rows = connection.execute(select(decisions.c.transaction_id, decisions.c.action, decisions.c.risk_score))
            return {row.transaction_id: Decided(ACTIONS[row.action], row.risk_score) for row in rows}
    finally:
        engine.dispose()


def _console(port: int, store_url: str, *options: str) -> list[str]:
    return python("cli.main", "console", "--port", str(port), "--store", store_url, "--fallback", "refer", *options)


def _wait_for_console(url: str, console: Program) -> None:
    wait_until(lambda: _status(url, "/livez") == 200, START_SECONDS, "console", console.running)


def _wait_for_decision(url: str, console: Program) -> None:
    """The job's first reply takes as long as its start."""
    wait_until(lambda: _decides(url), START_SECONDS, "reply of the job", console.running, every=1)


def _decides(url: str) -> bool:
    event = {"transaction_id": "first", "user_id": "first", "timestamp": "2026-01-05T12:00:00Z", "amount": 1}
    answer = httpx.post(f"{url}/v1/decisions", json=event, timeout=5)
    return answer.status_code == 200 and answer.json()["degraded"] is None


def _status(url: str, path: str) -> int:
    try:
        return httpx.get(url + path, timeout=5).status_code
    except httpx.TransportError:
        return 0

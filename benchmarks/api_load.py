"""Payments to the API in open loop: `python -m benchmarks.api_load --rate 500 --seconds 60`.

Every payment has a time at which it is due, whether or not the answers before it are there. Latency is from that time to
the last byte of the answer, so that a server that falls behind shows it. Connections are kept alive.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter, time_ns
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec
import numpy as np

PERCENTILES = (50.0, 95.0, 99.0, 99.9)
PATH = "/v1/decisions"
FAILED = "connection"
TIME_TO_FINISH_SECONDS = 10


class _Outcome(msgspec.Struct):
    degraded: str | None = None


_outcome_of = msgspec.json.Decoder(_Outcome).decode


@dataclass
class Load:
    """What was sent and what came back. Latencies in seconds, of answers with status 200; `degraded`: fallbacks of those."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    degraded: int = 0
    sent: int = 0


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on the way."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._received = b""
        self.due = 0.0
        self.is_busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        assert self._transport is not None
        self.due, self.is_busy, self._received = due, True, b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if not self.is_busy:
            return
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if separator and len(body) >= _content_length(head):
            self.is_busy = False
            self._pool.answered(self, head[9:12].decode(), body, self.due)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.lost(self)


class Pool:
    """Idle connections, and requests that wait for one. New connections are opened as they are needed."""

    def __init__(self, host: str, port: int, most: int, load: Load) -> None:
        self._address = (host, port)
        self._most = most
        self._open = 0
        self._idle: list[Connection] = []
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self.measured_from = 0.0
        self.load = load
        self.unanswered = 0

    def send(self, request: bytes, due: float) -> None:
        self.unanswered += 1
        if self._idle:
            self._idle.pop().send(request, due)
            return
        self._waiting.append((request, due))
        self._connect()

    def answered(self, connection: Connection, status: str, body: bytes, due: float) -> None:
        self.unanswered -= 1
        if due >= self.measured_from:
            self.load.statuses[status] += 1
            if status == "200":
                self.load.latencies.append(perf_counter() - due)
                self.load.degraded += _outcome_of(body).degraded is not None
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        self._open -= 1
        if connection.is_busy:
            self._failed(connection.due)
        elif connection in self._idle:
            self._idle.remove(connection)

    async def open(self, count: int) -> None:
        """Open so many connections before the first request."""
        for _ in range(count):
            self._connect()
        await asyncio.gather(*self._tasks)

    def _failed(self, due: float) -> None:
        self.unanswered -= 1
        self.load.statuses[FAILED] += due >= self.measured_from

    def _connect(self) -> None:
        if self._open >= self._most:
            return
        self._open += 1
        task = asyncio.ensure_future(self._connected())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self) -> None:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(self), *self._address)
        except OSError:
            self._open -= 1
            if self._waiting:
                self._failed(self._waiting.popleft()[1])
            return
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._idle.append(connection)


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.find(b"content-length:")
    return int(lowered[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0


async def send_load(url: str, rate: float, seconds: float, warm_up_seconds: float, users: int, connections: int,
                    key: str | None, seed: int) -> Load:  # fmt: skip
    """Send payments at a constant rate; returns what came of those after the warm-up."""
    address = urlsplit(url)
    assert address.hostname is not None
    load = Load()
    pool = Pool(address.hostname, address.port or 80, connections, load)
    await pool.open(min(connections, 16))
    random, prefix = Random(seed), f"L{time_ns():x}"
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        + (f"X-API-Key: {key}\r\n" if key else "")
        + "Content-Length: %d\r\n\r\n"
    )
    begin = perf_counter()
    pool.measured_from = begin + warm_up_seconds
    total = int(rate * (seconds + warm_up_seconds))
    for number in range(total):
        due = begin + number / rate
        wait = due - perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        body = json.dumps(payment(random, f"{prefix}-{number}", users)).encode()
        pool.send((head % len(body)).encode() + body, due)
        load.sent += due >= pool.measured_from
    give_up = perf_counter() + TIME_TO_FINISH_SECONDS
    while pool.unanswered and perf_counter() < give_up:
        await asyncio.sleep(0.01)
    load.statuses["unanswered"] += pool.unanswered
    return load


def payment(random: Random, transaction_id: str, users: int) -> dict[str, Any]:
    """A payment of now."""
    user = random.randrange(users)
    return {
        "transaction_id": transaction_id,
        "user_id": f"load-{user}",
        "timestamp": time_ns() // 1_000_000,
        "amount": round(random.lognormvariate(3.5, 1.0), 2),
        "currency": "USD",
        "merchant_id": f"M{random.randrange(500)}",
        "merchant_category": random.choice(("5411", "5732", "5812", "4111")),
        "channel": random.choice(("pos", "ecommerce", "atm")),
        "device_id": f"D{user}",
        "country": "US",
    }


def summary(load: Load, rate: float, seconds: float) -> dict[str, Any]:
    """The figures. Latencies in milliseconds."""
    errors = {status: count for status, count in load.statuses.items() if status != "200" and count}
    figures: dict[str, Any] = {
        "rate_per_second": rate, "seconds": seconds, "sent": load.sent, "answered": len(load.latencies),
        "degraded": load.degraded, "errors": errors,
    }  # fmt: skip
    if load.latencies:
        values = np.percentile(np.array(load.latencies) * 1000, PERCENTILES)
        figures |= {f"p{level:g}_ms": round(float(value), 2) for level, value in zip(PERCENTILES, values, strict=True)}
        figures["max_ms"] = round(max(load.latencies) * 1000, 2)
    return figures


@click.command(name="api_load")
@click.option("--url", default="http://127.0.0.1:8717", show_default=True)
@click.option("--rate", default=500.0, show_default=True, help="Payments a second.")
@click.option("--seconds", default=60.0, show_default=True, help="Measured seconds.")
@click.option("--warm-up", default=5.0, show_default=True, help="Seconds before them at the same rate.")
@click.option("--users", default=5_000, show_default=True)
@click.option("--connections", default=64, show_default=True, help="Most connections at a time.")
@click.option("--key", help="API key.")
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "out", type=click.Path(path_type=Path), help="Also write the figures to this file.")
def main(
    url: str, rate: float, seconds: float, warm_up: float, users: int, connections: int, key: str | None, seed: int,
    out: Path | None,
) -> None:  # fmt: skip
    """Send payments to a running API and print latencies and errors."""
    load = asyncio.run(send_load(url, rate, seconds, warm_up, users, connections, key, seed))
    figures = summary(load, rate, seconds)
    click.echo(json.dumps(figures, indent=2))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Open tabs of analysts beside decisions: `python -m benchmarks.console_tabs --tabs 50 --rate 500 --seconds 60`.

Starts a console that decides by itself, in a process of its own. Each tab has one stream of events, as the pages open it.
Payments come in open loop; once a second one of them is an alert for certain. Its delay is from its answer until a stream
tells that so many alerts are there, which is when a tab can show its row. The same load runs first without tabs.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, time_ns
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click
import httpx
import msgspec
import numpy as np

from benchmarks.api_load import send_load, summary
from benchmarks.memory import MIB, resident_bytes
from benchmarks.processes import free_port, python, running, wait_until
from console.store.store import DecisionStore
from console.store.tables import cases

RULES = """
name: tabs
version: 1
scale: [[0, 0], [100, 1000]]
rules:
  - {id: certain, points: 10, when: amount > 500000, reason: "A payment of {amount}", action: refer_to_analyst}
"""
START_SECONDS, WARM_UP_SECONDS, AFTER_SECONDS = 60.0, 5.0, 5.0
LEVELS = (50.0, 95.0, 99.0)


class Change(msgspec.Struct):
    """Of the stream: the number of the newest case."""

    newest: int


_change_of = msgspec.json.Decoder(Change).decode


@dataclass
class Tab:
    """What one stream has told: (monotonic seconds, number of the newest case); `bytes`: of it."""

    told: list[tuple[float, int]] = field(default_factory=list)
    bytes: int = 0
    broken: str | None = None


class Probe(NamedTuple):
    """A payment that is an alert for certain, and when it was answered, in monotonic seconds."""

    transaction_id: str
    answered: float


async def opened_tab(url: str) -> tuple[Tab, asyncio.StreamReader, asyncio.StreamWriter]:
    """A tab whose stream is open, as long as its writer is kept."""
    address, tab = urlsplit(url), Tab()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"GET /live HTTP/1.1\r\nHost: {address.netloc}\r\nAccept: text/event-stream\r\n\r\n".encode())
    status = await reader.readline()
    if b" 200 " not in status:
        tab.broken = status.decode().strip()
    return tab, reader, writer


async def watch(tab: Tab, reader: asyncio.StreamReader) -> None:
    """Read the stream of a tab until it is cancelled."""
    while line := await reader.readline():
        tab.bytes += len(line)
        if line.startswith(b"data: {"):  # a beat has no data
            tab.told.append((perf_counter(), _change_of(line[6:]).newest))
    tab.broken = tab.broken or "the stream ended"


async def probe(url: str, seconds: float) -> list[Probe]:
    """One certain alert a second."""
    found = []
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        begin = perf_counter()
        for number in range(int(seconds)):
            await asyncio.sleep(max(0.0, begin + number - perf_counter()))
            transaction_id = f"probe-{time_ns():x}"
            event = {
                "transaction_id": transaction_id, "user_id": f"probe-{number % 20}", "timestamp": time_ns() // 1_000_000,
                "amount": 600_000, "currency": "USD", "merchant_id": "M1",
            }  # fmt: skip
            answer = await client.post("/v1/decisions", json=event)
            answer.raise_for_status()
            found.append(Probe(transaction_id, perf_counter()))
    return found


async def measure(
    url: str, tabs: int, rate: float, seconds: float, users: int
) -> tuple[dict[str, Any], list[Tab], list[Probe]]:
    """The figures of the load, what the tabs were told, and the certain alerts."""
    opened = [await opened_tab(url) for _ in range(tabs)]
    watching = [asyncio.create_task(watch(tab, reader)) for tab, reader, _ in opened]
    load, probes = await asyncio.gather(
        send_load(url, rate, seconds, WARM_UP_SECONDS, users, 64, None, 1), probe(url, seconds + WARM_UP_SECONDS)
    )
    await asyncio.sleep(AFTER_SECONDS)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return summary(load, rate, seconds), [tab for tab, *_ in opened], probes


def delays(tabs: list[Tab], probes: list[Probe], numbers: dict[str, int]) -> tuple[list[float], int]:
    """Seconds from answers to the tabs that told of them, and how many were not told. `numbers`: of the alerts' cases."""
    found, missing = [], 0
    for transaction_id, answered in probes:
        number = numbers.get(transaction_id)
        for tab in tabs:
            at = next(
                (at for at, newest in tab.told if number is not None and newest >= number and at >= answered), None
            )
            if at is None:
                missing += 1
            else:
                found.append(at - answered)
    return found, missing


@contextmanager
def console(folder: Path) -> Iterator[tuple[str, str, int]]:
    """A console on a free port; yields its address, its store's URL and its process group."""
    port, store = free_port(), f"sqlite:///{folder / 'store.sqlite'}"
    (folder / "rules.yaml").write_text(RULES)
    command = python(
        "cli.main", "console", "--port", str(port), "--store", store, "--log", str(folder / "scorer.sqlite"), "--rules",
        str(folder / "rules.yaml"), "--log-level", "error", "--rate", "10000000", "--deadline-ms", "5000",
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def is_ready() -> bool:
        try:
            return httpx.get(f"{url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    with running(command, folder / "console.log") as process:
        wait_until(is_ready, START_SECONDS, "the console", process)
        yield url, store, process.process.pid


def figures(tabs: int, rate: float, seconds: float, users: int) -> dict[str, Any]:
    """One run with so many tabs."""
    with tempfile.TemporaryDirectory(prefix="tabs-") as scratch, console(Path(scratch)) as (url, store_url, group):
        before = resident_bytes(group)
        load, opened, probes = asyncio.run(measure(url, tabs, rate, seconds, users))
        after = resident_bytes(group)
        store = DecisionStore.open(store_url)
        with store.database.read() as connection:
            rows = connection.execute(cases.select().with_only_columns(cases.c.transaction_id, cases.c.case_id))
            numbers = {row[0]: row[1] for row in rows}
        store.close()
    found, missing = delays(opened, probes, numbers)
    told: dict[str, Any] = {"tabs": tabs, "decisions": load}
    if tabs:
        told |= {
            "events_a_tab": round(sum(len(tab.told) for tab in opened) / tabs, 1),
            "bytes_a_tab": round(sum(tab.bytes for tab in opened) / tabs),
            "broken_tabs": [tab.broken for tab in opened if tab.broken is not None],
            "alerts": len(probes), "alerts_not_told": missing,
        }  # fmt: skip
        if found:
            values = np.percentile(found, LEVELS)
            told["row_delay_s"] = {
                f"p{level:g}": round(float(value), 3) for level, value in zip(LEVELS, values, strict=True)
            } | {"max": round(max(found), 3)}
    return told | {"memory_mib": {"before": round(before / MIB), "after": round(after / MIB)}}


@click.command(name="console_tabs")
@click.option("--tabs", default=50, show_default=True, type=click.IntRange(1, 500), help="Open tabs.")
@click.option("--rate", default=500.0, show_default=True, help="Payments a second.")
@click.option("--seconds", default=60.0, show_default=True, help="Measured seconds of each run.")
@click.option("--users", default=5_000, show_default=True)
@click.option("--json", "out", type=click.Path(path_type=Path), help="Also write the figures to this file.")
def main(tabs: int, rate: float, seconds: float, users: int, out: Path | None) -> None:
    """Run without tabs, then with them, and print the figures of both."""
    runs = [figures(count, rate, seconds, users) for count in (0, tabs)]
    click.echo(json.dumps(runs, indent=2))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(runs, indent=2) + "\n")


if __name__ == "__main__":
    main()

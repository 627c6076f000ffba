"""What a busy user costs: microseconds per payment of the scorer alone, with many payments of one user in any order.

    python -m benchmarks.busy_user

Each stream is scored by the shipped bundle in batches of 32; its later half is measured. Streams of one user are spread
over a day: in order, with every tenth payment a second late, in any order, and all at one moment. `quiet` is 10,000 users
in turn. So many payments of one user are alerts, whose reasons cost time; users' state and features are measured alone, too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from time import perf_counter

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.machine import describe_machine, machine
from models.default_bundle import DEFAULT_BUNDLE
from udfs.core.learner import Learner, LearnerSettings
from udfs.records.outputs import Origin
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs
from udfs.stores.memory import MemoryStore
from udfs.stores.record_source import MemorySource

BATCH = 32
DAY_MS = 86_400_000
START_MS = 1_767_225_600_000
QUIET_USERS = 10_000

Stream = list[tuple[str, bytes]]
"""Key and payload of each payment."""
Times = Callable[[int, random.Random], list[int]]
"""Milliseconds since the start of the stream, for so many payments."""


def in_order(payments: int, _: random.Random) -> list[int]:
    return [number * DAY_MS // payments for number in range(payments)]


def with_late_ones(payments: int, chance: random.Random) -> list[int]:
    return [time - 1_000 if chance.random() < 0.1 else time for time in in_order(payments, chance)]


def in_any_order(payments: int, chance: random.Random) -> list[int]:
    return [chance.randrange(DAY_MS) for _ in range(payments)]


def at_one_moment(payments: int, _: random.Random) -> list[int]:
    return [0] * payments


STREAMS: dict[str, tuple[Times, int]] = {
    "quiet: 10,000 users in order": (in_order, QUIET_USERS),
    "one user in order": (in_order, 1),
    "one user, every tenth payment 1 s late": (with_late_ones, 1),
    "one user in any order": (in_any_order, 1),
    "one user at one moment": (at_one_moment, 1),
}


def payments_of(times: Times, users: int, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Key and payload of each payment."""
    chance = random.Random(seed)
    for number, time_ms in enumerate(times(count, chance)):
        user = f"U{number % users}"
        payment = {
            "transaction_id": f"T{number}",
            "user_id": user,
            "timestamp": START_MS + DAY_MS + time_ms,
            "amount": round(chance.lognormvariate(3, 1), 2),
            "merchant_id": f"M{chance.randrange(3_000)}",
            "device_id": f"D{chance.randrange(40)}",
            "country": chance.choice(("US", "DE", "FR", "GB")),
            "channel": "ecommerce",
        }
        yield user, json.dumps(payment, separators=(",", ":")).encode()


def learning() -> Callable[[Stream], int]:
    """Takes a batch: users' state and features alone."""
    logs = MemoryUserLogs()
    learner = Learner(LearnerSettings(), MemorySource(MemoryStore({})), logs, lambda _, key: logs.set_current_key(key))

    def take(batch: Stream) -> int:
        learner.learn([key for key, _ in batch], [payload for _, payload in batch], [None] * len(batch))
        return 0

    return take


def scoring() -> Callable[[Stream], int]:
    """Takes a batch, and gives how many alerts it raised."""
    logs = MemoryUserLogs()
    scorer = open_scorer(ScorerConfig(), ScorerPaths(bundle=str(DEFAULT_BUNDLE)), logs)
    origin = Origin("busy_user")

    def take(batch: Stream) -> int:
        for key, payload in batch:
            logs.set_current_key(key)
            scorer.submit(payload, key, None, origin)
        return sum(output.destination == "alerts" for outputs in scorer.flush() for output in outputs)

    return take


def measure(stream: Stream, take: Callable[[Stream], int], console: Console, name: str) -> tuple[float, float]:
    """Microseconds a payment, and the share of alerts, over the later half of a stream."""
    half = len(stream) // 2 // BATCH * BATCH
    start, alerts = 0.0, 0
    for first in track(range(0, len(stream), BATCH), name, console=console, transient=True):
        if first == half:
            start, alerts = perf_counter(), 0
        alerts += take(stream[first : first + BATCH])
    payments = len(stream) - half
    return (perf_counter() - start) / payments * 1e6, alerts / payments


@click.command(help=__doc__)
@click.option("--payments", multiple=True, default=(20_000, 100_000), show_default=True, type=click.IntRange(1_000))
@click.option("--seed", default=7, show_default=True)
def main(payments: tuple[int, ...], seed: int) -> None:
    console = Console()
    console.print(describe_machine(machine()))
    table = Table("payments a day, their order", "state and features, us", "scorer, us", "alerts")
    for count in payments:
        for name, (times, users) in STREAMS.items():
            stream = list(payments_of(times, users, count, seed))
            learned, _ = measure(stream, learning(), console, f"{count:,}, {name}: state and features")
            scored, alerts = measure(stream, scoring(), console, f"{count:,}, {name}: scorer")
            table.add_row(f"{count:,}, {name}", f"{learned:.0f}", f"{scored:.0f}", f"{alerts:.0%}")
    console.print(table)


if __name__ == "__main__":
    main()

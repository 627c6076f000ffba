"""SIGKILL of the API, the job, the broker and the database under load: what callers see, and whether anything is lost.

    python -m benchmarks.api_kills

`fraud console --config` sits beside a job from Kafka to Kafka with Redis and exactly-once outputs, its store is in
PostgreSQL; then a console decides by itself. Each is killed in turn and started again after a few seconds, as a service
manager would do. In the end everything without a decision is sent again, and so is everything decided: a decision must
be the same each time, and in the store. Exit code 1 where one is lost or told differently, or a refusal lacks Retry-After.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.table import Table

from benchmarks.api_caller import Caller, Calls, Decided
from benchmarks.api_kill_parts import Parts, beside_job, embedded, stored
from benchmarks.kafka_bench import start_testbed
from benchmarks.machine import describe_machine, machine
from benchmarks.processes import stop_all_when_terminated
from cli.progress import progress_bar

AWAY_SECONDS = 5.0
BEFORE_SECONDS = 6.0
CATCH_UP_SECONDS = 60.0
USERS = 2_000


class Phase(NamedTuple):
    """What one kill came to. `without_decision_s`: the longest time without a decision after the kill."""

    killed: str
    calls: Calls
    without_decision_s: float


@click.command(name="api_kills", help=__doc__)
@click.option("--rate", default=200.0, show_default=True, help="Payments a second.")
@click.option("--seconds", default=40.0, show_default=True, help="Of load for each kill.")
@click.option("--only", type=click.Choice(["beside a job", "embedded"]), help="One of the two ways to decide.")
@click.option("--json", "out", type=click.Path(path_type=Path), help="Also write the figures to this file.")
def main(rate: float, seconds: float, only: str | None, out: Path | None) -> None:
    stop_all_when_terminated()
    click.echo(describe_machine(machine()))
    found: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        if only != "embedded":
            with (
                start_testbed(Path(folder), 20_000, 0, USERS) as testbed,
                beside_job(testbed, exactly_once=True, checkpoint_interval_ms=1_000) as parts,
            ):
                found["beside a job"] = _tried(parts, rate, seconds)
        if only != "beside a job":
            with embedded(Path(folder) / "embedded") as parts:
                found["embedded"] = _tried(parts, rate, seconds)
    for way, figures in found.items():
        _show(way, figures)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=2) + "\n")
    if any(not figures["good"] for figures in found.values()):
        sys.exit(1)


def _tried(parts: Parts, rate: float, seconds: float) -> dict[str, Any]:
    """The figures of each kill, and what the callers and the store have in the end."""
    return asyncio.run(_try(parts, rate, seconds))


async def _try(parts: Parts, rate: float, seconds: float) -> dict[str, Any]:
    caller = Caller(parts.url, USERS, seed=1)
    try:
        await caller.send(rate / 4, 10, Calls())  # until the JVMs have compiled the way of a record
        await caller.repeat_undecided(CATCH_UP_SECONDS)
        phases = []
        with progress_bar("kills") as progress:
            for number, (name, restart) in enumerate(parts.killed.items()):
                progress(number, len(parts.killed))
                phases.append(await _phase(caller, name, restart, rate, seconds))
                await caller.repeat_undecided(CATCH_UP_SECONDS)
        undecided = len(caller.undecided())
        unanswered = await caller.repeat_all()
        lost = await asyncio.to_thread(_missing_in_store, parts, caller.decided)
    finally:
        await caller.close()
    unhelpful = sum(phase.calls.unhelpful for phase in phases)
    other = [text for phase in phases for text in phase.calls.other]
    is_good = not (undecided or unanswered or lost or caller.contradictions or unhelpful or other)
    return {
        "phases": [_figures(phase) for phase in phases], "payments": len(caller.payments), "undecided": undecided,
        "unanswered_repeats": unanswered, "lost": lost[:5], "contradictions": caller.contradictions[:5],
        "other_answers": other[:5], "good": is_good,
    }  # fmt: skip


async def _phase(caller: Caller, name: str, restart: Callable[[float], None], rate: float, seconds: float) -> Phase:
    """Load for so many seconds, with a kill after BEFORE_SECONDS and a start AWAY_SECONDS later."""
    calls = Calls()
    load = asyncio.create_task(caller.send(rate, seconds, calls))
    await asyncio.sleep(BEFORE_SECONDS)
    killed_s = monotonic()
    await asyncio.to_thread(restart, AWAY_SECONDS)
    await load
    return Phase(name, calls, calls.seconds_without(killed_s))


def _missing_in_store(parts: Parts, decided: dict[str, Decided]) -> list[str]:
    """Decisions told to callers that are not in the store, or otherwise, once it has taken all there is."""
    deadline = monotonic() + CATCH_UP_SECONDS
    while True:
        there = stored(parts.store_url)
        missing = [
            f"{name}: told {told}, stored {there.get(name)}"
            for name, told in decided.items()
            if there.get(name) != told
        ]
        if not missing or monotonic() > deadline:
            return missing


def _figures(phase: Phase) -> dict[str, Any]:
    calls = phase.calls
    return {
        "killed": phase.killed, "decided": calls.decided, "fallbacks": calls.degraded, "refused": calls.refused,
        "refused_without_retry_after": calls.unhelpful, "not_connected": calls.not_connected,
        "seconds_without_decision": round(phase.without_decision_s, 1),
    }  # fmt: skip


def _show(way: str, figures: dict[str, Any]) -> None:
    table = Table(title=f"{way}: {figures['payments']:,} payments", title_justify="left")
    for heading in ("killed", "decided", "fallback", "503", "no connection", "s without a decision"):
        table.add_column(heading, justify="left" if heading == "killed" else "right")
    for row in figures["phases"]:
        table.add_row(
            row["killed"], f"{row['decided']:,}", f"{row['fallbacks']:,}", f"{row['refused']:,}",
            f"{row['not_connected']:,}", str(row["seconds_without_decision"]),
        )  # fmt: skip
    Console().print(table)
    click.echo(
        f"without a decision in the end {figures['undecided']}, repeats without an answer {figures['unanswered_repeats']}, "
        f"not in the store {len(figures['lost'])}, told differently {len(figures['contradictions'])}, "
        f"other answers {len(figures['other_answers'])}: {'good' if figures['good'] else 'NOT GOOD'}"
    )
    for line in (*figures["lost"], *figures["contradictions"], *figures["other_answers"]):
        click.echo(f"  {line}", err=True)


if __name__ == "__main__":
    main()

"""The API at a constant rate, alone and beside a job: `python -m benchmarks.api_rate`.

Starts a console with a store in PostgreSQL, which first decides by itself and then sits beside a job from Kafka to
Kafka with Redis and a checkpoint every 5 s. Payments come in open loop, as in `benchmarks.api_load`. Exit code 1
where one was not answered by a decision.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.api_kill_parts import Parts, beside_job, embedded
from benchmarks.api_load import send_load, summary
from benchmarks.kafka_bench import start_testbed
from benchmarks.machine import describe_machine, machine
from benchmarks.processes import stop_all_when_terminated

WAYS = (EMBEDDED, BESIDE_JOB) = ("embedded", "beside a job")
USERS = 5_000
CONNECTIONS = 64


@contextmanager
def started(way: str, folder: Path) -> Iterator[Parts]:
    """A console that decides this way, until the block ends."""
    if way == EMBEDDED:
        with embedded(folder / way) as parts:
            yield parts
        return
    with (
        start_testbed(folder, backlog=20_000, live=0, users=2_000) as testbed,
        beside_job(testbed, exactly_once=False, checkpoint_interval_ms=5_000) as parts,
    ):
        yield parts


@click.command(name="api_rate", help=__doc__)
@click.option("--rate", default=500.0, show_default=True, help="Payments a second.")
@click.option("--seconds", default=300.0, show_default=True, help="Measured seconds, for each way.")
@click.option("--warm-up", default=60.0, show_default=True, help="Seconds before them at the same rate.")
@click.option("--only", type=click.Choice(WAYS), help="One of the two ways to decide.")
@click.option("--json", "out", type=click.Path(path_type=Path), help="Also write the figures to this file.")
def main(rate: float, seconds: float, warm_up: float, only: str | None, out: Path | None) -> None:
    stop_all_when_terminated()
    found: dict[str, Any] = {"machine": machine()}
    click.echo(describe_machine(found["machine"]))
    is_good = True
    for way in WAYS:
        if only in (None, way):
            with TemporaryDirectory() as folder, started(way, Path(folder)) as parts:
                load = asyncio.run(send_load(parts.url, rate, seconds, warm_up, USERS, CONNECTIONS, None, seed=1))
            found[way] = summary(load, rate, seconds)
            is_good &= not (found[way]["errors"] or load.degraded)
            click.echo(f"{way}: {json.dumps(found[way])}")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()

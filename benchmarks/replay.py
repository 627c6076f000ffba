"""Throughput of a replay to a training frame: `python -m benchmarks.replay`.

Replays simulated history through the job's feature engine to Parquet, as `fraud train` reads it, with one process and
with one per core. The first fifth is warm-up: loading of libraries, reference data and users.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import click

from benchmarks.machine import describe_machine, machine
from benchmarks.throughput import simulate_into
from cli.progress import progress_bar

WARM_UP_SHARE = 0.2


@click.command(name="replay")
@click.option("--transactions", default=300_000, show_default=True, help="Simulated transactions.")
@click.option("--users", default=10_000, show_default=True, help="Simulated users.")
@click.option(
    "--json", "out", type=click.Path(path_type=Path), default=Path("out/bench_replay.json"), show_default=True
)
def main(transactions: int, users: int, out: Path) -> None:
    """Measure and print; write the figures as JSON."""
    from models.entity_history import aggregate_entities, write_history
    from udfs.entities.buckets import BucketSettings

    found: dict[str, Any] = {"machine": machine(), "transactions": transactions, "users": users}
    click.echo(describe_machine(found["machine"]))
    with TemporaryDirectory() as folder:
        work = Path(folder)
        simulate_into(work, transactions, users, only_transactions=True)
        with progress_bar("counting entities") as progress:
            write_history(
                aggregate_entities(work / "events.jsonl", BucketSettings(), progress=progress), work / "histories.jsonl"
            )
        for workers in sorted({1, os.cpu_count() or 1}):
            rate = _rate(work, workers, transactions)
            found[str(workers)] = rate
            click.echo(
                f"{workers} process{'es' * (workers > 1)}: {rate:,.0f} transactions/s, {rate / workers:,.0f} per core"
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n")
    click.echo(f"figures: {out}")


def _rate(work: Path, workers: int, transactions: int) -> float:
    from models.frame_replay import FrameTask, replay_into
    from udfs.scoring.settings import ScorerConfig, ScorerPaths

    paths = ScorerPaths(bundle="", reference=str(work / "reference"), histories=str(work / "histories.jsonl"))
    parts = work / f"parts-{workers}"
    parts.mkdir()
    marks: list[tuple[float, float]] = []

    def mark(done: int, total: int) -> None:
        progress(done, total)
        if done >= WARM_UP_SHARE * total:
            marks.append((perf_counter(), done / total))

    with progress_bar(f"replay, {workers}") as progress:
        replay_into(FrameTask(work / "events.jsonl", ScorerConfig(), paths, parts), workers, mark)
        marks.append((perf_counter(), 1.0))
    (start, first), (end, last) = marks[0], marks[-1]
    return (last - first) * transactions / (end - start)


if __name__ == "__main__":
    main()

"""Throughput of one slot and the time per stage of a transaction, `make bench`.

Runs simulated transactions through (1) the scorer alone, by stage, and (2) the Flink job from file to discard with all
features, the bank pack, 200 trees and autoencoder, profiles, entity history and checkpoints. Absolute figures depend on
the machine: compare figures of the same run only.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.file_job import job_tree, run_file_job
from benchmarks.machine import describe_machine, machine
from benchmarks.stages import measure_stages
from cli.progress import progress_bar


@click.command(name="throughput")
@click.option("--transactions", default=300_000, show_default=True, help="Simulated transactions.")
@click.option("--users", default=10_000, show_default=True, help="Simulated users.")
@click.option("--with-logins", is_flag=True, help="Keep logins, account changes and labels in the stream.")
@click.option("--backend", "backends", multiple=True, default=("hashmap", "rocksdb"), show_default=True)
@click.option("--parallelism", default=1, show_default=True, help="Slots of the one TaskManager that the job uses.")
@click.option("--checkpoint-interval-ms", default=5_000, show_default=True)
@click.option("--events", type=click.Path(path_type=Path), help="Use these events instead of simulated ones.")
@click.option("--reference", type=click.Path(path_type=Path), help="Reference folder of --events.")
@click.option("--json", "out", type=click.Path(path_type=Path), default=Path("out/bench.json"), show_default=True)
def main(
    transactions: int,
    users: int,
    with_logins: bool,
    backends: tuple[str, ...],
    parallelism: int,
    checkpoint_interval_ms: int,
    events: Path | None,
    reference: Path | None,
    out: Path,
) -> None:
    """Measure and print; write the figures as JSON."""
    from models.entity_history import aggregate_entities, write_history
    from udfs.entities.buckets import BucketSettings

    this_machine = machine()
    click.echo(describe_machine(this_machine))
    with TemporaryDirectory() as folder:
        work = Path(folder)
        if events is None:
            simulate_into(work, transactions, users, not with_logins)
            events, reference = work / "events.jsonl", work / "reference"
        histories = work / "entity_history.jsonl"
        with progress_bar("counting merchants") as progress:
            write_history(aggregate_entities(events, BucketSettings(), progress=progress), histories)
        with progress_bar("scorer alone") as progress:
            stages = measure_stages(events, reference, histories, progress)
        click.echo(f"\nscorer alone: {stages['microseconds_per_transaction']:.1f} us per transaction")
        for name, value in stages["stages"].items():
            click.echo(f"  {name:44} {value:6.2f} us")
        jobs = {}
        for backend in backends:
            tree = job_tree(events, work / backend, backend, checkpoint_interval_ms, parallelism, reference, histories)
            jobs[backend] = run_file_job(tree, f"Flink, {backend}")
            click.echo(
                f"Flink, file -> discard, parallelism {parallelism}, {backend:8} "
                f"{jobs[backend]['transactions_per_second']:>9,.0f} transactions/s "
                f"({jobs[backend]['records_per_second']:,.0f} records/s)"
            )
    result = {
        "machine": this_machine,
        "scorer": stages,
        "flink": jobs,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    click.echo(f"figures: {out}")


def simulate_into(directory: Path, transactions: int, users: int, only_transactions: bool) -> None:
    """Writes simulated events and their reference folder to the directory."""
    from simulator.config import SimulatorConfig
    from simulator.files import write
    from simulator.generate import simulate

    config = SimulatorConfig(
        users=users, days=max(1, round(transactions / users / 2)), transactions=transactions, seed=3
    )
    with progress_bar("simulating") as progress:
        write(simulate(config), directory, progress)
    if only_transactions:
        path = directory / "events.jsonl"
        lines = [line for line in path.open("rb") if line.startswith(b'{"type":"transaction"')]
        path.write_bytes(b"".join(lines))


if __name__ == "__main__":
    main()

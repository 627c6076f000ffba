"""Recall of unseen fraud on simulated history: trains once per fraud pattern, with that pattern left out.

python -m benchmarks.left_out --users 2500 --days 42
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from cli.progress import progress_bar


@click.command(name="left_out")
@click.option("--users", default=2_500, show_default=True, help="Simulated users.")
@click.option("--days", default=42, show_default=True, help="Simulated days.")
@click.option("--seed", default=2026, show_default=True)
def main(users: int, days: int, seed: int) -> None:
    """Simulate, replay, and train once per pattern; print the table as Markdown."""
    from models.entity_history import aggregate_entities, write_history
    from models.left_out import FALSE_POSITIVE_RATE, UNUSUAL_RATE, left_out_table
    from models.settings import TrainSettings
    from models.training_data import training_frame
    from simulator.config import SimulatorConfig
    from simulator.files import write
    from simulator.generate import simulate
    from udfs.scoring.settings import ScorerConfig, ScorerPaths

    config = ScorerConfig()
    with TemporaryDirectory() as folder:
        history = Path(folder)
        with progress_bar("simulating a history") as progress:
            write(simulate(SimulatorConfig(users=users, days=days, seed=seed)), history, progress)
        events, buckets = history / "events.jsonl", history / "entity_history.jsonl"
        with progress_bar("counting merchants") as progress:
            write_history(aggregate_entities(events, config.buckets, progress=progress), buckets)
        paths = ScorerPaths(bundle="", reference=str(history / "reference"), histories=str(buckets))
        with progress_bar("replaying history") as progress:
            frame = training_frame(events, config, paths, history / "truth.jsonl", progress)
    # Label delays are not part of this measurement: use the ground truth, also for the last days.
    is_fraud = np.array([pattern is not None for pattern in frame.patterns])
    frame = replace(frame, labels=is_fraud, label_known=np.ones(len(is_fraud), bool), label_known_at_ms=None)
    settings = TrainSettings(trees=100, max_bin=256, autoencoder_rows=20_000, epochs=15)
    with progress_bar("training without each pattern") as progress:
        rows = left_out_table(frame, settings, lambda _, share: progress(round(1000 * share), 1000))
    split = f"{FALSE_POSITIVE_RATE - UNUSUAL_RATE:.1%} by probability + {UNUSUAL_RATE:.1%} unusual"
    click.echo(f"Recall at a false-positive rate of {FALSE_POSITIVE_RATE:.1%}\n")
    click.echo(
        f"| left out of training | frauds | trees | anomaly | ensemble | {split} | trees, known | {split}, known |"
    )
    click.echo("|---|---|---|---|---|---|---|---|")
    for row in rows:
        click.echo(f"| {row.pattern} | {row.frauds} | " + " | ".join(f"{share:.0%}" for share in row[2:]) + " |")
    means = np.mean([row[2:] for row in rows], axis=0)
    click.echo(f"| mean | {sum(row.frauds for row in rows)} | " + " | ".join(f"{share:.1%}" for share in means) + " |")


if __name__ == "__main__":
    main()

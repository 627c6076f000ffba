"""`fraud train`: a bundle from a file of events."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.progress import progress_bar

if TYPE_CHECKING:
    from models.settings import TrainSettings


@click.command(name="train")
@click.option("--events", type=click.Path(path_type=Path), help="Events in order of arrival, labels among them.")
@click.option("--reference", type=click.Path(path_type=Path), help="Folder of reference files.")
@click.option("--truth", type=click.Path(path_type=Path), help="truth.jsonl: names the fraud patterns in the metrics.")
@click.option("--bundle", "--out", "out", type=click.Path(path_type=Path), help="Folder of the bundle to write.")
@click.option("--name", default="default", show_default=True, help="Name of the bundle.")
@click.option("--seed", default=0, show_default=True, help="Same data, same seed: same bundle, byte for byte.")
@click.option("--quick", is_flag=True, help="A small model for a first look.")
@click.option("--shipped", is_flag=True, help="Make the shipped bundle and statistics again, from a simulated history.")
def command(
    events: Path | None,
    reference: Path | None,
    truth: Path | None,
    out: Path | None,
    name: str,
    seed: int,
    quick: bool,
    shipped: bool,
) -> None:
    """Train XGBoost and an autoencoder on a replay of history, blend and calibrate them on later days, and export one
    ONNX bundle. The features come from the engine that serves: there is no second definition to drift.

    \b
    fraud simulate --out history --users 2000 --days 60
    fraud train --events history/events.jsonl --reference history/reference --bundle my-bundle
    """
    from models.settings import TrainSettings

    settings = TrainSettings.quick(name, seed) if quick else TrainSettings(name=name, seed=seed)
    if shipped:
        if events is not None or reference is not None or truth is not None:
            raise UserError("--shipped simulates its own history: leave out --events, --reference and --truth")
        _train_shipped(out, settings)
    elif events is None or out is None:
        raise UserError("give --events and --bundle, or --shipped")
    else:
        _train(events, reference, truth, out, settings)


def _train_shipped(out: Path | None, settings: TrainSettings) -> None:
    from models import default_bundle
    from simulator.config import SimulatorConfig
    from simulator.files import write
    from simulator.generate import simulate

    config = SimulatorConfig(
        users=default_bundle.USERS,
        days=default_bundle.DAYS,
        seed=default_bundle.SEED,
        start_ms=default_bundle.START_MS,
    )
    with TemporaryDirectory() as folder:
        history = Path(folder)
        with progress_bar("simulating a history") as progress:
            write(simulate(config), history, progress)
        events, reference = history / "events.jsonl", history / "reference"
        _train(events, reference, history / "truth.jsonl", out or default_bundle.DEFAULT_BUNDLE, settings)
        if out is None:
            _write_statistics(events, reference, default_bundle.DEFAULT_STATISTICS)


def _write_statistics(events: Path, reference: Path, out: Path) -> None:
    from models.statistics import collect_statistics, write_statistics
    from udfs.entity_buckets import BucketSettings
    from udfs.money import Money
    from udfs.profiles import UserProfile
    from udfs.stores.memory import load_reference

    records = load_reference(reference, BucketSettings()).store.records.values()
    users = {record.user_id: record for record in records if isinstance(record, UserProfile)}
    with progress_bar("population statistics") as progress:
        report = collect_statistics(events, users, Money(), progress=progress)
    write_statistics(report.statistics, out)
    click.echo(f"statistics in {out}")


def _train(events: Path, reference: Path | None, truth: Path | None, out: Path, settings: TrainSettings) -> None:
    from models.entity_history import aggregate_entities, write_history
    from models.event_files import EventFileError
    from models.frame import TrainingError
    from models.train import train_bundle
    from models.training_data import training_frame
    from udfs.scorer_config import ScorerConfig, ScorerPaths
    from udfs.stores.port import StoreError

    config = ScorerConfig()
    try:
        with TemporaryDirectory() as folder:
            histories = Path(folder) / "entity_history.jsonl"
            with progress_bar("counting merchants, devices, …") as progress:
                write_history(aggregate_entities(events, config.buckets, progress=progress), histories)
            paths = ScorerPaths(bundle="", reference=str(reference) if reference else None, histories=str(histories))
            with progress_bar("replaying history") as progress:
                frame = training_frame(events, config, paths, truth, progress)
        with progress_bar("training") as progress:
            manifest = train_bundle(frame, out, settings, lambda words, share: progress(round(1000 * share), 1000))
    except (EventFileError, StoreError, TrainingError, OSError) as error:
        raise UserError(str(error)) from None
    click.echo(f"bundle {manifest.name} {manifest.version} in {out}")
    for key, value in manifest.metrics.items():
        if isinstance(value, float):
            click.echo(f"  {key:28} {value:,.4f}")
        elif isinstance(value, int):
            click.echo(f"  {key:28} {value:,}")

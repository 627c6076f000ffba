"""`fraud train`: a bundle from a file of events."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from cli.errors import UserError
from cli.progress import progress_bar


@click.command(name="train")
@click.option("--events", type=click.Path(path_type=Path), help="Events in order of arrival, labels among them.")
@click.option("--reference", type=click.Path(path_type=Path), help="Folder of reference files.")
@click.option("--truth", type=click.Path(path_type=Path), help="truth.jsonl: names the fraud patterns in the metrics.")
@click.option("--out", "--bundle", "out", type=click.Path(path_type=Path), help="Folder of the bundle to write.")
@click.option("--name", default="default", show_default=True, help="Name of the bundle.")
@click.option("--seed", default=0, show_default=True, help="Same data, same seed: same bundle, byte for byte.")
@click.option("--quick", is_flag=True, help="A small model for a first look.")
@click.option("--shipped", is_flag=True, help="Make the shipped bundle again: simulate its history and train on it.")
def command(
    events: Path | None, reference: Path | None, truth: Path | None, out: Path | None, name: str, seed: int, quick: bool,
    shipped: bool,
) -> None:  # fmt: skip
    """Train XGBoost and an autoencoder on a replay of history, blend and calibrate them on later days, and export one
    ONNX bundle. The features come from the engine that serves: there is no second definition to drift.

    \b
    fraud simulate --out history --users 2000 --days 60
    fraud train --events history/events.jsonl --reference history/reference --out my-bundle
    """
    from models.default_bundle import DEFAULT_BUNDLE, simulate_history
    from models.settings import TrainSettings

    settings = TrainSettings.quick(name, seed) if quick else TrainSettings(name=name, seed=seed)
    if shipped:
        if events is not None or reference is not None or truth is not None:
            raise UserError("--shipped simulates its own history: leave out --events, --reference and --truth")
        with TemporaryDirectory() as folder:
            with progress_bar("simulating") as progress:
                simulate_history(Path(folder), progress)
            history = Path(folder)
            _train(
                history / "events.jsonl",
                history / "reference",
                history / "truth.jsonl",
                out or DEFAULT_BUNDLE,
                settings,
            )
        return
    if events is None or out is None:
        raise UserError("give --events and --out, or --shipped")
    _train(events, reference, truth, out, settings)


def _train(events: Path, reference: Path | None, truth: Path | None, out: Path, settings: object) -> None:
    from models.train import train_bundle

    from models.entity_history import aggregate_merchants, write_history
    from models.event_files import EventFileError
    from models.frame import TrainingError
    from models.settings import TrainSettings
    from models.training_data import training_frame
    from udfs.scorer_config import ScorerConfig, ScorerPaths
    from udfs.stores.port import StoreError

    assert isinstance(settings, TrainSettings)
    config = ScorerConfig()
    try:
        with TemporaryDirectory() as folder:
            histories = Path(folder) / "merchant_history.jsonl"
            with progress_bar("counting merchants") as progress:
                write_history(aggregate_merchants(events, config.buckets, progress=progress), histories)
            paths = ScorerPaths(
                bundle="", reference=str(reference) if reference else None, histories=str(histories)
            )  # fmt: skip
            with progress_bar("replaying history") as progress:
                frame = training_frame(events, config, paths, truth, progress)
        with progress_bar("training") as progress:
            manifest = train_bundle(frame, out, settings, lambda words, share: progress(round(1000 * share), 1000))
    except (EventFileError, StoreError, TrainingError, OSError) as error:
        raise UserError(str(error)) from None
    click.echo(f"bundle {manifest.name} {manifest.version} in {out}")
    for key, value in manifest.metrics.items():
        if isinstance(value, int | float):
            click.echo(f"  {key:28} {value:,.4f}" if isinstance(value, float) else f"  {key:28} {value:,}")

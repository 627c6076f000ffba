"""`fraud train`: a bundle from a file of events."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import click
import msgspec

from cli.errors import UserError
from cli.progress import progress_bar

if TYPE_CHECKING:
    from models.frame import TrainingFrame
    from models.settings import TrainSettings
    from models.train import Period

DATE_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@click.command(name="train")
@click.option("--events", type=click.Path(path_type=Path), help="Events in order of arrival, labels among them.")
@click.option("--transactions", type=click.Path(path_type=Path), help="Or any table of transactions, with --mapping.")
@click.option("--labels", type=click.Path(path_type=Path), help="A table of labels, if the transactions' has none.")
@click.option("--mapping", "mappings", multiple=True, type=click.Path(path_type=Path),
              help="YAML mapping of the table's columns; give a second one for --labels.")  # fmt: skip
@click.option("--train-from", type=click.DateTime(DATE_FORMATS), help="Learn from transactions from then on (UTC).")
@click.option("--train-until", type=click.DateTime(DATE_FORMATS), help="Up to, and without, that moment (UTC).")
@click.option("--labels-until", type=click.DateTime(DATE_FORMATS),
              help="The moment of training: labels known later are not used. The end of the data by default.")  # fmt: skip
@click.option("--tune", "tuning_seconds", type=click.IntRange(min=1), metavar="SECONDS",
              help="Search the trees' settings by time-ordered folds for so long.")  # fmt: skip
@click.option("--reference", type=click.Path(path_type=Path), help="Folder of reference files.")
@click.option("--truth", type=click.Path(path_type=Path), help="truth.jsonl: names the fraud patterns in the metrics.")
@click.option("--bundle", "--out", "out", type=click.Path(path_type=Path), help="Folder of the bundle to write.")
@click.option("--name", default="default", show_default=True, help="Name of the bundle.")
@click.option("--seed", default=0, show_default=True, help="Same data, same seed: same bundle, byte for byte.")
@click.option(
    "--reasons",
    type=click.Choice(["path", "shapley"]),
    default="path",
    show_default=True,
    help="How alerts are explained: path contributions (microseconds) or exact TreeSHAP (a millisecond).",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes that replay.  [default: the cores there are]")
@click.option("--quick", is_flag=True, help="A small model for a first look.")
@click.option("--shipped", is_flag=True, help="Make the shipped bundle and statistics again, from a simulated history.")
def command(
    events: Path | None,
    transactions: Path | None,
    labels: Path | None,
    mappings: tuple[Path, ...],
    train_from: datetime | None,
    train_until: datetime | None,
    labels_until: datetime | None,
    tuning_seconds: int | None,
    reference: Path | None,
    truth: Path | None,
    out: Path | None,
    name: str,
    seed: int,
    reasons: Literal["path", "shapley"],
    workers: int | None,
    quick: bool,
    shipped: bool,
) -> None:
    """Train XGBoost and an autoencoder on a replay of history, blend and calibrate them on later days, and export one
    ONNX bundle with its model card. The features come from the engine that serves: there is no second definition to
    drift. All history builds up users' habits; a period only limits what is learned from.

    \b
    fraud simulate --out history --users 2000 --days 60
    fraud train --events history/events.jsonl --reference history/reference --bundle my-bundle
    fraud train --transactions mine.parquet --mapping m.yaml --train-from 2018-07-25 --train-until 2018-08-01 --bundle b
    """
    from models.settings import TrainSettings

    if shipped:
        if any(given is not None for given in (events, transactions, labels, reference, truth)):
            raise UserError("--shipped simulates its own history: leave out all inputs")
        _train_shipped(out, _settings(TrainSettings, False, quick, name, seed, reasons), workers)
        return
    if out is None or (events is None) == (transactions is None):
        raise UserError("give --bundle and either --events or --transactions with --mapping, or --shipped")
    if (train_from is None) != (train_until is None) or (labels_until is not None and train_from is None):
        raise UserError("--train-from and --train-until belong together, and --labels-until to them")
    period = None
    if train_from is not None and train_until is not None:
        known_until_ms = None if labels_until is None else _epoch_ms(labels_until)
        period = (_epoch_ms(train_from), _epoch_ms(train_until), known_until_ms)
    settings = _settings(TrainSettings, period is not None, quick, name, seed, reasons)
    with TemporaryDirectory() as folder:
        if transactions is not None:
            events, converted_truth = _converted(transactions, labels, mappings, Path(folder))
            truth = truth or converted_truth
        assert events is not None
        _train(events, reference, truth, out, settings, period, tuning_seconds, workers)


def _settings(
    kind: type[TrainSettings], has_period: bool, quick: bool, name: str, seed: int, reasons: Literal["path", "shapley"]
) -> TrainSettings:
    if quick:
        settings = kind.quick(name, seed)
    else:
        settings = kind.short_period(name, seed) if has_period else kind(name=name, seed=seed)
    return msgspec.structs.replace(settings, reasons=reasons)


def _epoch_ms(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)


def _converted(
    transactions: Path, labels: Path | None, mappings: tuple[Path, ...], folder: Path
) -> tuple[Path, Path | None]:
    """The tables as events, and their truth where the mapping names patterns."""
    from cli.convert import convert_tables, tell

    inputs = (transactions,) if labels is None else (transactions, labels)
    if len(mappings) != len(inputs):
        raise UserError(
            f"{len(inputs)} tables and {len(mappings)} mappings: give one --mapping for each, in that order"
        )
    tell(convert_tables(inputs, mappings, folder))
    truth = folder / "truth.jsonl"
    return folder / "events.jsonl", truth if truth.is_file() else None


def _train_shipped(out: Path | None, settings: TrainSettings, workers: int | None) -> None:
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
        _train(
            events, reference, history / "truth.jsonl", out or default_bundle.DEFAULT_BUNDLE, settings, workers=workers
        )
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


def _train(
    events: Path,
    reference: Path | None,
    truth: Path | None,
    out: Path,
    settings: TrainSettings,
    period: tuple[int, int, int | None] | None = None,
    tuning_seconds: int | None = None,
    workers: int | None = None,
) -> None:
    from models.entity_history import aggregate_entities, write_history
    from models.event_files import EventFileError
    from models.frame import TrainingError
    from models.model_card import headline_of, write_model_card
    from models.processes import WorkerDied, cores
    from models.train import Period, train_bundle
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
                frame = training_frame(events, config, paths, truth, progress, workers or cores())
        stated = Period(*period) if period is not None else None
        if tuning_seconds is not None:
            settings = _tuned(frame, settings, stated, tuning_seconds)
        with progress_bar("training") as progress:
            manifest = train_bundle(
                frame, out, settings, lambda words, share: progress(round(1000 * share), 1000), stated
            )
        write_model_card(manifest, out)
    except (EventFileError, StoreError, TrainingError, WorkerDied, OSError) as error:
        raise UserError(str(error)) from None
    click.echo(f"bundle {manifest.name} {manifest.version} in {out}, with its model card")
    for line in headline_of(manifest):
        click.echo(f"  {line}")


def _tuned(frame: TrainingFrame, settings: TrainSettings, period: Period | None, seconds: int) -> TrainSettings:
    from models.tuning import tune

    with progress_bar("tuning") as progress:
        found = tune(frame, settings, period, seconds, lambda _, share: progress(round(1000 * share), 1000))
    click.echo(
        f"{found.trials} settings tried: average precision {found.average_precision:.4f} "
        f"(before: {found.average_precision_before:.4f})"
    )
    return found.settings

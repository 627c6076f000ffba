"""A training run: replays histories into one frame, chooses settings by the data, trains and writes the bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.progress import progress_bar

if TYPE_CHECKING:
    from models.frame import TrainingFrame
    from models.settings import TrainSettings
    from models.train import Period
    from udfs.records.profiles import UserProfile
    from udfs.rules.population import Statistics


@dataclass(frozen=True)
class History:
    """Events with labels, reference files, and the fraud patterns' names."""

    events: Path
    reference: Path | None
    truth: Path | None


@dataclass(frozen=True)
class TrainingRun:
    """Inputs and options of a training run.

    `workers`: replay processes (None: one a core). `period`: (from, until, labels known until) in epoch ms. `quick`: use
    `settings` unchanged instead of adapting them to the data. `label_delay_ms`: from when on a label counts, after its
    transaction (None: as in the features).
    """

    histories: tuple[History, ...]
    out: Path
    settings: TrainSettings
    quick: bool
    rules: str
    workers: int | None
    period: tuple[int, int, int | None] | None = None
    tuning_seconds: int | None = None
    label_delay_ms: int | None = None
    lists: Path | None = None


def train(run: TrainingRun) -> Statistics:
    """Train, write bundle and model card, print the result; returns the population statistics of the first history.

    Raises UserError.
    """
    from models.event_files import EventFileError
    from models.frame import TrainingError, joined_frames
    from models.model_card import headline_of, write_model_card
    from models.processes import WorkerDied
    from models.settings_by_data import settings_for
    from models.train import Period, train_bundle
    from udfs.rules.pack_files import RuleFileError
    from udfs.stores.port import StoreError

    period, settings = Period(*run.period) if run.period is not None else None, run.settings
    try:
        replayed = [_replayed(history, run) for history in run.histories]
        frames, statistics = [frame for frame, _ in replayed], replayed[0][1]
        frame = frames[0] if len(frames) == 1 else joined_frames(frames)
        if not run.quick:
            settings = settings_for(frame, period, settings)
            click.echo(f"settings: {settings.why}")
        if run.tuning_seconds is not None:
            settings = _tuned(frame, settings, period, run.tuning_seconds)
        with progress_bar("training") as progress:
            manifest = train_bundle(
                frame, run.out, settings, lambda words, share: progress(round(1000 * share), 1000), period
            )
        write_model_card(manifest, run.out)
    except (EventFileError, OSError, RuleFileError, StoreError, TrainingError, WorkerDied) as error:
        raise UserError(str(error)) from None
    click.echo(f"bundle {manifest.name} {manifest.version} in {run.out}, with its model card")
    for line in headline_of(manifest):
        click.echo(f"  {line}")
    return statistics


def _replayed(history: History, run: TrainingRun) -> tuple[TrainingFrame, Statistics]:
    """Replay a history; returns its training frame and its population statistics.

    Rules are evaluated with the statistics as of each payment's time.
    """
    from models.entity_history import aggregate_entities, profiles_of, write_history
    from models.found_attributes import found_attributes
    from models.processes import cores
    from models.statistics import collect_statistics, write_statistics
    from models.training_data import training_frame
    from udfs.scoring.settings import ScorerConfig, ScorerPaths
    from udfs.values.money import Money

    config, events, reference = ScorerConfig(), history.events, history.reference
    money = Money(config.base_currency)
    with TemporaryDirectory() as folder:
        histories, figures = Path(folder) / "entity_history.jsonl", Path(folder) / "statistics.json"
        with progress_bar("looking for attributes") as progress:
            attributes = found_attributes(events, reference, progress)
        with progress_bar("counting merchants, devices, …") as progress:
            rows = aggregate_entities(events, config.buckets, None, progress, attributes, profiles_of(reference), money)
            write_history(rows, histories)
        with progress_bar("population statistics") as progress:
            statistics = collect_statistics(events, _users(reference), money, progress=progress).statistics
        write_statistics(statistics, figures)
        paths = ScorerPaths(
            bundle="",
            rules=run.rules,
            lists=None if run.lists is None else str(run.lists),
            statistics=str(figures),
            reference=str(reference) if reference else None,
            histories=str(histories),
        )
        with progress_bar("replaying history") as progress:
            frame = training_frame(
                events, config, paths, history.truth, progress, run.workers or cores(), attributes, run.label_delay_ms
            )
    if attributes:
        click.echo(f"attributes of your own: {', '.join(attribute.name for attribute in attributes)}")
    return frame, statistics


def _users(reference: Path | None) -> dict[str, UserProfile]:
    from udfs.entities.buckets import BucketSettings
    from udfs.records.profiles import UserProfile
    from udfs.stores.memory import load_reference

    records = load_reference(reference, BucketSettings()).store.records.values()
    return {record.user_id: record for record in records if isinstance(record, UserProfile)}


def _tuned(frame: TrainingFrame, settings: TrainSettings, period: Period | None, seconds: int) -> TrainSettings:
    from models.tuning import tune

    with progress_bar("tuning") as progress:
        found = tune(frame, settings, period, seconds, lambda _, share: progress(round(1000 * share), 1000))
    click.echo(
        f"{found.trials} settings tried: average precision {found.average_precision:.4f} "
        f"(before: {found.average_precision_before:.4f})"
    )
    return found.settings

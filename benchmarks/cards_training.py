"""A bundle from the first file: entities counted, history replayed, models learned with the labels that were known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.cards_stream import Stream
from benchmarks.cards_table import Rows
from cli.progress import progress_bar
from models.entity_history import aggregate_entities, profiles_of, write_history
from models.found_attributes import found_attributes
from models.model_card import write_model_card
from models.period import Period, slice_period
from models.processes import cores
from models.settings import TrainSettings
from models.settings_by_data import settings_for
from models.train import save_bundle, train
from models.training_data import training_frame
from udfs.attributes import Attribute
from udfs.scorer_config import ScorerConfig, ScorerPaths

NAME = "cards"
STEPS = 1000


@dataclass(frozen=True)
class Trained:
    """`rows` [n] of the table were learned from; `settings` are those that were taken, `trees` how many grew."""

    bundle: Path
    version: str
    rows: Rows
    settings: TrainSettings
    trees: int
    blend: dict[str, Any]


def attributes_of(stream: Stream) -> tuple[Attribute, ...]:
    """The named texts and numbers of the users: what the bundle declares."""
    with progress_bar("looking for attributes") as progress:
        return found_attributes(stream.events, stream.reference, progress)


def count_entities(stream: Stream, attributes: tuple[Attribute, ...]) -> Path:
    """The history of merchants, categories … of a stream, as a file beside it; reading it is as of a moment."""
    path = stream.events.with_name("entity_history.jsonl")
    profiles = profiles_of(stream.reference)
    with progress_bar("counting merchants, categories, …") as progress:
        rows = aggregate_entities(
            stream.events, ScorerConfig().buckets, progress=progress, attributes=attributes, profiles=profiles
        )
        write_history(rows, path)
    return path


def train_on(
    stream: Stream, histories: Path, attributes: tuple[Attribute, ...], until_ms: int, bundle: Path, quick: bool
) -> Trained:
    """Learn from all transactions before `until_ms` whose labels are known by then; settings are chosen by the data.

    Raises TrainingError where there is too little to learn from.
    """
    paths = ScorerPaths(bundle="", reference=str(stream.reference), histories=str(histories))
    with progress_bar("replaying history") as progress:
        frame = training_frame(
            stream.events, ScorerConfig(), paths, progress=progress, workers=min(2, cores()), attributes=attributes
        )
    period = Period(int(stream.table.times_ms[0]), until_ms, until_ms)
    settings = TrainSettings.quick(NAME) if quick else settings_for(frame, period, TrainSettings(name=NAME))
    with progress_bar("training") as progress:
        ensemble = train(frame, settings, lambda _, share: progress(round(STEPS * share), STEPS), period)
        progress(STEPS, STEPS)
    manifest = save_bundle(ensemble, frame, bundle, settings)
    write_model_card(manifest, bundle)
    return Trained(
        bundle,
        manifest.version,
        slice_period(frame, period, settings.calibration_share).all_rows,
        settings,
        len(ensemble.fitted.forest.trees),
        msgspec.to_builtins(ensemble.blend.weights),
    )

"""Trains a bundle on the first file: entity history, replay to a training frame, models."""

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
from udfs.records.attributes import Attribute
from udfs.scoring.settings import ScorerConfig, ScorerPaths

NAME = "cards"
STEPS = 1000


@dataclass(frozen=True)
class Trained:
    """The bundle, the training rows (int64 [n] of the table), the chosen settings and the number of trees."""

    bundle: Path
    version: str
    rows: Rows
    settings: TrainSettings
    trees: int
    blend: dict[str, Any]


def attributes_of(stream: Stream) -> tuple[Attribute, ...]:
    """Finds the attributes of events and profiles, which the bundle declares."""
    with progress_bar("looking for attributes") as progress:
        return found_attributes(stream.events, stream.reference, progress)


def count_entities(stream: Stream, attributes: tuple[Attribute, ...]) -> Path:
    """Writes the entity history of a stream to a file in its folder and returns the path."""
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
    """Trains on all transactions before `until_ms` whose labels are known by then, with settings chosen by the data.

    Raises TrainingError where there is too little data.
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

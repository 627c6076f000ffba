"""History through the same engine and scorer as the stream, without Flink: training frames, decisions, parity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from models.event_files import Progress, lines_of, no_progress
from models.user_shard import UserShard, events_of_shard, routing_key
from udfs.events import AccountChange, Label, Login, Transaction
from udfs.feature_engine import FeatureEngine
from udfs.money import AmountOutOfRange, MissingRate
from udfs.observation import Observation
from udfs.outputs import Origin, Output
from udfs.scorer import Scorer
from udfs.user_log import MemoryUserLogs


def ignore_label(label: Label) -> None:
    """For callers that need no labels."""


def observations_of(
    path: Path,
    engine: FeatureEngine,
    logs: MemoryUserLogs,
    shard: UserShard,
    latest_timestamp_ms: int | None = None,
    progress: Progress = no_progress,
    on_label: Callable[[Label], None] = ignore_label,
) -> Iterator[tuple[int, Transaction, Observation]]:
    """The shard's transactions as the job would score them, late ones included, duplicates left out; each with its
    line's number and written to the state before it is given out.

    `engine` stores in `logs`. Raises EventFileError.
    """
    for number, event in events_of_shard(path, shard, latest_timestamp_ms, progress):
        logs.key = event.user_id
        if isinstance(event, Transaction):
            try:
                observation = engine.observe(event)
            except (MissingRate, AmountOutOfRange):
                continue  # a dead letter of the job
            if observation is not None:
                engine.commit(observation)
                yield number, event, observation
        elif isinstance(event, Login):
            engine.record_login(event)
        elif isinstance(event, AccountChange):
            engine.record_change(event)
        else:
            engine.record_label(event)
            on_label(event)


def replay_outputs(
    path: Path, scorer: Scorer, logs: MemoryUserLogs, progress: Progress = no_progress
) -> Iterator[Output]:
    """All outputs of a file in order, as one job instance would make them. Raises EventFileError."""
    origin = Origin(str(path))
    for line in lines_of(path, progress):
        key = routing_key(line)
        logs.key = key
        yield from scorer.process(line, key, None, origin)

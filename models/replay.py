"""History through the same engine and scorer as the stream, without Flink: training frames, decisions, parity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from struct import Struct

import numpy as np
import numpy.typing as npt

from models.event_files import Progress, lines_of, no_progress
from models.user_shard import UserShard, events_of_shard, routing_key
from udfs.events import AccountChange, Label, Login, Transaction
from udfs.feature_engine import FeatureEngine, Observation
from udfs.features.catalogue import NAMES
from udfs.money import AmountOutOfRange, MissingRate
from udfs.outputs import Origin, Output
from udfs.scorer import Scorer
from udfs.user_log import MemoryUserLogs


def ignore_label(label: Label) -> None:
    """For callers that need no labels."""


class ReplayedHistory:
    """A training frame's columns, one row a scored transaction, in order of arrival.

    `features` is float32 [N, F] in the catalogue's order; a label is the newest known by the end of the file.
    """

    def __init__(self) -> None:
        self.transaction_ids: list[str] = []
        self.user_ids: list[str] = []
        self.timestamps_ms: list[int] = []
        self.amounts: list[float] = []
        self.labels: dict[tuple[str, str], tuple[int, bool]] = {}
        self._rows = bytearray()
        self._pack = Struct(f"{len(NAMES)}f")

    def add(self, transaction: Transaction, amount: float, features: dict[str, float]) -> None:
        self.transaction_ids.append(transaction.transaction_id)
        self.user_ids.append(transaction.user_id)
        self.timestamps_ms.append(transaction.timestamp)
        self.amounts.append(amount)
        self._rows += self._pack.pack(*features.values())

    def add_label(self, label: Label) -> None:
        key = (label.user_id, label.transaction_id)
        previous = self.labels.get(key)
        if previous is None or previous[0] <= label.known_at:
            self.labels[key] = (label.known_at, label.is_fraud)

    def features(self) -> npt.NDArray[np.float32]:
        return np.frombuffer(self._rows, np.float32).reshape(-1, len(NAMES))

    def known_labels(self) -> list[tuple[int, bool] | None]:
        """Each row's newest label and when it was known, or None."""
        return [self.labels.get(key) for key in zip(self.user_ids, self.transaction_ids, strict=True)]


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


def replay_features(
    path: Path,
    engine: FeatureEngine,
    logs: MemoryUserLogs,
    latest_timestamp_ms: int | None = None,
    progress: Progress = no_progress,
) -> ReplayedHistory:
    """Every transaction's features as the job would compute them, in memory. Raises EventFileError."""
    history = ReplayedHistory()
    for _, transaction, observation in observations_of(
        path, engine, logs, UserShard(), latest_timestamp_ms, progress, history.add_label
    ):
        history.add(transaction, observation.context.amount, observation.features)
    return history


def replay_outputs(
    path: Path, scorer: Scorer, logs: MemoryUserLogs, progress: Progress = no_progress
) -> Iterator[Output]:
    """All outputs of a file in order, as one job instance would make them. Raises EventFileError."""
    origin = Origin(str(path))
    for line in lines_of(path, progress):
        key = routing_key(line)
        logs.key = key
        yield from scorer.process(line, key, None, origin)

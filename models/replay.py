"""History through the same engine and scorer as the stream, without Flink: training frames, decisions, parity."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import Struct

import msgspec
import numpy as np
import numpy.typing as npt

from models.event_files import Progress, events_of, lines_of, no_progress
from udfs.events import AccountChange, Label, Login, Transaction
from udfs.feature_engine import FeatureEngine
from udfs.features.catalogue import NAMES
from udfs.money import AmountOutOfRange, MissingRate
from udfs.outputs import Origin, Output
from udfs.scorer import Scorer
from udfs.user_log import MemoryUserLogs


class _Routing(msgspec.Struct):
    user_id: str | int


_decode_routing = msgspec.json.Decoder(_Routing).decode
NO_KEY = " no key"  # no id contains a space


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


def replay_features(
    path: Path,
    engine: FeatureEngine,
    logs: MemoryUserLogs,
    latest_timestamp_ms: int | None = None,
    progress: Progress = no_progress,
) -> ReplayedHistory:
    """Every transaction's features as the job would compute them, late ones included, duplicates left out.

    `engine` stores in `logs`. Raises EventFileError.
    """
    history = ReplayedHistory()
    for event in events_of(path, latest_timestamp_ms, progress):
        logs.key = event.user_id
        if isinstance(event, Transaction):
            try:
                observation = engine.observe(event)
            except (MissingRate, AmountOutOfRange):
                continue  # a dead letter of the job
            if observation is not None:
                engine.commit(observation)
                history.add(event, observation.context.amount, observation.features)
        elif isinstance(event, Login):
            engine.record_login(event)
        elif isinstance(event, AccountChange):
            engine.record_change(event)
        else:
            engine.record_label(event)
            history.add_label(event)
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


def routing_key(payload: bytes) -> str:
    """The key that the job's source would compute: the user id as text, or one that no id equals."""
    try:
        return str(_decode_routing(payload).user_id)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return NO_KEY

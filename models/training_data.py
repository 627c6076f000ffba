"""From a file of events to a training frame, through the same engine as the stream."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from models.event_files import EventFileError, Progress, lines_of, no_progress
from models.frame import TrainingFrame
from models.replay import ReplayedHistory, replay_features
from udfs.features.catalogue import FEATURE_SET_VERSION, NAMES
from udfs.open_scorer import open_engine
from udfs.scorer_config import ScorerConfig, ScorerPaths
from udfs.user_log import MemoryUserLogs


class _Truth(msgspec.Struct):
    transaction_id: str
    user_id: str
    pattern: str | None = None


def training_frame(
    events: Path,
    config: ScorerConfig,
    paths: ScorerPaths,
    truth: Path | None = None,
    progress: Progress = no_progress,
) -> TrainingFrame:
    """Replay the events and label each transaction by its newest label.

    Nobody's label counts before the label delay is over: without one a transaction is legitimate then, and frauds that
    are known sooner must not be over-represented among the youngest transactions.
    `truth` (truth.jsonl) only adds the fraud patterns' names, for the evaluation by pattern.
    Raises EventFileError, StoreError.
    """
    logs = MemoryUserLogs()
    engine = open_engine(config, paths, logs)
    history = replay_features(events, engine, logs, config.latest_timestamp_ms, progress)
    timestamps_ms = np.array(history.timestamps_ms, np.int64)
    known = history.known_labels()
    matured_ms = timestamps_ms + config.buckets.label_delay_ms
    labelled_ms = np.array([0 if item is None else item[0] for item in known], np.int64)
    known_at_ms = np.maximum(labelled_ms, matured_ms)
    end_ms = int(timestamps_ms.max(initial=0))
    return TrainingFrame(
        features=history.features(),
        names=NAMES,
        feature_set_version=FEATURE_SET_VERSION,
        labels=np.array([k is not None and k[1] for k in known], np.bool_),
        timestamps_ms=timestamps_ms,
        amounts=np.array(history.amounts, np.float64),
        user_ids=np.array(history.user_ids),
        label_known=known_at_ms <= end_ms,
        patterns=_patterns(history, truth),
        description=_description(history, known),
        label_known_at_ms=known_at_ms,
    )


def _patterns(history: ReplayedHistory, truth: Path | None) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    names: dict[tuple[str, str], str | None] = {}
    if truth is not None:
        decode = msgspec.json.Decoder(_Truth).decode
        for number, line in enumerate(lines_of(truth), start=1):
            try:
                row = decode(line)
            except msgspec.MsgspecError as error:
                raise EventFileError(f"{truth}, line {number}: {error}") from None
            names[(row.user_id, row.transaction_id)] = row.pattern
    patterns = np.empty(len(history.user_ids), np.object_)
    for row_number, key in enumerate(zip(history.user_ids, history.transaction_ids, strict=True)):
        patterns[row_number] = names.get(key)
    return patterns


def _description(history: ReplayedHistory, known: list[tuple[int, bool] | None]) -> dict[str, int]:
    return {
        "transactions": len(history.user_ids),
        "users": len(set(history.user_ids)),
        "labels": sum(item is not None for item in known),
        "frauds": sum(item is not None and item[1] for item in known),
        "first_timestamp_ms": min(history.timestamps_ms, default=0),
        "last_timestamp_ms": max(history.timestamps_ms, default=0),
    }

"""From a file of events to a training frame, through the same engine as the stream."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from models.event_files import EventFileError, Progress, lines_of, no_progress
from models.frame import RuleSetIdentity, TrainingFrame
from models.frame_parts import NO_LABEL_MS, FrameParts
from models.frame_replay import FrameTask, replay_into
from udfs.attributes import Attribute
from udfs.features.feature_set import feature_set_of
from udfs.open_scorer import rule_set_of
from udfs.rules.rule_map import content_of
from udfs.scorer_config import ScorerConfig, ScorerPaths


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
    workers: int = 1,
    attributes: tuple[Attribute, ...] = (),
) -> TrainingFrame:
    """Replay the events and label each transaction by its newest label; ask the rules of `paths` about each.

    Nobody's label counts before the label delay is over: without one a transaction is legitimate then, and frauds that
    are known sooner must not be over-represented among the youngest transactions.
    `truth` (truth.jsonl) only adds the fraud patterns' names, for the evaluation by pattern.
    The frame is the same however many `workers` replay; between them and the frame lie temporary files, about 1 kB a
    transaction. `attributes` are the bank's own columns to make features of. Raises EventFileError, StoreError,
    RuleFileError, PopulationError, WorkerDied.
    """
    feature_set, rule_set = feature_set_of(attributes), rule_set_of(paths.rules)
    with TemporaryDirectory() as folder:
        replay_into(FrameTask(events, config, paths, Path(folder), attributes), workers, progress)
        rows = FrameParts(Path(folder), feature_set.names)
        patterns = _patterns(rows, truth)
    timestamps_ms = rows.timestamps_ms
    has_label = rows.known_at_ms != NO_LABEL_MS
    matured_ms = timestamps_ms + config.buckets.label_delay_ms
    known_at_ms = np.maximum(rows.known_at_ms, matured_ms)
    end_ms = int(timestamps_ms.max(initial=0))
    return TrainingFrame(
        features=rows.features,
        names=feature_set.names,
        feature_set_version=feature_set.version,
        labels=rows.is_fraud,
        timestamps_ms=timestamps_ms,
        amounts=rows.amounts,
        user_ids=rows.user_ids,
        label_known=known_at_ms <= end_ms,
        patterns=patterns,
        description={
            "transactions": rows.rows,
            "users": len(np.unique(rows.user_ids)),
            "labels": int(has_label.sum()),
            "frauds": int(rows.is_fraud.sum()),
            "first_timestamp_ms": int(timestamps_ms.min()) if rows.rows else 0,
            "last_timestamp_ms": end_ms,
        },
        label_known_at_ms=known_at_ms,
        groups=feature_set.groups,
        attributes=attributes,
        rule_points=rows.rule_points,
        rule_set=RuleSetIdentity(rule_set.name, rule_set.version, content_of(rule_set)),
    )


def _patterns(rows: FrameParts, truth: Path | None) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    names: dict[tuple[str, str], str | None] = {}
    if truth is not None:
        decode = msgspec.json.Decoder(_Truth).decode
        for number, line in enumerate(lines_of(truth), start=1):
            try:
                row = decode(line)
            except msgspec.MsgspecError as error:
                raise EventFileError(f"{truth}, line {number}: {error}") from None
            names[(row.user_id, row.transaction_id)] = row.pattern
    patterns = np.full(rows.rows, None, np.object_)
    if names:
        for number, key in enumerate(zip(rows.user_ids.tolist(), rows.transaction_ids().tolist(), strict=True)):
            patterns[number] = names.get(key)
    return patterns

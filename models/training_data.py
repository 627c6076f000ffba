"""Builds a training frame from a file of events, with the feature engine of the job."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from models.event_files import EventFileError, Progress, lines_of, no_progress
from models.frame import RuleSetIdentity, TrainingFrame
from models.frame_parts import NO_LABEL_MS, FrameParts
from models.frame_replay import FrameTask, replay_into
from models.metrics import DAY_MS
from udfs.features.feature_set import feature_set_of
from udfs.records.attributes import Attribute
from udfs.rules.pack_files import rule_set_of
from udfs.rules.rule_map import content_of
from udfs.scoring.settings import ScorerConfig, ScorerPaths


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
    label_delay_ms: int | None = None,
) -> TrainingFrame:
    """Replay the events; each transaction gets its features, the points of the rules of `paths`, and its newest label.

    Labels count only after the label delay: a transaction without a label is legitimate from then on, and frauds known
    earlier would be over-represented among the newest transactions. `label_delay_ms` (None: that of `config`) is this delay;
    features keep that of `config`, as they are computed when scoring. `truth` (truth.jsonl) only adds the names of fraud
    patterns. The frame does not depend on the number of `workers`; temporary files take about 1 kB per transaction.
    `attributes` are the custom attributes used as features. Raises EventFileError, StoreError, RuleFileError,
    PopulationError, WorkerDied.
    """
    feature_set, rule_set = feature_set_of(attributes), rule_set_of(paths.rules)
    with TemporaryDirectory() as folder:
        replay_into(FrameTask(events, config, paths, Path(folder), attributes), workers, progress)
        rows = FrameParts(Path(folder), feature_set.names)
        patterns = _patterns(rows, truth)
    timestamps_ms = rows.timestamps_ms
    has_label = rows.known_at_ms != NO_LABEL_MS
    label_delay_ms = config.buckets.label_delay_ms if label_delay_ms is None else label_delay_ms
    matured_ms = timestamps_ms + label_delay_ms
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
            **(
                {} if label_delay_ms == config.buckets.label_delay_ms else {"label_delay_days": label_delay_ms / DAY_MS}
            ),
        },
        label_known_at_ms=known_at_ms,
        groups=feature_set.groups,
        attributes=attributes,
        rule_points=rows.rule_points,
        rule_set=RuleSetIdentity(rule_set.name, rule_set.version, content_of(rule_set)),
        label_delay_ms=label_delay_ms,
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

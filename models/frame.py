"""The training frame: one row per transaction with features as computed by the scorer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from udfs.entities.buckets import BucketSettings

if TYPE_CHECKING:
    from udfs.records.attributes import Attribute

MINIMUM_ROWS = 500


class TrainingError(ValueError):
    """The data cannot be used for training; the message gives the cause and what to change."""


class RuleSetIdentity(NamedTuple):
    """Identifies the rule set of rule points; `content` is its hash (`udfs.rules.rule_map.content_of`)."""

    name: str
    version: int
    content: str


@dataclass(frozen=True)
class TrainingFrame:
    """N transactions with F features, in any order of time.

    `features` float32 [N, F] in the order of `names`, NaN for not known; `labels` bool [N], true for fraud;
    `label_known` bool [N], false while the label is not final (such rows are neither trained nor evaluated on);
    `label_known_at_ms` int64 [N] or None, excludes labels that arrived after the end of a slice from its fit;
    `label_delay_ms` after its transaction a label is final;
    `timestamps_ms` int64 [N] event time; `amounts` float64 [N] in major units of the base currency; `user_ids` [N];
    `patterns` object [N], name of the fraud pattern or None; `description` of the data's origin, in JSON values;
    `groups` maps an input group to the positions of its features (`udfs.features.groups`); `attributes` are the custom
    attributes among the features; `rule_points` int32 [N] or None, points of `rule_set`, -1 if not evaluated.
    """

    features: npt.NDArray[np.float32]
    names: tuple[str, ...]
    feature_set_version: str
    labels: npt.NDArray[np.bool_]
    timestamps_ms: npt.NDArray[np.int64]
    amounts: npt.NDArray[np.float64]
    user_ids: npt.NDArray[Any]
    label_known: npt.NDArray[np.bool_]
    patterns: npt.NDArray[np.object_]
    description: dict[str, Any] = field(default_factory=dict)
    label_known_at_ms: npt.NDArray[np.int64] | None = None
    groups: dict[str, tuple[int, ...]] = field(default_factory=dict)
    attributes: tuple[Attribute, ...] = ()
    rule_points: npt.NDArray[np.int32] | None = None
    rule_set: RuleSetIdentity | None = None
    label_delay_ms: int = BucketSettings().label_delay_ms


def check_frame(frame: TrainingFrame) -> None:
    """Raise TrainingError unless the columns of the frame are consistent."""
    if frame.features.ndim != 2 or frame.features.dtype != np.float32:
        raise TrainingError(
            f"features must be a float32 matrix [N, F], not {frame.features.dtype} {frame.features.shape}"
        )
    rows, width = frame.features.shape
    if len(frame.names) != width:
        raise TrainingError(f"{len(frame.names)} feature names for {width} feature columns; give one name a column")
    repeated = sorted({name for name in frame.names if frame.names.count(name) > 1})
    if repeated:
        raise TrainingError(f"feature names must be distinct; repeated: {', '.join(repeated)}")
    columns = ["labels", "timestamps_ms", "amounts", "user_ids", "label_known", "patterns"]
    columns += [name for name in ("label_known_at_ms", "rule_points") if getattr(frame, name) is not None]
    if (frame.rule_points is None) != (frame.rule_set is None):
        raise TrainingError("rule_points and rule_set must be given together")
    outside = [name for name, columns in frame.groups.items() if not all(0 <= column < width for column in columns)]
    if outside:
        raise TrainingError(f"group {outside[0]} has a column outside of the {width} feature columns")
    for column in columns:
        if len(getattr(frame, column)) != rows:
            raise TrainingError(f"{column} has {len(getattr(frame, column))} values for {rows} rows of features")
    try:
        msgspec.json.encode(frame.description)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"the description of the data must consist of JSON values: {error}") from None
    if rows < MINIMUM_ROWS:
        raise TrainingError(f"{rows} transactions are too few to train on; give at least {MINIMUM_ROWS}")


def joined_frames(frames: Sequence[TrainingFrame]) -> TrainingFrame:
    """Concatenate the frames of several banks with the same features and rules.

    User ids are prefixed with the number of the bank. Raises TrainingError for different features or rules.
    """
    first = frames[0]
    if any((one.names, one.groups, one.rule_set) != (first.names, first.groups, first.rule_set) for one in frames):
        raise TrainingError("frames with different features or rules cannot be joined; replay all histories alike")

    def joined(column: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(one, column) for one in frames])

    def joined_if_all(column: str) -> npt.NDArray[Any] | None:
        return None if any(getattr(one, column) is None for one in frames) else joined(column)

    users = [[f"{number}:{user}" for user in one.user_ids.tolist()] for number, one in enumerate(frames, start=1)]
    return replace(
        first,
        features=joined("features"),
        labels=joined("labels"),
        timestamps_ms=joined("timestamps_ms"),
        amounts=joined("amounts"),
        label_known=joined("label_known"),
        patterns=joined("patterns"),
        user_ids=np.array([user for bank in users for user in bank]),
        label_known_at_ms=joined_if_all("label_known_at_ms"),
        rule_points=joined_if_all("rule_points"),
        rule_set=first.rule_set if all(one.rule_points is not None for one in frames) else None,
        description={"banks": [one.description for one in frames]},
    )


def finite(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A copy with infinities replaced by the largest float32 of their sign (XGBoost rejects infinities); NaN is kept."""
    limit = np.finfo(np.float32).max
    return np.clip(features, -limit, limit)


def sampled(rows: npt.NDArray[np.int64], size: int, seed: int) -> npt.NDArray[np.int64]:
    """A random sample of `size` rows in their order; all rows if there are not more."""
    if len(rows) <= size:
        return rows
    return rows[np.sort(np.random.default_rng(seed).choice(len(rows), size, replace=False))]

"""The training data: one row a transaction, as the scorer saw it, and its cut into three slices by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from udfs.attributes import Attribute

MINIMUM_ROWS = 500


class TrainingError(ValueError):
    """The data cannot train a bundle; the message says what it lacks."""


class RuleSetIdentity(NamedTuple):
    """Which rules gave the points: `content` is `udfs.rules.rule_map.content_of` the set."""

    name: str
    version: int
    content: str


@dataclass(frozen=True)
class TrainingFrame:
    """N transactions with F features, in any order of time.

    `features` float32 [N, F] with NaN for not known, in the order of `names`; `labels` bool [N], true for fraud;
    `label_known` bool [N], false where nobody can tell yet (such a row is neither learned from nor evaluated on);
    `label_known_at_ms` int64 [N], where given, keeps labels that arrived after a slice's end out of its fit;
    `timestamps_ms` int64 [N] event time; `amounts` float64 [N] in major units of the base currency; `user_ids` [N];
    `patterns` object [N], the fraud pattern's name or None; `description` says in JSON values where the data is from.
    `groups` are features' positions by the group of inputs that they need (`udfs.features.groups`), `attributes` the
    bank's own columns among the features. `rule_points` int32 [N], where given, are the points of `rule_set`, -1 where
    it was not evaluated.
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


@dataclass(frozen=True)
class TimeSlices:
    """Row numbers of three consecutive periods, each in order of time, only rows that may be used there.

    A moment belongs to one slice only. `training_end_ms` and `blending_end_ms` are the first moments after a slice.
    """

    training: npt.NDArray[np.int64]
    blending: npt.NDArray[np.int64]
    evaluation: npt.NDArray[np.int64]
    training_end_ms: int
    blending_end_ms: int


def check_frame(frame: TrainingFrame) -> None:
    """Raise TrainingError unless the frame's parts fit together."""
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
        raise TrainingError("rule_points and rule_set belong together: say which rules gave the points")
    outside = [name for name, places in frame.groups.items() if not all(0 <= place < width for place in places)]
    if outside:
        raise TrainingError(f"group {outside[0]} names a feature column that there is not, of {width}")
    for column in columns:
        if len(getattr(frame, column)) != rows:
            raise TrainingError(f"{column} has {len(getattr(frame, column))} values for {rows} rows of features")
    try:
        msgspec.json.encode(frame.description)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"the description of the data must be made of JSON values: {error}") from None
    if rows < MINIMUM_ROWS:
        raise TrainingError(f"{rows} transactions are too few to train on; give at least {MINIMUM_ROWS}")


def joined_frames(frames: Sequence[TrainingFrame]) -> TrainingFrame:
    """The rows of several banks' frames of the same features and rules, one bank after the other.

    Users are told apart by their bank's number. Descriptions are those of the parts.
    """
    first = frames[0]
    if any((one.names, one.groups, one.rule_set) != (first.names, first.groups, first.rule_set) for one in frames):
        raise TrainingError("frames of other features or rules cannot be joined; replay all histories alike")

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


def slice_by_time(
    frame: TrainingFrame, training_fraction: float, blending_fraction: float, left_out_patterns: tuple[str, ...] = ()
) -> TimeSlices:
    """Cut the frame by event time so that about the given fractions of all rows fall into the first two slices.

    Rows of `left_out_patterns` stay out of the first two. Raises TrainingError when a slice lacks rows, frauds or
    legitimate transactions.
    """
    if not (training_fraction > 0 and blending_fraction > 0 and training_fraction + blending_fraction < 1):
        raise TrainingError(f"the slices {training_fraction} and {blending_fraction} must leave a part for evaluation")
    order = np.argsort(frame.timestamps_ms, kind="stable")
    times = frame.timestamps_ms[order]
    training_end_ms = int(times[int(len(times) * training_fraction)])
    blending_end_ms = int(times[int(len(times) * (training_fraction + blending_fraction))])
    training_stop, blending_stop = np.searchsorted(times, [training_end_ms, blending_end_ms]).tolist()

    learnable = frame.label_known & ~np.isin(frame.patterns.astype(str), left_out_patterns)
    slices = TimeSlices(
        training=_usable(order[:training_stop], learnable, frame.label_known_at_ms, training_end_ms),
        blending=_usable(order[training_stop:blending_stop], learnable, frame.label_known_at_ms, blending_end_ms),
        evaluation=_usable(order[blending_stop:], frame.label_known, None, blending_end_ms),
        training_end_ms=training_end_ms,
        blending_end_ms=blending_end_ms,
    )
    for name in ("training", "blending", "evaluation"):
        check_slice(name, frame.labels[getattr(slices, name)])
    return slices


def finite(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A copy with infinities replaced by the largest float32 of their sign (XGBoost refuses infinities); NaN stays."""
    limit = np.finfo(np.float32).max
    return np.clip(features, -limit, limit)


def sampled(rows: npt.NDArray[np.int64], size: int, seed: int) -> npt.NDArray[np.int64]:
    """`size` of the rows, in their order; all of them where there are no more."""
    if len(rows) <= size:
        return rows
    return rows[np.sort(np.random.default_rng(seed).choice(len(rows), size, replace=False))]


def _usable(
    rows: npt.NDArray[np.int64],
    allowed: npt.NDArray[np.bool_],
    known_at_ms: npt.NDArray[np.int64] | None,
    end_ms: int,
) -> npt.NDArray[np.int64]:
    usable: npt.NDArray[np.int64] = rows[allowed[rows]]
    if known_at_ms is not None:
        usable = usable[known_at_ms[usable] <= end_ms]
    return usable


def check_slice(name: str, labels: npt.NDArray[np.bool_]) -> None:
    """Raise TrainingError unless there are frauds and legitimate transactions to learn from."""
    frauds = int(labels.sum())
    advice = "give a longer history or more labels"
    if len(labels) == 0:
        raise TrainingError(f"the {name} slice has no transaction with a known label; {advice}")
    if frauds == 0:
        raise TrainingError(f"the {name} slice has no fraud among {len(labels)} labelled transactions; {advice}")
    if frauds == len(labels):
        raise TrainingError(f"the {name} slice has no legitimate transaction among {len(labels)}; {advice}")

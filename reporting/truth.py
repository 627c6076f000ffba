"""Reads the truth of transactions: a truth file of the simulator, or an events file with labels."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from reporting.growing_columns import GrowingColumns
from reporting.identity import transaction_key
from reporting.json_lines import broken_line, records_of
from udfs.records.codec import MAX_TIMESTAMP_MS

Column = npt.NDArray[Any]
TRUTH_TYPES = ("truth", "label")
NOT_NAMED = -1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Line(msgspec.Struct, gc=False):
    type: str = "truth"
    transaction_id: str | int | None = None
    user_id: str | int | None = None
    is_fraud: bool | int | None = None
    pattern: str | None = None
    resolution_code: str | None = None
    known_at: (
        Annotated[int, msgspec.Meta(ge=0, le=MAX_TIMESTAMP_MS)] | Annotated[datetime, msgspec.Meta(tz=True)] | None
    ) = None


class Truth(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One row [T] a transaction, sorted by key. Of several labels the one with the latest known_at counts; of those with
    the same known_at, the last in the file.

    `pattern` and `resolution` are indices into the names, NOT_NAMED without a name.
    """

    key: Column  # uint64, reporting.identity.transaction_key
    is_fraud: Column  # bool
    pattern: Column  # int64
    resolution: Column  # int64
    pattern_names: tuple[str, ...]
    resolution_codes: tuple[str, ...]


class Outcomes(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The truth of each decision, one row [N] a decision."""

    known: Column  # bool; where it is false, the other columns have their defaults
    is_fraud: Column  # bool
    pattern: Column  # int64, index in pattern_names
    resolution: Column  # int64, index in resolution_codes
    pattern_names: tuple[str, ...] = ()
    resolution_codes: tuple[str, ...] = ()
    unscored: int = 0  # transactions of the truth without a decision
    unscored_frauds: int = 0


_decoder = msgspec.json.Decoder(_Line)


def read_truth(path: Path) -> Truth:
    """The truth lines and labels of the file; events of other types are skipped. Raises RunFilesError."""
    rows = GrowingColumns({"key": "Q", "is_fraud": "b", "pattern": "q", "resolution": "q", "known_at_ms": "q"})
    patterns: dict[str, int] = {}
    resolutions: dict[str, int] = {}
    for number, line in records_of(path, _decoder):
        if line.type not in TRUTH_TYPES:
            continue
        if line.transaction_id is None or line.user_id is None or line.is_fraud not in (0, 1):
            raise broken_line(
                path, number, "neither a truth line (transaction_id, user_id, is_fraud true or false) nor a typed event"
            )
        rows.append(
            (
                transaction_key(str(line.user_id), str(line.transaction_id)),
                line.is_fraud,
                _number_of(line.pattern, patterns),
                _number_of(line.resolution_code, resolutions),
                _epoch_ms(line.known_at),
            )
        )
    columns = rows.arrays()
    order = np.lexsort((np.arange(len(rows)), columns["known_at_ms"], columns["key"]))
    keys = columns["key"][order]
    newest = order[np.append(keys[1:] != keys[:-1], True)[: len(keys)]]
    return Truth(
        key=columns["key"][newest],
        is_fraud=columns["is_fraud"][newest].astype(bool),
        pattern=columns["pattern"][newest],
        resolution=columns["resolution"][newest],
        pattern_names=tuple(patterns),
        resolution_codes=tuple(resolutions),
    )


def outcomes_of(truth: Truth, key: Column) -> Outcomes:
    """The outcomes of decisions by their keys [N] (uint64)."""
    if not len(truth.key):
        unknown, not_named = np.zeros(len(key), bool), np.full(len(key), NOT_NAMED)
        return Outcomes(known=unknown, is_fraud=unknown, pattern=not_named, resolution=not_named)
    row = np.searchsorted(truth.key, key)
    row[row == len(truth.key)] = 0
    known = truth.key[row] == key
    scored = np.zeros(len(truth.key), bool)
    scored[row[known]] = True
    return Outcomes(
        known=known,
        is_fraud=known & truth.is_fraud[row],
        pattern=np.where(known, truth.pattern[row], NOT_NAMED),
        resolution=np.where(known, truth.resolution[row], NOT_NAMED),
        pattern_names=truth.pattern_names,
        resolution_codes=truth.resolution_codes,
        unscored=int((~scored).sum()),
        unscored_frauds=int((~scored & truth.is_fraud).sum()),
    )


def _number_of(name: str | None, numbers: dict[str, int]) -> int:
    return NOT_NAMED if not name else numbers.setdefault(name, len(numbers))


def _epoch_ms(moment: int | datetime | None) -> int:
    """-1 without a time: a truth line has none, and any label takes precedence over it."""
    if moment is None:
        return -1
    return moment if isinstance(moment, int) else int((moment - _EPOCH).total_seconds() * 1000)

"""What was known of payments at a moment, by their labels."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

UNLABELLED, LEGITIMATE, FRAUD = 0, 1, 2
OUTCOMES = 3
DAY_MS = 86_400_000
PRESUMED_DAYS = 30
"""A payment that is so old and has no label counts as legitimate, unless unlabelled payments are said to be unknown."""
Unlabelled = Literal["legitimate", "unknown"]
Column = npt.NDArray[Any]


class Labels(NamedTuple):
    """All labels [L] of a batch's rows, by row and then by the moment from which they are known."""

    rows: int
    row: Column  # int64
    is_fraud: Column  # bool
    known_at_ms: Column  # int64

    @classmethod
    def of(cls, column: pa.ListArray) -> Labels:
        """Of the table's column `labels`."""
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
        values = column.flatten()
        row = np.repeat(np.arange(len(column)), lengths)
        is_fraud = pc.struct_field(values, "is_fraud").to_numpy(zero_copy_only=False).astype(bool)
        known_at_ms = pc.struct_field(values, "known_at").cast(pa.int64()).to_numpy(zero_copy_only=False)
        order = np.lexsort((known_at_ms, row))
        return cls(len(column), row[order], is_fraud[order], known_at_ms[order])

    def as_known_at(self, moments_ms: Column | int) -> Column:
        """The outcome of each row by its newest label of that moment or before, int8 [N]; of labels of the same moment the
        last counts."""
        moments = np.broadcast_to(np.asarray(moments_ms, np.int64), (self.rows,))
        known = self.known_at_ms <= moments[self.row]
        outcome = np.full(self.rows, UNLABELLED, np.int8)
        # Of repeated rows the last is assigned, which is the newest label.
        outcome[self.row[known]] = np.where(self.is_fraud[known], FRAUD, LEGITIMATE)
        return outcome


def presumed(outcome: Column, is_old: Column | bool, unlabelled: Unlabelled) -> Column:
    """The outcomes, with old payments without a label taken for legitimate where that is said of them."""
    if unlabelled == "unknown":
        return outcome
    return np.where((outcome == UNLABELLED) & is_old, LEGITIMATE, outcome).astype(np.int8)

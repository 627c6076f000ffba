"""The hash of the data of a backtest, whatever the size of the batches that it is read in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.backtest.columns import DecisionColumns
from udfs.rules.column_rules import Texts


class DataDigest:
    """Collects what a backtest looks at: decisions, labels, and the columns that rules read."""

    def __init__(self) -> None:
        self._hashes: dict[str, hashlib._Hash] = {}
        self._dictionaries: dict[str, dict[str, int]] = {}

    def add(self, columns: DecisionColumns) -> None:
        """One batch."""
        recorded = pc.struct_field(columns.batch.column("rules"), "hits")
        self._update("decisions", _bytes_of(columns.batch.column("decision_id")))
        self._update("recorded hits", _bytes_of(recorded.flatten()))
        predictions, labels = columns.predictions, columns.labels
        for name, values in (
            ("time", columns.time_ms), ("amount", columns.amount_milli), ("action", columns.action),
            ("score", columns.score), ("probability", predictions.probability), ("anomaly", predictions.anomaly),
            ("coverage", predictions.coverage), ("blocked", predictions.is_blocked), ("label fraud", labels.is_fraud),
            ("label known", labels.known_at_ms), ("labels", np.bincount(labels.row, minlength=labels.rows)),
            ("recorded", pc.list_value_length(recorded).to_numpy(zero_copy_only=False)),
        ):  # fmt: skip
            self._update(name, np.ascontiguousarray(values).tobytes())
        self._add_numbers(columns.numbers)
        for name, texts in columns.texts.items():
            self._update(f"text {name}", self._codes(name, texts))

    def hex(self) -> str:
        """16 hex digits."""
        whole = hashlib.sha256()
        for name in sorted(self._hashes):
            whole.update(f"{name}\n".encode() + self._hashes[name].digest())
        for name in sorted(self._dictionaries):
            whole.update("\0".join(self._dictionaries[name]).encode())
        return whole.hexdigest()[:16]

    def _add_numbers(self, numbers: Mapping[str, np.ndarray[tuple[int], np.dtype[np.float64]]]) -> None:
        for name, values in numbers.items():
            known = np.where(np.isnan(values), np.nan, values)  # one NaN
            self._update(f"number {name}", known.tobytes())

    def _codes(self, name: str, texts: Texts) -> bytes:
        """Codes by the order in which texts were first seen in the whole."""
        known = self._dictionaries.setdefault(name, {})
        renumbered = np.array([known.setdefault(text, len(known)) for text in texts.texts] + [-1], np.int32)
        return renumbered[texts.codes].tobytes()

    def _update(self, name: str, content: bytes) -> None:
        if name not in self._hashes:
            self._hashes[name] = hashlib.sha256()
        self._hashes[name].update(content)


def _bytes_of(texts: pa.StringArray) -> bytes:
    """All texts one after the other."""
    if not len(texts):
        return b""
    _, offsets, content = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return b"" if content is None else memoryview(content)[ends[0] : ends[-1]].tobytes()

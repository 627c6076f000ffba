"""Finds the transaction and the labels of a decision in a file of events, without the file in memory."""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.backtest.decision_table import LabelRow
from models.decision_index import key_of
from models.event_files import Progress, lines_with_positions, no_progress
from udfs.core._native import decision_id
from udfs.records.codec import BadRecord, decode_event
from udfs.records.events import Label, Transaction

Column = npt.NDArray[Any]


class LabelIndex:
    """Labels by the hash of the decision id, 17 bytes each."""

    def __init__(self) -> None:
        self._keys, self._known_at, self._is_fraud = array("Q"), array("q"), array("b")
        self._sorted: tuple[Column, Column] | None = None

    def add(self, label: Label) -> None:
        """One more, after all of the same moment that were added before."""
        self._keys.append(_key(label))
        self._known_at.append(label.known_at)
        self._is_fraud.append(label.is_fraud)
        self._sorted = None

    def labels(self, identity: str) -> list[LabelRow]:
        """The labels of a decision id, in the order in which they were added."""
        if self._sorted is None:
            self._sorted = _sorted(self._keys)
        keys, order = self._sorted
        key = np.uint64(key_of(identity))
        first, last = (int(np.searchsorted(keys, key, side)) for side in ("left", "right"))
        return [LabelRow(bool(self._is_fraud[row]), self._known_at[row]) for row in order[first:last].tolist()]


class EventIndex:
    """Positions of a file's transactions by the hash of the decision id, 16 bytes each, and the labels."""

    def __init__(self, events: Path, labels: Sequence[Path] = (), progress: Progress = no_progress) -> None:
        """Read the file once. `labels`: more files of events, of which only the labels count. Raises EventFileError."""
        keys, positions = array("Q"), array("Q")
        self._labels = LabelIndex()
        for path in (events, *labels):
            for position, line in lines_with_positions(path, progress):
                try:
                    event = decode_event(line)
                except BadRecord:
                    continue
                if isinstance(event, Transaction) and path == events:
                    keys.append(_key(event))
                    positions.append(position)
                elif isinstance(event, Label):
                    self._labels.add(event)
        self._content = _mapped(events)
        self._keys, order = _sorted(keys)
        self._positions = (np.frombuffer(positions, np.uint64) if positions else np.empty(0, np.uint64))[order]

    def transaction(self, identity: str, time_ms: int) -> Transaction | None:
        """The first transaction of this decision id and event time in the file."""
        key = np.uint64(key_of(identity))
        place = int(np.searchsorted(self._keys, key))
        while place < len(self._keys) and self._keys[place] == key:
            position = int(self._positions[place])
            end = self._content.find(b"\n", position)
            event = decode_event(self._content[position : end if end >= 0 else len(self._content)].rstrip(b"\r"))
            if isinstance(event, Transaction) and event.timestamp == time_ms and _identity(event) == identity:
                return event
            place += 1
        return None

    def labels(self, identity: str) -> list[LabelRow]:
        """The labels of this decision id, in the order of the file."""
        return self._labels.labels(identity)


def _identity(event: Transaction | Label) -> str:
    return decision_id(event.user_id, event.transaction_id)


def _key(event: Transaction | Label) -> int:
    return key_of(_identity(event))


def _sorted(keys: array[int]) -> tuple[Column, Column]:
    found = np.frombuffer(keys, np.uint64) if keys else np.empty(0, np.uint64)
    order = np.argsort(found, kind="stable")
    return found[order], order


def _mapped(path: Path) -> mmap.mmap | bytes:
    if path.stat().st_size == 0:
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

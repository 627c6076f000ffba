"""Sends each record to its file: events and truth through the sort by arrival, reference rows as they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as AnyMapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from ingest.arrival_order import ArrivalSpool
from ingest.rows import Records
from ingest.targets import Target
from udfs.events import AccountChange, Label, Login, Transaction


class RecordWriter:
    """`files` are open for every kind but events; `extra_file` is there where a mapping has extra columns.

    An event arrives at its timestamp, a label at its known_at. With `keep_order` the order of the rows is the order of
    arrival: an event arrives at the newest timestamp so far, and only labels are moved, to where they are known.
    """

    def __init__(
        self,
        events: ArrivalSpool,
        truths: ArrivalSpool,
        files: AnyMapping[Path, BinaryIO],
        extra_file: BinaryIO | None,
        keep_order: bool,
    ) -> None:
        self.written: Counter[str] = Counter()
        self.frauds = 0
        self.unlabelled = 0
        self._events = events
        self._truths = truths
        self._files = files
        self._extra_file = extra_file
        self._keep_order = keep_order
        self._newest_ms = 0
        self._encode = msgspec.json.Encoder().encode

    def add(self, records: Records, target: Target, path: Path, row_number: int, has_labels: bool) -> None:
        """Writes what one row made; `path` is the file of its kind."""
        record, label, truth, extras = records
        self.written[target.noun] += 1
        if isinstance(record, Transaction | Login | AccountChange | Label):
            self._add_event(record)
        else:
            self._files[path].write(self._encode(record) + b"\n")
        if label is not None and truth is not None:
            self.written["labels"] += 1
            self.frauds += label.is_fraud
            arrives_at_ms = self._newest_ms if self._keep_order else truth.timestamp
            self._events.add(max(label.known_at, arrives_at_ms), self._encode(label) + b"\n", is_label=True)
            self._truths.add(arrives_at_ms, self._encode(truth) + b"\n")
        elif has_labels:
            self.unlabelled += 1
        if extras is not None and self._extra_file is not None:
            line = {"row": row_number, target.key: getattr(record, target.key), **extras}
            self._extra_file.write(self._encode(line) + b"\n")

    def _add_event(self, event: Transaction | Login | AccountChange | Label) -> None:
        is_label = isinstance(event, Label)
        arrives_at_ms = event.known_at if isinstance(event, Label) else event.timestamp
        if self._keep_order:
            arrives_at_ms = self._newest_ms = max(self._newest_ms, arrives_at_ms)
        self._events.add(arrives_at_ms, self._encode(event) + b"\n", is_label)

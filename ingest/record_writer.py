"""Writes each record to its file: events and truth through the sort by arrival, reference records directly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as AnyMapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from ingest.arrival_order import ArrivalSpool
from ingest.rows import Records, Truth
from ingest.targets import Target
from udfs.records.events import AccountChange, Label, Login, Transaction


class RecordWriter:
    """Writes and counts the records of a conversion.

    `files` has an open file per path of reference records; `extra_file` is None where no mapping has extra columns.

    An event's arrival time is its timestamp, a label's its known_at. With `keep_order` rows arrive in input order: an
    event's arrival time is the newest timestamp so far, and only labels move, to their known_at.
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
        """Writes the records of one row; `path` is the file of the record's kind."""
        record, label, truth, extras = records.record, records.label, records.truth, records.extras
        self.written[target.noun] += 1
        if isinstance(record, Transaction | Login | AccountChange | Label):
            self._add_event(record)
        else:
            self._files[path].write(self._encode(record) + b"\n")
        if truth is not None:
            self.add_truth(truth)
        if label is not None and truth is not None:
            self.add_label(label, truth.timestamp)
        elif has_labels:
            self.unlabelled += 1
        if extras is not None and self._extra_file is not None:
            line = {"row": row_number, target.key: getattr(record, target.key), **extras}
            self._extra_file.write(self._encode(line) + b"\n")

    def add_truth(self, truth: Truth) -> None:
        """Writes what the transaction that was added last is."""
        self.frauds += truth.is_fraud
        self._truths.add(self._newest_ms if self._keep_order else truth.timestamp, self._encode(truth) + b"\n")

    def add_label(self, label: Label, timestamp_ms: int) -> None:
        """Writes the label of the transaction that was added last; `timestamp_ms` is the transaction's."""
        self.written["labels"] += 1
        arrives_at_ms = self._newest_ms if self._keep_order else timestamp_ms
        self._events.add(max(label.known_at, arrives_at_ms), self._encode(label) + b"\n", is_label=True)

    def _add_event(self, event: Transaction | Login | AccountChange | Label) -> None:
        is_label = isinstance(event, Label)
        arrives_at_ms = event.known_at if isinstance(event, Label) else event.timestamp
        if self._keep_order:
            arrives_at_ms = self._newest_ms = max(self._newest_ms, arrives_at_ms)
        self._events.add(arrives_at_ms, self._encode(event) + b"\n", is_label)

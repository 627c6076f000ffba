"""Buckets of merchants, devices, beneficiaries and IP addresses from a file of events, by the job's own counter."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from models.event_files import Progress, events_of, no_progress
from udfs.entity_buckets import BucketRow, BucketSettings
from udfs.entity_counter import CountingSettings, EntityAggregator, label_mark
from udfs.entity_deltas import SeenTransaction, apply_delta, deltas_of
from udfs.events import Label, Transaction
from udfs.time_units import DAY_MS

LABELS_AFTER_MS = 90 * DAY_MS


class SeenTransactions:
    """Transactions of the last while, by user and transaction id: so long a label finds the transaction's entities.

    Bounded by time: what arrived more than `keep_ms` before the newest is forgotten.
    """

    def __init__(self, keep_ms: int = LABELS_AFTER_MS) -> None:
        self._keep_ms = keep_ms
        self._newest_ms = 0
        self._seen: OrderedDict[str, SeenTransaction] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def get(self, mark: str) -> SeenTransaction | None:
        return self._seen.get(mark)

    def remember(self, mark: str, seen: SeenTransaction) -> None:
        self._newest_ms = max(self._newest_ms, seen.arrived_at_ms)
        self._seen[mark] = seen
        self._seen.move_to_end(mark)
        oldest_ms = self._newest_ms - self._keep_ms
        while self._seen and next(iter(self._seen.values())).arrived_at_ms < oldest_ms:
            self._seen.popitem(last=False)


def aggregate_entities(
    path: Path, settings: BucketSettings, latest_timestamp_ms: int | None = None, progress: Progress = no_progress
) -> Iterable[BucketRow]:
    """Count transactions, users and labelled frauds by entity and hour. Raises EventFileError.

    No hour is merged: the rows are right for a reader at any moment of the history. A file tells no time of arrival:
    an event arrives no earlier than those of the same entity before it in the file.
    """
    aggregator = EntityAggregator(CountingSettings(settings))
    seen = SeenTransactions()
    for event in events_of(path, latest_timestamp_ms, progress):
        if isinstance(event, Transaction | Label):
            mark = label_mark(event.user_id, event.transaction_id)
            remembered, deltas = deltas_of(event, event.timestamp, seen.get(mark))
            if remembered is not None:
                seen.remember(mark, remembered)
            for entity, delta in deltas:
                apply_delta(aggregator.counter, aggregator.counts_of(entity), delta)
            if isinstance(event, Transaction):
                aggregator.newest_ms = max(aggregator.newest_ms, event.timestamp)
    return aggregator.rows()


def write_history(rows: Iterable[BucketRow], path: Path) -> int:
    """Write buckets as a file that the scorer loads (`entity_history.jsonl` of a reference folder), whole or not at all;
    returns how many."""
    encode = msgspec.json.encode
    partial = path.with_name(path.name + ".partial")
    count = 0
    with partial.open("wb") as out:
        for row in rows:
            out.write(encode(row) + b"\n")
            count += 1
    partial.replace(path)
    return count

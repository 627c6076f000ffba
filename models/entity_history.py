"""Buckets of merchants, devices, beneficiaries and IP addresses from a file of events, by the job's own counter."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from models.event_files import Progress, events_of, no_progress
from udfs.entity_buckets import BucketRow, BucketSettings, Entity
from udfs.entity_counter import CountingSettings, EntityAggregator, entities_of, label_mark
from udfs.events import Label, Transaction
from udfs.time_units import DAY_MS

REPEATS_MS = 2 * DAY_MS
LABELS_AFTER_MS = 90 * DAY_MS


class SeenTransactions:
    """Transactions of the last while and whom each was counted for, by user and transaction id.

    Bounded by event time: one that is sent again within `repeats_ms` is a repeated one, a label that comes within
    `labels_ms` finds the transaction's entities.
    """

    def __init__(self, repeats_ms: int = REPEATS_MS, labels_ms: int = LABELS_AFTER_MS) -> None:
        self._repeats_ms = repeats_ms
        self._keep_ms = max(repeats_ms, labels_ms)
        self._newest_ms = 0
        self._seen: OrderedDict[str, tuple[int, tuple[Entity, ...]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def is_new(self, mark: str, arrived_ms: int, entities: Iterable[Entity]) -> bool:
        """Remember a transaction, unless it is a repeated one."""
        self._newest_ms = max(self._newest_ms, arrived_ms)
        known = self._seen.get(mark)
        if known is not None:
            if known[0] >= self._newest_ms - self._repeats_ms:
                return False
            del self._seen[mark]
        self._seen[mark] = (self._newest_ms, tuple(entities))
        oldest_ms = self._newest_ms - self._keep_ms
        while self._seen and next(iter(self._seen.values()))[0] < oldest_ms:
            self._seen.popitem(last=False)
        return True

    def entities_of(self, mark: str) -> tuple[Entity, ...]:
        """Whom the transaction was counted for; nobody if it is not known."""
        known = self._seen.get(mark)
        return known[1] if known is not None else ()


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
        if isinstance(event, Transaction):
            mark = label_mark(event.user_id, event.transaction_id)
            entities = entities_of(event)
            if entities and seen.is_new(mark, event.timestamp, entities):
                for entity in entities:
                    aggregator.add_transaction(entity, event.user_id, event.timestamp, event.timestamp)
        elif isinstance(event, Label):
            mark = label_mark(event.user_id, event.transaction_id)
            for entity in labelled_entities(event, seen.entities_of(mark)):
                aggregator.add_label(entity, mark, event.timestamp, event.known_at, event.is_fraud)
    return aggregator.rows()


def labelled_entities(label: Label, known: tuple[Entity, ...]) -> tuple[Entity, ...]:
    """Whom a label counts for: its transaction's entities, or the merchant that it names itself."""
    if known or label.merchant_id is None:
        return known
    return (Entity("merchant", label.merchant_id),)


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

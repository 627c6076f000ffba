"""Merchants' hourly buckets from a file of events, by the same aggregator as in the stream."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import msgspec

from models.event_files import Progress, events_of, no_progress
from udfs.entity_buckets import BucketRow, BucketSettings, EntityAggregator
from udfs.events import Label, Transaction

REMEMBERED_IDS = 2_000_000


class RecentIds:
    """The last ids, bounded: a transaction sent twice within a day or two is counted once."""

    def __init__(self, limit: int = REMEMBERED_IDS) -> None:
        self._limit = limit
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def is_new(self, user_id: str, transaction_id: str) -> bool:
        key = (user_id, transaction_id)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)
        return True


def aggregate_merchants(
    path: Path, settings: BucketSettings, latest_timestamp_ms: int | None = None, progress: Progress = no_progress
) -> list[BucketRow]:
    """Count transactions, users and labelled frauds by merchant and hour. Raises EventFileError.

    A file tells no time of arrival: an event arrives no earlier than any before it in the file.
    """
    aggregator = EntityAggregator("merchant", settings)
    ids = RecentIds()
    merchants: dict[tuple[str, str], str] = {}  # for labels that do not name the merchant
    arrived_ms = 0
    for event in events_of(path, latest_timestamp_ms, progress):
        if isinstance(event, Transaction):
            arrived_ms = max(arrived_ms, event.timestamp)
            if event.merchant_id is not None and ids.is_new(event.user_id, event.transaction_id):
                aggregator.add_transaction(event.merchant_id, event.user_id, event.timestamp, arrived_ms)
                merchants[(event.user_id, event.transaction_id)] = event.merchant_id
        elif isinstance(event, Label):
            arrived_ms = max(arrived_ms, event.known_at)
            merchant_id = event.merchant_id or merchants.get((event.user_id, event.transaction_id))
            if merchant_id is not None:
                mark = f"{event.user_id}\0{event.transaction_id}"
                aggregator.add_label(merchant_id, mark, event.timestamp, event.known_at, event.is_fraud)
    return aggregator.rows()


def write_history(rows: list[BucketRow], path: Path) -> None:
    """Write buckets as merchant_history.jsonl of a reference folder, whole or not at all."""
    encode = msgspec.json.encode
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as out:
        out.writelines(encode(row) + b"\n" for row in rows)
    partial.replace(path)

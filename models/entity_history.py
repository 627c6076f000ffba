"""Aggregates a file of events to entity history, with the counter of the entity aggregates job."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from models.event_files import Progress, events_of, no_progress
from udfs.entities.buckets import BucketRow, BucketSettings, Entity
from udfs.entities.counter import CountingSettings, EntityAggregator, transaction_key
from udfs.entities.deltas import EntityRouter, SeenTransaction, apply_delta
from udfs.records.attributes import Attribute
from udfs.records.events import Erasure, Label, Transaction
from udfs.records.profiles import UserProfile
from udfs.stores.reference_rows import USERS_FILE, rows_of
from udfs.values.money import AmountOutOfRange, MissingRate, Money
from udfs.values.time_units import DAY_MS

LABELS_AFTER_MS = 90 * DAY_MS


class SeenTransactions:
    """Recent transactions by user and transaction id, from which labels get the entities of their transaction.

    Transactions that arrived more than `keep_ms` before the newest one are dropped.
    """

    def __init__(self, keep_ms: int = LABELS_AFTER_MS) -> None:
        self._keep_ms = keep_ms
        self._newest_ms = 0
        self._seen: OrderedDict[str, SeenTransaction] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def get(self, key: str) -> SeenTransaction | None:
        """The transaction with this `transaction_key`; None if it is unknown or dropped."""
        return self._seen.get(key)

    def remember(self, key: str, seen: SeenTransaction) -> None:
        """Add or update a transaction, and drop the expired ones."""
        known = self._seen.get(key)
        self._seen[key] = seen
        if known is not None and known.arrived_at_ms == seen.arrived_at_ms:  # updated by a label
            return
        self._newest_ms = max(self._newest_ms, seen.arrived_at_ms)
        self._seen.move_to_end(key)
        oldest_ms = self._newest_ms - self._keep_ms
        while self._seen and next(iter(self._seen.values())).arrived_at_ms < oldest_ms:
            self._seen.popitem(last=False)

    def forget_user(self, user_id: str) -> None:
        """Drop the transactions of a user; reads all keys."""
        prefix = transaction_key(user_id, "")
        for key in [key for key in self._seen if key.startswith(prefix)]:
            del self._seen[key]


def aggregate_entities(
    path: Path,
    settings: BucketSettings,
    latest_timestamp_ms: int | None = None,
    progress: Progress = no_progress,
    attributes: tuple[Attribute, ...] = (),
    profiles: Mapping[str, UserProfile] | None = None,
    money: Money | None = None,
) -> Iterable[BucketRow]:
    """Count transactions, users, amounts and labelled frauds by entity and hour. Raises EventFileError.

    Hours are not merged, so the rows can be read as of any moment of the history. A file has no arrival times: an event is
    taken to arrive at its event time, but not before earlier events of the same entity. `profiles` are users by id, for
    attributes of profiles (`profiles_of`); `money` should be that of the scoring job (None: currencies count 1:1). As in
    the scoring job, transactions in a currency without a rate are skipped.
    """
    aggregator = EntityAggregator(CountingSettings(settings))
    router = EntityRouter(money or Money(), attributes, (profiles or {}).get)
    shared: dict[Entity, Entity] = {}
    seen = SeenTransactions()
    for event in events_of(path, latest_timestamp_ms, progress):
        if isinstance(event, Erasure):
            seen.forget_user(event.user_id)
        if not isinstance(event, Transaction | Label):
            continue
        key = transaction_key(event.user_id, event.transaction_id)
        try:
            updated, deltas = router.deltas_of(event, event.timestamp, seen.get(key))
        except (MissingRate, AmountOutOfRange):
            continue
        if updated is not None:
            seen.remember(key, _with_shared(updated, shared) if isinstance(event, Transaction) else updated)
        for entity, delta in deltas:
            apply_delta(aggregator.counter, entity.kind, aggregator.counts_of(entity), delta)
        if isinstance(event, Transaction):
            aggregator.newest_ms = max(aggregator.newest_ms, event.timestamp)
    return aggregator.rows()


def profiles_of(reference: Path | None) -> dict[str, UserProfile]:
    """The users of a reference folder who have attributes, by id; invalid rows are skipped."""
    if reference is None:
        return {}
    profiles = (row.record for row in rows_of(reference, USERS_FILE))
    return {profile.user_id: profile for profile in profiles if isinstance(profile, UserProfile) and profile.attributes}


def _with_shared(seen: SeenTransaction, shared: dict[Entity, Entity]) -> SeenTransaction:
    """A copy that shares Entity objects with earlier ones, to save memory."""
    return msgspec.structs.replace(
        seen,
        entities=tuple([shared.setdefault(entity, entity) for entity in seen.entities]),
        broad=tuple([shared.setdefault(entity, entity) for entity in seen.broad]),
    )


def write_history(rows: Iterable[BucketRow], path: Path) -> int:
    """Write rows atomically as `entity_history.jsonl` of a reference folder; returns their number."""
    encode = msgspec.json.encode
    partial = path.with_name(path.name + ".partial")
    count = 0
    with partial.open("wb") as out:
        for row in rows:
            out.write(encode(row) + b"\n")
            count += 1
    partial.replace(path)
    return count

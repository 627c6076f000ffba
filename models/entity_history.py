"""Buckets of merchants, devices, categories and all other entities from a file of events, by the job's own counter."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from models.event_files import Progress, events_of, no_progress
from udfs.attributes import Attribute
from udfs.entity_buckets import BucketRow, BucketSettings, Entity
from udfs.entity_counter import CountingSettings, EntityAggregator, label_mark
from udfs.entity_deltas import EntityRouter, SeenTransaction, apply_delta
from udfs.events import Label, Transaction
from udfs.money import AmountOutOfRange, MissingRate, Money
from udfs.profiles import UserProfile
from udfs.stores.reference_rows import USERS_FILE, rows_of
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
        known = self._seen.get(mark)
        self._seen[mark] = seen
        if known is not None and known.arrived_at_ms == seen.arrived_at_ms:  # only a label of it came
            return
        self._newest_ms = max(self._newest_ms, seen.arrived_at_ms)
        self._seen.move_to_end(mark)
        oldest_ms = self._newest_ms - self._keep_ms
        while self._seen and next(iter(self._seen.values())).arrived_at_ms < oldest_ms:
            self._seen.popitem(last=False)


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

    No hour is merged: the rows are right for a reader at any moment of the history. A file tells no time of arrival:
    an event arrives no earlier than those of the same entity before it in the file. `profiles` are users by id, for those
    of the `attributes` that profiles hold (`profiles_of`); `money` is the scoring's (none: every currency counts 1:1).
    As in the scoring job, a transaction in a currency without a rate is a bad record, and counts for nobody.
    """
    aggregator = EntityAggregator(CountingSettings(settings))
    router = EntityRouter(money or Money(), attributes, (profiles or {}).get)
    shared: dict[Entity, Entity] = {}
    seen = SeenTransactions()
    for event in events_of(path, latest_timestamp_ms, progress):
        if not isinstance(event, Transaction | Label):
            continue
        mark = label_mark(event.user_id, event.transaction_id)
        try:
            remembered, deltas = router.deltas_of(event, event.timestamp, seen.get(mark))
        except (MissingRate, AmountOutOfRange):
            continue
        if remembered is not None:
            seen.remember(mark, _with_shared(remembered, shared) if isinstance(event, Transaction) else remembered)
        for entity, delta in deltas:
            apply_delta(aggregator.counter, entity.kind, aggregator.counts_of(entity), delta)
        if isinstance(event, Transaction):
            aggregator.newest_ms = max(aggregator.newest_ms, event.timestamp)
    return aggregator.rows()


def profiles_of(reference: Path | None) -> dict[str, UserProfile]:
    """The users of a reference folder who have attributes, by id; rows that cannot be read are left out."""
    if reference is None:
        return {}
    profiles = (row.record for row in rows_of(reference, USERS_FILE))
    return {profile.user_id: profile for profile in profiles if isinstance(profile, UserProfile) and profile.attributes}


def _with_shared(seen: SeenTransaction, shared: dict[Entity, Entity]) -> SeenTransaction:
    """The same with one object for each entity: millions of transactions are remembered."""
    return msgspec.structs.replace(
        seen,
        entities=tuple([shared.setdefault(entity, entity) for entity in seen.entities]),
        broad=tuple([shared.setdefault(entity, entity) for entity in seen.broad]),
    )


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

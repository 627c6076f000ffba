"""What one event adds to one entity: the elements between the two halves of the entity aggregates job.

The first half knows users (whose labels name a transaction, but neither its device nor its beneficiary), the second
entities. Both layouts are kept in Flink's state: a changed one is a new type with a new tag.
"""

from __future__ import annotations

import msgspec

from udfs.entity_buckets import Entity
from udfs.entity_counter import EntityCounter, EntityCounts, entities_of, label_mark
from udfs.events import Event, Label, Transaction
from udfs.time_units import DAY_MS

REPEATS_MS = 2 * DAY_MS


class Paid(msgspec.Struct, array_like=True, tag=1, frozen=True, gc=False):
    """A transaction by `user_id` at `time_ms` that arrived at `arrived_at_ms`."""

    user_id: str
    time_ms: int
    arrived_at_ms: int


class Judged(msgspec.Struct, array_like=True, tag=2, frozen=True, gc=False):
    """What `transaction` (`label_mark`) of `time_ms` turned out to be, known at `known_at_ms`."""

    transaction: str
    time_ms: int
    known_at_ms: int
    is_fraud: bool


class SeenTransaction(msgspec.Struct, array_like=True, tag=1, frozen=True, gc=False):
    """When a user's transaction arrived, and whom it was counted for."""

    arrived_at_ms: int
    entities: tuple[Entity, ...]


Delta = Paid | Judged
encode_delta = msgspec.msgpack.Encoder().encode
decode_delta = msgspec.msgpack.Decoder(Delta).decode
encode_seen = msgspec.msgpack.Encoder().encode
decode_seen = msgspec.msgpack.Decoder(SeenTransaction).decode


def is_repeated(seen: SeenTransaction | None, arrived_at_ms: int) -> bool:
    """Is a transaction of this id that arrives now the one that was seen, sent again?"""
    return seen is not None and arrived_at_ms - seen.arrived_at_ms <= REPEATS_MS


def deltas_of(
    event: Event, arrived_at_ms: int, seen: SeenTransaction | None
) -> tuple[SeenTransaction | None, list[tuple[Entity, Delta]]]:
    """What to remember of the event's transaction (None: nothing new), and what to count for whom.

    `seen` is what is remembered of the transaction that the event is or is about.
    """
    if isinstance(event, Transaction):
        if is_repeated(seen, arrived_at_ms):
            return None, []
        entities = entities_of(event)
        if not entities:
            return None, []
        paid = Paid(event.user_id, event.timestamp, arrived_at_ms)
        return SeenTransaction(arrived_at_ms, tuple(entities)), [(entity, paid) for entity in entities]
    if isinstance(event, Label):
        mark = label_mark(event.user_id, event.transaction_id)
        judged = Judged(mark, event.timestamp, event.known_at, event.is_fraud)
        return None, [(entity, judged) for entity in _labelled(event, seen)]
    return None, []


def apply_delta(counter: EntityCounter, counts: EntityCounts, delta: Delta) -> None:
    """Count it."""
    if type(delta) is Paid:
        counter.add_transaction(counts, delta.user_id, delta.time_ms, delta.arrived_at_ms)
    elif type(delta) is Judged:
        counter.add_label(counts, delta.transaction, delta.time_ms, delta.known_at_ms, delta.is_fraud)


def _labelled(label: Label, seen: SeenTransaction | None) -> tuple[Entity, ...]:
    """Its transaction's entities, or else the merchant that the label names itself."""
    if seen is not None:
        return seen.entities
    return (Entity("merchant", label.merchant_id),) if label.merchant_id is not None else ()

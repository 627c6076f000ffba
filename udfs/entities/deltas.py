"""Deltas: the change that one event makes to one entity, sent between the two operators of the entity aggregates job.

The first operator is keyed by user, since a label names a transaction but neither its device nor its category. The second
one is keyed by entity. For broad kinds the first operator keeps the label state of a transaction and sends a delta only
when it becomes a fraud or stops being one. All layouts are stored in Flink's state: a changed layout is a new type with a
new tag.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log1p

import msgspec

from udfs.entities.buckets import MILLION, Entity, EntityKind
from udfs.entities.counter import EntityCounter, EntityCounts, transaction_key
from udfs.entities.entity_ids import broad_entities_of, narrow_entities_of
from udfs.records.attributes import Attribute
from udfs.records.events import Event, Label, Transaction
from udfs.records.profiles import UserProfile
from udfs.values.money import Money
from udfs.values.time_units import DAY_MS

REPEATS_MS = 2 * DAY_MS
NEVER_MS = -1


class TransactionDeltaV1(msgspec.Struct, array_like=True, tag=1, frozen=True, gc=False):
    """A transaction without amount, as written by an earlier version."""

    user_id: str
    time_ms: int
    arrived_at_ms: int


class LabelDelta(msgspec.Struct, array_like=True, tag=2, frozen=True, gc=False):
    """A label of `transaction` (`transaction_key`) of `time_ms`, known at `known_at_ms`."""

    transaction: str
    time_ms: int
    known_at_ms: int
    is_fraud: bool


class TransactionDelta(msgspec.Struct, array_like=True, tag=3, frozen=True, gc=False):
    """A transaction by `user_id` at `time_ms` that arrived at `arrived_at_ms`.

    `amount_minor` is in minor units of the base currency, `log_amount_micro` ln(1 + amount in major units) in millionths.
    """

    user_id: str
    time_ms: int
    arrived_at_ms: int
    amount_minor: int
    log_amount_micro: int


class FraudDelta(msgspec.Struct, array_like=True, tag=4, frozen=True, gc=False):
    """A transaction of `time_ms` is a fraud as of `known_at_ms` (`fraud` is None), or no longer one.

    In the second case `fraud` holds the `time_ms` and `known_at_ms` with which the fraud was sent before.
    """

    time_ms: int
    known_at_ms: int
    fraud: tuple[int, int] | None


class SeenTransactionV1(msgspec.Struct, array_like=True, tag=1, frozen=True, gc=False):
    """Layout of an earlier version: without broad entities and label state."""

    arrived_at_ms: int
    entities: tuple[Entity, ...]


class SeenTransaction(msgspec.Struct, array_like=True, tag=2, frozen=True, gc=False):
    """A user's transaction as the first operator keeps it.

    `entities` and `broad` are those it was counted for, `judged_at_ms` is when its newest label was known, and `fraud`,
    if that label says fraud, the time and known_at of the first one that said so.
    """

    arrived_at_ms: int
    entities: tuple[Entity, ...]
    broad: tuple[Entity, ...] = ()
    judged_at_ms: int = NEVER_MS
    fraud: tuple[int, int] | None = None


Delta = TransactionDelta | LabelDelta | FraudDelta | TransactionDeltaV1
encode_delta = msgspec.msgpack.Encoder().encode
decode_delta = msgspec.msgpack.Decoder(Delta).decode
encode_seen = msgspec.msgpack.Encoder().encode
_decode_seen = msgspec.msgpack.Decoder(SeenTransaction | SeenTransactionV1).decode


def decode_seen(data: bytes) -> SeenTransaction:
    """Decode any layout. Raises msgspec.MsgspecError for other bytes."""
    seen = _decode_seen(data)
    return seen if isinstance(seen, SeenTransaction) else SeenTransaction(seen.arrived_at_ms, seen.entities)


def is_repeated(seen: SeenTransaction | None, arrived_at_ms: int) -> bool:
    """Whether a transaction that arrives now repeats the one that was seen under the same id."""
    return seen is not None and arrived_at_ms - seen.arrived_at_ms <= REPEATS_MS


def no_profile(user_id: str) -> UserProfile | None:
    """Profile lookup for configurations without profile attributes: always None."""
    return None


def reads_profiles(attributes: tuple[Attribute, ...]) -> bool:
    """Whether one of them is a text attribute of profiles."""
    return any(attribute.kind == "text" and attribute.holder == "profile" for attribute in attributes)


class EntityRouter:
    """Maps an event to its entities and deltas: the logic of the first operator, for the job and for replays.

    `profile_of` looks up a transaction's user; it is called only if one of the `attributes` is a text of profiles, and
    may block.
    """

    def __init__(
        self,
        money: Money,
        attributes: tuple[Attribute, ...] = (),
        profile_of: Callable[[str], UserProfile | None] = no_profile,
    ) -> None:
        self._money = money
        self._attributes = tuple(attribute for attribute in attributes if attribute.kind == "text")
        self._needs_profile = reads_profiles(attributes)
        self._profile_of = profile_of

    def deltas_of(
        self, event: Event, arrived_at_ms: int, seen: SeenTransaction | None
    ) -> tuple[SeenTransaction | None, list[tuple[Entity, Delta]]]:
        """The new state of the event's transaction (None: unchanged), and the deltas by entity.

        `seen` is the state of the transaction that the event is or refers to. Raises MissingRate and AmountOutOfRange
        for a transaction whose amount cannot be converted to the base currency.
        """
        if isinstance(event, Transaction):
            return (None, []) if is_repeated(seen, arrived_at_ms) else self._transaction_deltas(event, arrived_at_ms)
        if isinstance(event, Label):
            return _label_deltas(event, seen)
        return None, []

    def _transaction_deltas(
        self, event: Transaction, arrived_at_ms: int
    ) -> tuple[SeenTransaction | None, list[tuple[Entity, Delta]]]:
        money = self._money
        minor = money.base_minor(event.amount, event.currency, event.timestamp)
        profile = self._profile_of(event.user_id) if self._needs_profile else None
        narrow, broad = narrow_entities_of(event), broad_entities_of(event, profile, self._attributes)
        if not narrow and not broad:
            return None, []
        delta = TransactionDelta(
            event.user_id, event.timestamp, arrived_at_ms, minor, log_amount_micro(minor, money.scale)
        )
        seen = SeenTransaction(arrived_at_ms, tuple(narrow), tuple(broad))
        return seen, [(entity, delta) for entity in narrow + broad]


def log_amount_micro(amount_minor: int, scale: int) -> int:
    """ln(1 + amount in major units) in millionths; `scale` is minor units per major unit."""
    return round(log1p(amount_minor / scale) * MILLION)


def apply_delta(counter: EntityCounter, kind: EntityKind, counts: EntityCounts, delta: Delta) -> None:
    """Apply a delta to the counts of an entity of that kind."""
    if type(delta) is TransactionDelta:
        counter.add_transaction(
            counts, kind, delta.user_id, delta.time_ms, delta.arrived_at_ms, delta.amount_minor, delta.log_amount_micro
        )
    elif type(delta) is LabelDelta:
        counter.add_label(counts, delta.transaction, delta.time_ms, delta.known_at_ms, delta.is_fraud)
    elif type(delta) is FraudDelta:
        if delta.fraud is None:
            counter.add_fraud(counts, delta.time_ms, delta.known_at_ms)
        else:
            counter.clear_fraud(counts, delta.time_ms, delta.known_at_ms, *delta.fraud)
    elif type(delta) is TransactionDeltaV1:
        counter.add_transaction(counts, kind, delta.user_id, delta.time_ms, delta.arrived_at_ms, None)


def _label_deltas(
    label: Label, seen: SeenTransaction | None
) -> tuple[SeenTransaction | None, list[tuple[Entity, Delta]]]:
    """Deltas for the entities of the label's transaction; if that is unknown, for the merchant named by the label."""
    key = transaction_key(label.user_id, label.transaction_id)
    delta = LabelDelta(key, label.timestamp, label.known_at, label.is_fraud)
    if seen is None:
        merchant_id = label.merchant_id
        return None, [] if merchant_id is None else [(Entity("merchant", merchant_id), delta)]
    deltas: list[tuple[Entity, Delta]] = [(entity, delta) for entity in seen.entities]
    if not seen.broad or label.known_at < seen.judged_at_ms:
        return None, deltas
    fraud = seen.fraud
    if label.is_fraud != (fraud is not None):
        change = FraudDelta(label.timestamp, label.known_at, fraud)
        deltas += [(entity, change) for entity in seen.broad]
        fraud = (label.timestamp, label.known_at) if label.is_fraud else None
    return msgspec.structs.replace(seen, judged_at_ms=label.known_at, fraud=fraud), deltas

"""What one event adds to one entity: the elements between the two halves of the entity aggregates job.

The first half knows users (whose labels name a transaction, but neither its device nor its category), the second
entities. For broad kinds it is the first half that remembers what a transaction's labels have said: it tells the second
only of what becomes a fraud, and of what is none any more. All layouts are kept in Flink's state: a changed one is a new
type with a new tag.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log1p

import msgspec

from udfs.attributes import Attribute
from udfs.entities import broad_entities_of, narrow_entities_of
from udfs.entity_buckets import MILLION, Entity, EntityKind
from udfs.entity_counter import EntityCounter, EntityCounts, label_mark
from udfs.events import Event, Label, Transaction
from udfs.money import Money
from udfs.profiles import UserProfile
from udfs.time_units import DAY_MS

REPEATS_MS = 2 * DAY_MS
NEVER_MS = -1


class PaidWithoutAmount(msgspec.Struct, array_like=True, tag=1, frozen=True, gc=False):
    """A transaction of a job that told no amounts."""

    user_id: str
    time_ms: int
    arrived_at_ms: int


class Judged(msgspec.Struct, array_like=True, tag=2, frozen=True, gc=False):
    """What `transaction` (`label_mark`) of `time_ms` turned out to be, known at `known_at_ms`."""

    transaction: str
    time_ms: int
    known_at_ms: int
    is_fraud: bool


class Paid(msgspec.Struct, array_like=True, tag=3, frozen=True, gc=False):
    """A transaction by `user_id` at `time_ms` that arrived at `arrived_at_ms`: its amount in minor units of the base
    currency, and ln(1 + amount in major units) in millionths."""

    user_id: str
    time_ms: int
    arrived_at_ms: int
    amount_minor: int
    log_amount_micro: int


class Verdict(msgspec.Struct, array_like=True, tag=4, frozen=True, gc=False):
    """A transaction of `time_ms` is fraud since `known_at_ms`; or, where `fraud` is the time and the known_at that a
    fraud was told with, it is none any more since then."""

    time_ms: int
    known_at_ms: int
    fraud: tuple[int, int] | None


class SeenByEarlierVersion(msgspec.Struct, array_like=True, tag=1, frozen=True, gc=False):
    """When a user's transaction arrived, and whom it was counted for."""

    arrived_at_ms: int
    entities: tuple[Entity, ...]


class SeenTransaction(msgspec.Struct, array_like=True, tag=2, frozen=True, gc=False):
    """When a user's transaction arrived, whom it was counted for, when the newest label was known, and, if that says
    fraud, the time and known_at of the label that said so first."""

    arrived_at_ms: int
    entities: tuple[Entity, ...]
    broad: tuple[Entity, ...] = ()
    judged_at_ms: int = NEVER_MS
    fraud: tuple[int, int] | None = None


Delta = Paid | Judged | Verdict | PaidWithoutAmount
encode_delta = msgspec.msgpack.Encoder().encode
decode_delta = msgspec.msgpack.Decoder(Delta).decode
encode_seen = msgspec.msgpack.Encoder().encode
_decode_seen = msgspec.msgpack.Decoder(SeenTransaction | SeenByEarlierVersion).decode


def decode_seen(data: bytes) -> SeenTransaction:
    """Raises msgspec.MsgspecError for bytes that are none."""
    seen = _decode_seen(data)
    return seen if isinstance(seen, SeenTransaction) else SeenTransaction(seen.arrived_at_ms, seen.entities)


def is_repeated(seen: SeenTransaction | None, arrived_at_ms: int) -> bool:
    """Is a transaction of this id that arrives now the one that was seen, sent again?"""
    return seen is not None and arrived_at_ms - seen.arrived_at_ms <= REPEATS_MS


def no_profile(user_id: str) -> UserProfile | None:
    """Where no attribute is held by profiles."""
    return None


def reads_profiles(attributes: tuple[Attribute, ...]) -> bool:
    """Is one of them a text that profiles hold?"""
    return any(attribute.kind == "text" and attribute.holder == "profile" for attribute in attributes)


class EntityRouter:
    """Whom an event counts for, and what it adds: the logic of the first half, for the job and for replays.

    `profile_of` is asked for a transaction's user if one of the `attributes` is a text that profiles hold.
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
        """What to remember of the event's transaction (None: nothing new), and what to count for whom.

        `seen` is what is remembered of the transaction that the event is or is about. Raises MissingRate and
        AmountOutOfRange for a transaction whose amount has no value in the base currency.
        """
        if isinstance(event, Transaction):
            return (None, []) if is_repeated(seen, arrived_at_ms) else self._paid(event, arrived_at_ms)
        if isinstance(event, Label):
            return _judged(event, seen)
        return None, []

    def _paid(
        self, event: Transaction, arrived_at_ms: int
    ) -> tuple[SeenTransaction | None, list[tuple[Entity, Delta]]]:
        money = self._money
        minor = money.base_minor(event.amount, event.currency, event.timestamp)
        profile = self._profile_of(event.user_id) if self._needs_profile else None
        narrow, broad = narrow_entities_of(event), broad_entities_of(event, profile, self._attributes)
        if not narrow and not broad:
            return None, []
        paid = Paid(event.user_id, event.timestamp, arrived_at_ms, minor, log_amount_micro(minor, money.scale))
        seen = SeenTransaction(arrived_at_ms, tuple(narrow), tuple(broad))
        return seen, [(entity, paid) for entity in narrow + broad]


def log_amount_micro(amount_minor: int, scale: int) -> int:
    """ln(1 + amount in major units) in millionths; `scale` is minor units per major unit."""
    return round(log1p(amount_minor / scale) * MILLION)


def apply_delta(counter: EntityCounter, kind: EntityKind, counts: EntityCounts, delta: Delta) -> None:
    """Count it for an entity of that kind."""
    if type(delta) is Paid:
        counter.add_transaction(
            counts, kind, delta.user_id, delta.time_ms, delta.arrived_at_ms, delta.amount_minor, delta.log_amount_micro
        )
    elif type(delta) is Judged:
        counter.add_label(counts, delta.transaction, delta.time_ms, delta.known_at_ms, delta.is_fraud)
    elif type(delta) is Verdict:
        if delta.fraud is None:
            counter.add_fraud(counts, delta.time_ms, delta.known_at_ms)
        else:
            counter.clear_fraud(counts, delta.time_ms, delta.known_at_ms, *delta.fraud)
    elif type(delta) is PaidWithoutAmount:
        counter.add_transaction(counts, kind, delta.user_id, delta.time_ms, delta.arrived_at_ms, None)


def _judged(label: Label, seen: SeenTransaction | None) -> tuple[SeenTransaction | None, list[tuple[Entity, Delta]]]:
    """Its transaction's entities, or else the merchant that the label names itself."""
    mark = label_mark(label.user_id, label.transaction_id)
    judged = Judged(mark, label.timestamp, label.known_at, label.is_fraud)
    if seen is None:
        merchant_id = label.merchant_id
        return None, [] if merchant_id is None else [(Entity("merchant", merchant_id), judged)]
    deltas: list[tuple[Entity, Delta]] = [(entity, judged) for entity in seen.entities]
    if not seen.broad or label.known_at < seen.judged_at_ms:
        return None, deltas
    fraud = seen.fraud
    if label.is_fraud != (fraud is not None):
        verdict = Verdict(label.timestamp, label.known_at, fraud)
        deltas += [(entity, verdict) for entity in seen.broad]
        fraud = (label.timestamp, label.known_at) if label.is_fraud else None
    return msgspec.structs.replace(seen, judged_at_ms=label.known_at, fraud=fraud), deltas

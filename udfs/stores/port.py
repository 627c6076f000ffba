"""Ports of the stores: reading and writing enrichment records, and online features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from udfs.core._native import EntityHistory
from udfs.entities.buckets import KINDS, BucketRow, EntityKind
from udfs.records.profiles import DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile


class CompleteThrough(msgspec.Struct, frozen=True):
    """Progress of one of `writers` of entity histories: all events that arrived by `complete_through_ms` are written.

    Stored under `complete-through:N`, N from 1 to `writers`; `complete-through:0` holds the number of writers only.
    """

    writers: int
    complete_through_ms: int


class Loaded(msgspec.Struct, frozen=True):
    """Says that a store was filled: `fraud load` writes it last, under `loaded:`. It tells an empty store from a filled one
    in which a key has no record."""

    at_ms: int


Profile = UserProfile | MerchantProfile | DeviceProfile | IpFeed | DomainFeed
Record = Profile | EntityHistory | CompleteThrough | Loaded
StoredRecord = Profile | BucketRow | CompleteThrough | Loaded
"""Types that a writer accepts; a BucketRow is read back as an EntityHistory."""
COMPLETE_THROUGH = "complete-through:"
LOADED = "loaded:"

USER, MERCHANT, DEVICE, IP, DOMAIN = "user:", "merchant:", "device:", "ip:", "domain:"
HISTORY: dict[EntityKind, str] = {kind: f"history:{kind}:" for kind in KINDS}
PREFIXES: dict[str, type[Record]] = {
    USER: UserProfile,
    MERCHANT: MerchantProfile,
    DEVICE: DeviceProfile,
    IP: IpFeed,
    DOMAIN: DomainFeed,
    **dict.fromkeys(HISTORY.values(), EntityHistory),
    COMPLETE_THROUGH: CompleteThrough,
    LOADED: Loaded,
}
"""Key prefix -> type of the record; the prefix is followed by the id."""


class StoreUnavailable(Exception):
    """The store timed out, refused the connection or returned an error; the message names it."""


class StoreEmpty(StoreUnavailable):
    """The store answers, but nobody has filled it, or it lost its content."""


class StoreError(ValueError):
    """The store's content or address is invalid; the message says what to change."""


class Unreadable:
    """Marker for a stored value that cannot be decoded as its prefix's type. The cache counts it; status `degraded`."""

    __slots__ = ()


UNREADABLE = Unreadable()


class Store(Protocol):
    """Reads records by key. A store behind a cache must be thread-safe: the refresh thread calls it too."""

    @property
    def holds_histories(self) -> bool:
        """Whether an entity without a record has no history (True), or may have one that is not stored (False)."""
        ...

    @property
    def complete_through_ms(self) -> int:
        """Arrival time in epoch milliseconds up to which all histories are complete."""
        ...

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        """The records of the keys, in order; None for a key without record, UNREADABLE for one that cannot be decoded.

        Blocks for at most one round trip, limited by the store's timeout. Raises StoreUnavailable.
        """
        ...


class StoreWriter(Protocol):
    """Writes records by key."""

    def put_many(self, records: Mapping[str, StoredRecord], ttl_ms: int | None) -> None:
        """Set each key to its record, replacing any present one. Idempotent. Blocks until written.

        Records expire `ttl_ms` after their last write (None: never). Raises StoreUnavailable; part of the records may have
        been written then.
        """
        ...


class OnlineFeatures(msgspec.Struct, frozen=True, gc=False):
    """A user's latest features for other services. None: unknown. `avg_amount_1h` is in major units of the base currency."""

    user_id: str
    event_time_ms: int
    txn_count_5m: float | None
    avg_amount_1h: float | None
    foreign_country_count_1d: float | None
    velocity_score: float | None


class OnlineFeatureStore(Protocol):
    """Stores each user's latest online features, with expiry."""

    def publish(self, features: Sequence[OnlineFeatures], ttl_ms: int) -> None:
        """Store the features, unless those of a later event time are stored; at most one element a user. Blocks.

        They expire `ttl_ms` after the last write. Raises StoreUnavailable; part of them may have been written then.
        """
        ...

    def online_features(self, user_id: str) -> OnlineFeatures | None:
        """A user's stored features, None if there are none or they expired. Raises StoreUnavailable, StoreError."""
        ...


def prefix_of(key: str) -> str:
    """The prefix of a key. Raises KeyError if it is not one of PREFIXES."""
    end = key.index(":") + 1 if ":" in key else 0
    prefix = key[:end]
    if prefix == "history:":
        prefix = key[: key.find(":", end) + 1]
    if prefix not in PREFIXES:
        raise KeyError(f"{key!r} begins with none of {', '.join(PREFIXES)}")
    return prefix

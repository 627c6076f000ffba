"""The ports to the stores: reading enrichment, writing it, and the online features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from udfs.entity_buckets import KINDS, BucketRow, EntityKind
from udfs.entity_history import EntityHistory
from udfs.outputs import EnrichmentStatus
from udfs.profiles import DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.stores.counters import EnrichmentCounters


class CompleteThrough(msgspec.Struct, frozen=True):
    """How far one of `writers` has written the entities' history: all that had arrived by `complete_through_ms`.

    Under `complete-through:N` for N from 1 to `writers`; `complete-through:0` only tells how many there are.
    """

    writers: int
    complete_through_ms: int


Profile = UserProfile | MerchantProfile | DeviceProfile | IpFeed | DomainFeed
Record = Profile | EntityHistory | CompleteThrough
StoredRecord = Profile | BucketRow | CompleteThrough
"""What is written; a BucketRow is read back as the EntityHistory that is made of it."""
COMPLETE_THROUGH = "complete-through:"

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
}
"""A key is one of these prefixes and the id; the prefix tells the type of the value."""


class StoreUnavailable(Exception):
    """The store did not answer in time or refused; the message names it."""


class StoreError(ValueError):
    """The store's content or address cannot be used; the message says what to change."""


class Unreadable:
    """Stands for a stored value that is no record of its prefix: the cache counts it and answers `degraded`."""

    __slots__ = ()


UNREADABLE = Unreadable()


class Store(Protocol):
    """Reads records by key.

    `holds_histories` tells whether entities without a record are known to have none, as of `complete_through_ms`.
    """

    @property
    def holds_histories(self) -> bool: ...

    @property
    def complete_through_ms(self) -> int: ...

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        """The records of the keys, in their order; None where there is none. Raises StoreUnavailable."""
        ...


class StoreWriter(Protocol):
    """Writes records by key."""

    def put_many(self, records: Mapping[str, StoredRecord], ttl_ms: int | None) -> None:
        """Set each key to its record, whatever was there: repeating a write changes nothing.

        A record is gone `ttl_ms` after it was last written (None: never). Raises StoreUnavailable; some of the records
        may then be written.
        """
        ...


class OnlineFeatures(msgspec.Struct, frozen=True, gc=False):
    """A user's newest features as other services read them. None: not known.

    Counts are of transactions or countries, `avg_amount_1h` is in the base currency's major units.
    """

    user_id: str
    event_time_ms: int
    txn_count_5m: float | None
    avg_amount_1h: float | None
    foreign_country_count_1d: float | None
    velocity_score: float | None


class OnlineFeatureStore(Protocol):
    """Keeps each user's newest online features for a while."""

    def publish(self, features: Sequence[OnlineFeatures], ttl_ms: int) -> None:
        """Keep these unless later event times are there; at most one a user. Gone `ttl_ms` after the last write.

        Raises StoreUnavailable; some may then be published.
        """
        ...

    def online_features(self, user_id: str) -> OnlineFeatures | None:
        """A user's newest published features, None if there are none any more. Raises StoreUnavailable, StoreError."""
        ...


class Enrichment(Protocol):
    """What the scorer asks: it always gets an answer, and how good it is."""

    counters: EnrichmentCounters

    @property
    def holds_histories(self) -> bool: ...

    @property
    def complete_through_ms(self) -> int: ...

    @property
    def reads_ahead(self) -> bool:
        """Is `read_ahead` worth the trouble?"""
        ...

    def read_ahead(self, keys: Sequence[str]) -> None:
        """Get the records of many look-ups to come at once. What fails here they meet themselves."""
        ...

    def lookup(self, keys: Sequence[str]) -> tuple[list[Any], EnrichmentStatus]:
        """A new list of the keys' records (by type of their prefix, or None), and how good it is.

        ok: fresh values. stale: at least one older than allowed, the store being down. degraded: one is missing, or
        cannot be read."""
        ...

    def close(self) -> None:
        """Let go of threads and connections."""
        ...


def prefix_of(key: str) -> str:
    """The prefix of a key. Raises KeyError where it is none of PREFIXES."""
    end = key.index(":") + 1 if ":" in key else 0
    prefix = key[:end]
    if prefix == "history:":
        prefix = key[: key.find(":", end) + 1]
    if prefix not in PREFIXES:
        raise KeyError(f"{key!r} begins with none of {', '.join(PREFIXES)}")
    return prefix

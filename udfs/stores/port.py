"""The port to the enrichment stores, and what a look-up comes back with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from udfs.entity_buckets import KINDS, BucketRow, EntityHistory, EntityKind
from udfs.outputs import EnrichmentStatus
from udfs.profiles import DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile


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


class Store(Protocol):
    """Reads records by key.

    `holds_histories` tells whether entities without a record are known to have none, as of `complete_through_ms`.
    """

    @property
    def holds_histories(self) -> bool: ...

    @property
    def complete_through_ms(self) -> int: ...

    def get_many(self, keys: Sequence[str]) -> list[Record | None]:
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


class Enrichment(Protocol):
    """What the scorer asks: it always gets an answer, and how good it is."""

    @property
    def holds_histories(self) -> bool: ...

    @property
    def complete_through_ms(self) -> int: ...

    def lookup(self, keys: Sequence[str]) -> tuple[list[Any], EnrichmentStatus]:
        """A new list of the keys' records (by type of their prefix, or None), and how good it is.

        ok: fresh values. stale: at least one older than allowed, the store being down. degraded: one is missing."""
        ...

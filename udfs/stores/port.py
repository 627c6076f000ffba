"""The port to the enrichment stores, and what a look-up comes back with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from udfs.entity_buckets import KINDS, EntityHistory, EntityKind
from udfs.outputs import EnrichmentStatus
from udfs.profiles import DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile

Record = UserProfile | MerchantProfile | DeviceProfile | IpFeed | DomainFeed | EntityHistory

USER, MERCHANT, DEVICE, IP, DOMAIN = "user:", "merchant:", "device:", "ip:", "domain:"
HISTORY: dict[EntityKind, str] = {kind: f"history:{kind}:" for kind in KINDS}
PREFIXES: dict[str, type[Record]] = {
    USER: UserProfile,
    MERCHANT: MerchantProfile,
    DEVICE: DeviceProfile,
    IP: IpFeed,
    DOMAIN: DomainFeed,
    **dict.fromkeys(HISTORY.values(), EntityHistory),
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

    holds_histories: bool
    complete_through_ms: int

    def get_many(self, keys: Sequence[str]) -> list[Record | None]:
        """The records of the keys, in their order; None where there is none. Raises StoreUnavailable."""
        ...


class Enrichment(Protocol):
    """What the scorer asks: it always gets an answer, and how good it is."""

    holds_histories: bool
    complete_through_ms: int

    def lookup(self, keys: Sequence[str]) -> tuple[list[Any], EnrichmentStatus]:
        """A new list of the keys' records (by type of their prefix, or None), and how good it is.

        ok: fresh values. stale: at least one older than allowed, the store being down. degraded: one is missing."""
        ...

"""Monotonic counters of the stores, read by the metrics reporter."""

from __future__ import annotations

import msgspec


class EnrichmentCounters(msgspec.Struct):
    """Counters of one scorer's look-ups in a remote store.

    hits, misses: keys served from the cache, keys read from the store. failures: failed round trips. unreadable: stored
    values that cannot be decoded. refreshed, refresh_failures: keys refreshed in the background, and failed round trips of
    the refresh.
    """

    hits: int = 0
    misses: int = 0
    failures: int = 0
    unreadable: int = 0
    refreshed: int = 0
    refresh_failures: int = 0


class PublisherCounters(msgspec.Struct):
    """Counters of one scorer's online features.

    published, dropped: users whose values were written or dropped. failures: failed flushes.
    """

    published: int = 0
    dropped: int = 0
    failures: int = 0

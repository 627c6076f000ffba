"""What the stores count: plain numbers that only grow, read by the operator's metrics."""

from __future__ import annotations

import msgspec


class EnrichmentCounters(msgspec.Struct):
    """Of one scorer's look-ups; all zero for the memory store, which cannot miss or fail.

    hits, misses: keys answered from the cache, keys asked for. failures: round trips that failed. unreadable: stored values
    that are no records. stale, degraded: look-ups with that status. refreshed, refresh_failures: keys read again in the
    background, and round trips of that which failed.
    """

    hits: int = 0
    misses: int = 0
    failures: int = 0
    unreadable: int = 0
    stale: int = 0
    degraded: int = 0
    refreshed: int = 0
    refresh_failures: int = 0


class PublisherCounters(msgspec.Struct):
    """Of one scorer's online features. published, dropped: users' values written, given up. failures: failed flushes."""

    published: int = 0
    dropped: int = 0
    failures: int = 0

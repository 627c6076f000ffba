"""Retention settings of a user's state."""

from __future__ import annotations

import msgspec

from udfs.values.time_units import DAY_MS, HOUR_MS, MINUTE_MS

CACHE_BYTES = 512 << 20
"""Memory for decoded users, if nothing else is configured."""


class WindowSettings(msgspec.Struct, frozen=True):
    """Widths in milliseconds. An event up to `lateness_ms` behind the newest one still gets its full 1-day window.

    `forget_batch` is the number of expired transactions that are dropped together.
    """

    five_minutes_ms: int = 5 * MINUTE_MS
    hour_ms: int = HOUR_MS
    day_ms: int = DAY_MS
    lateness_ms: int = DAY_MS
    forget_batch: int = 32


class HabitSettings(msgspec.Struct, frozen=True):
    """Limits on the known values of each kind; the least recently used one is evicted. `days` daily sums are kept."""

    devices: int = 16
    countries: int = 8
    cities: int = 16
    merchants: int = 64
    categories: int = 32
    ip_addresses: int = 16
    beneficiaries: int = 32
    days: int = 32


class UserStateSettings(msgspec.Struct, frozen=True):
    """A snapshot is written after `snapshot_every` entries or `snapshot_after_ms` of event time; the log is compacted when
    it is longer than twice the remembered events plus `compact_slack`. Larger values write less and make cold loads
    slower. Of a user with more than `max_events` events (transactions, logins, account changes, labels) within the horizon
    the oldest are forgotten, an eighth at a time; decisions are then tagged `limited_history`.
    """

    snapshot_every: int = 64
    snapshot_after_ms: int = 7 * DAY_MS
    compact_slack: int = 64
    max_events: int = 100_000
    windows: WindowSettings = WindowSettings()
    habits: HabitSettings = HabitSettings()

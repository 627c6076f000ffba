"""What of a user is kept, and for how long."""

from __future__ import annotations

import msgspec

from udfs.time_units import DAY_MS, HOUR_MS, MINUTE_MS


class WindowSettings(msgspec.Struct, frozen=True):
    """Widths in milliseconds. An event up to `lateness_ms` behind the newest one still sees its own full day."""

    five_minutes_ms: int = 5 * MINUTE_MS
    hour_ms: int = HOUR_MS
    day_ms: int = DAY_MS
    lateness_ms: int = DAY_MS
    forget_batch: int = 32

    @property
    def horizon_ms(self) -> int:
        """How far behind the newest event a transaction can still matter to a window."""
        return self.day_ms + self.lateness_ms


class HabitSettings(msgspec.Struct, frozen=True):
    """How many different values of each kind stay known; the least recently used goes first."""

    devices: int = 16
    countries: int = 8
    cities: int = 16
    merchants: int = 64
    categories: int = 32
    ip_addresses: int = 16
    beneficiaries: int = 32
    days: int = 32


class AccountSettings(msgspec.Struct, frozen=True):
    """The newest `logins` logins of `horizon_ms` behind the user's newest event are kept; at least `keep` stay.

    Counts of failed logins end at `logins`: an attack with more tells nothing more.
    """

    horizon_ms: int
    logins: int = 256
    keep: int = 8
    unblocks: int = 8
    labels: int = 64


class UserStateSettings(msgspec.Struct, frozen=True):
    """`cached_users` bounds the decoded users in memory. The others trade bytes written for work on a cold load."""

    cached_users: int = 100_000
    snapshot_every: int = 64
    snapshot_after_ms: int = 7 * DAY_MS
    compact_slack: int = 64
    windows: WindowSettings = WindowSettings()
    habits: HabitSettings = HabitSettings()

"""Hourly buckets of an entity's activity and frauds (merchants first), and reading them as of a moment.

A bucket counts for activity once its end is 5 minutes past, for frauds once its end is the label delay past. What
arrives later than that counts in the bucket of the moment it became known. So a replay of history and the live job
see the same numbers, however the writer and the reader are aligned.

    |--h0--|--h1--|--h2--|--h3--|          hours; t in h3
                     activity: h0 h1 h2    (5 min after h2's end)
           frauds with a delay of 2 h: h0  (h1's end + 2 h is still to come)
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

import msgspec

from udfs.time_units import DAY_MS, HOUR_MS, MINUTE_MS

RISK_DAYS = (1, 3, 7, 14, 30)


class BucketSettings(msgspec.Struct, frozen=True):
    """When a bucket may be read, and the prior that smooths rates: (frauds + weight x rate) / (transactions + weight)."""

    label_delay_ms: int = 7 * DAY_MS
    activity_delay_ms: int = 5 * MINUTE_MS
    prior_weight: float = 5.0
    prior_fraud_rate: float = 0.01
    risk_days: tuple[int, ...] = RISK_DAYS


class BucketRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entity's buckets as they are stored: parallel lists over the hours that have anything, ascending.

    `hours` are hours since the epoch; `complete_through_ms` is the event time up to which everything was counted.
    """

    entity: str
    id: str
    complete_through_ms: int
    hours: list[int]
    transactions: list[int]
    users: list[int]
    frauds: list[int]


class EntityRisk(msgspec.Struct, frozen=True, gc=False):
    """What was known of an entity as of a moment."""

    fraud_rates: tuple[float, ...]
    transactions_1d: int
    transactions_7d: int
    users_1d: int
    first_seen_ms: int | None
    stale: bool


class EntityHistory:
    """One entity's buckets, ready to be read as of any moment."""

    __slots__ = (
        "_first_hour",
        "_frauds",
        "_hours",
        "_memo",
        "_memo_key",
        "_settings",
        "_transactions",
        "_users",
        "complete_through_ms",
    )

    def __init__(self, row: BucketRow, settings: BucketSettings) -> None:
        self.complete_through_ms = row.complete_through_ms
        self._settings = settings
        self._hours = row.hours
        self._transactions = list(accumulate(row.transactions, initial=0))
        self._users = list(accumulate(row.users, initial=0))
        self._frauds = list(accumulate(row.frauds, initial=0))
        self._first_hour = next((h for h, n in zip(row.hours, row.transactions, strict=True) if n > 0), None)
        self._memo_key = (-1, -1)
        self._memo: EntityRisk | None = None

    def as_of(self, time_ms: int) -> EntityRisk:
        """Read all numbers as of a moment; within one hour of reading they do not change."""
        settings = self._settings
        label_end = (time_ms - settings.label_delay_ms) // HOUR_MS  # buckets before this hour have ended in time
        activity_end = (time_ms - settings.activity_delay_ms) // HOUR_MS
        key = (label_end, activity_end)
        if key == self._memo_key and self._memo is not None:
            return self._memo
        hours = self._hours
        until = bisect_left(hours, label_end)
        rates = []
        for days in settings.risk_days:
            since = bisect_left(hours, label_end - 24 * days)
            transactions = self._transactions[until] - self._transactions[since]
            frauds = max(0, self._frauds[until] - self._frauds[since])
            smoothed = (frauds + settings.prior_weight * settings.prior_fraud_rate) / (
                transactions + settings.prior_weight
            )
            rates.append(min(1.0, smoothed))  # late labels may meet fewer transactions than they belong to
        first_hour = self._first_hour
        until = bisect_left(hours, activity_end)
        day = bisect_left(hours, activity_end - 24)
        week = bisect_left(hours, activity_end - 24 * 7)
        risk = EntityRisk(
            tuple(rates),
            self._transactions[until] - self._transactions[day],
            self._transactions[until] - self._transactions[week],
            self._users[until] - self._users[day],
            first_hour * HOUR_MS if first_hour is not None and first_hour < activity_end else None,
            self._may_still_change(label_end, activity_end),
        )
        self._memo_key, self._memo = key, risk
        return risk

    def _may_still_change(self, label_end: int, activity_end: int) -> bool:
        """Is a bucket that was read still open to events later than what was counted?"""
        settings = self._settings
        activity_ms = activity_end * HOUR_MS + settings.activity_delay_ms
        label_ms = label_end * HOUR_MS + settings.label_delay_ms
        return max(activity_ms, label_ms) > self.complete_through_ms


def empty_history(entity: str, settings: BucketSettings, complete_through_ms: int = 1 << 62) -> EntityHistory:
    """An entity that has done nothing yet, in a store that is complete up to a moment."""
    row = BucketRow(
        entity=entity, id="", complete_through_ms=complete_through_ms, hours=[], transactions=[], users=[], frauds=[]
    )
    return EntityHistory(row, settings)


class _Buckets:
    """State of one entity while it is being counted."""

    __slots__ = ("frauds", "labels", "open_users", "transactions", "users")

    def __init__(self) -> None:
        self.transactions: dict[int, int] = {}
        self.users: dict[int, int] = {}
        self.open_users: dict[int, set[str]] = {}  # only of hours that can still grow
        self.frauds: dict[int, int] = {}
        self.labels: dict[str, tuple[int, bool]] = {}


class EntityAggregator:
    """Counts events into hourly buckets. Feed it in order of arrival, with arrival times that never fall; a repeated
    transaction is to be left out."""

    def __init__(self, entity: str, settings: BucketSettings) -> None:
        self.entity = entity
        self.settings = settings
        self.newest_ms = 0
        self._buckets: dict[str, _Buckets] = {}

    def add_transaction(self, entity_id: str, user_id: str, time_ms: int, arrived_at_ms: int) -> None:
        """Count a transaction in the hour of its time, or in the hour it became known if readers had passed that."""
        hour = _hour_known(time_ms, arrived_at_ms, self.settings.activity_delay_ms)
        buckets = self._of(entity_id)
        buckets.transactions[hour] = buckets.transactions.get(hour, 0) + 1
        users = buckets.open_users.get(hour)
        if users is None:
            self._close_hours(buckets)
            users = buckets.open_users[hour] = set()
        users.add(user_id)
        buckets.users[hour] = len(users)
        self.newest_ms = max(self.newest_ms, arrived_at_ms)

    def add_label(self, entity_id: str, transaction_id: str, time_ms: int, known_at_ms: int, is_fraud: bool) -> None:
        """Count what became known of a transaction. The newest label wins; a correction counts when it is known."""
        buckets = self._of(entity_id)
        previous = buckets.labels.get(transaction_id)
        if previous is not None and previous[0] > known_at_ms:
            return
        buckets.labels[transaction_id] = (known_at_ms, is_fraud)
        change = is_fraud - (previous is not None and previous[1])
        if change:
            hour = _hour_known(time_ms, known_at_ms, self.settings.label_delay_ms)
            buckets.frauds[hour] = buckets.frauds.get(hour, 0) + change

    def rows(self) -> list[BucketRow]:
        """All entities' buckets with absolute values, by id."""
        return [self._row(entity_id) for entity_id in sorted(self._buckets)]

    def _row(self, entity_id: str) -> BucketRow:
        buckets = self._buckets[entity_id]
        hours = sorted(buckets.transactions.keys() | buckets.frauds.keys())
        return BucketRow(
            entity=self.entity,
            id=entity_id,
            complete_through_ms=self.newest_ms,
            hours=hours,
            transactions=[buckets.transactions.get(hour, 0) for hour in hours],
            users=[buckets.users.get(hour, 0) for hour in hours],
            frauds=[buckets.frauds.get(hour, 0) for hour in hours],
        )

    def _close_hours(self, buckets: _Buckets) -> None:
        """Forget who was counted in hours that no later arrival can fall into."""
        closed = (self.newest_ms - self.settings.activity_delay_ms) // HOUR_MS
        for hour in [hour for hour in buckets.open_users if hour < closed - 1]:
            del buckets.open_users[hour]

    def _of(self, entity_id: str) -> _Buckets:
        buckets = self._buckets.get(entity_id)
        if buckets is None:
            buckets = self._buckets[entity_id] = _Buckets()
        return buckets


def _hour_known(time_ms: int, known_at_ms: int, delay_ms: int) -> int:
    """The hour of an event that readers `delay_ms` behind can still see in time, else the hour of when it was known."""
    hour = time_ms // HOUR_MS
    if known_at_ms <= (hour + 1) * HOUR_MS + delay_ms:
        return hour
    return (known_at_ms - delay_ms) // HOUR_MS

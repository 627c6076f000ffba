"""Hourly buckets of what merchants, devices, beneficiaries and IP addresses did, and reading them as of a moment.

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
from typing import Literal, NamedTuple, get_args

import msgspec

from udfs.time_units import DAY_MS, HOUR_MS, MINUTE_MS

EntityKind = Literal["merchant", "device", "beneficiary", "ip"]
KINDS: tuple[EntityKind, ...] = get_args(EntityKind)
RISK_DAYS = (1, 3, 7, 14, 30)
LONG_RISK_DAYS = (30,)
DAY_HOURS, WEEK_HOURS = 24, 168
FOR_EVER_MS = 1 << 62


class Entity(NamedTuple):
    """Whose buckets."""

    kind: EntityKind
    id: str


class BucketSettings(msgspec.Struct, frozen=True):
    """When a bucket may be read, and the prior that smooths rates: (frauds + weight x rate) / (transactions + weight).

    `risk_days` are the merchants' fraud rates, `other_risk_days` those of all other kinds.
    """

    label_delay_ms: int = 7 * DAY_MS
    activity_delay_ms: int = 5 * MINUTE_MS
    prior_weight: float = 5.0
    prior_fraud_rate: float = 0.01
    risk_days: tuple[int, ...] = RISK_DAYS
    other_risk_days: tuple[int, ...] = LONG_RISK_DAYS

    def risk_days_of(self, kind: EntityKind) -> tuple[int, ...]:
        return self.risk_days if kind == "merchant" else self.other_risk_days


class BucketRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entity's buckets as they are stored: parallel lists over the hours that have anything, ascending.

    `hours` are hours since the epoch; where hours were merged, a day stands at its first. `users_1d` and `users_7d`
    are changes of the number of distinct users in the 24 and 168 hours that end with the hour's end, those to come
    included. `withdrawn` holds pairs: the hour that a fraud was counted in, and the one from whose end it is none.
    `complete_through_ms` is the event time up to which everything was counted.
    """

    entity: EntityKind
    id: str
    complete_through_ms: int
    first_hour: int | None
    hours: list[int]
    transactions: list[int]
    frauds: list[int]
    users_1d: list[int]
    users_7d: list[int]
    withdrawn: list[tuple[int, int]] = []


class EntityRisk(msgspec.Struct, frozen=True, gc=False):
    """What was known of an entity as of a moment. `users` are distinct over the whole span."""

    fraud_rates: tuple[float, ...]
    transactions_1d: int
    transactions_7d: int
    users_1d: int
    users_7d: int
    first_seen_ms: int | None
    stale: bool


def window_start(end_hour: int, days: int) -> int:
    """First hour of the `days` that end with `end_hour` (exclusive). More than a week starts at a UTC midnight, so that
    older hours can be merged to days: 14 days are 14 to 15."""
    start = end_hour - DAY_HOURS * days
    return start if days <= 7 else start - start % DAY_HOURS


class EntityHistory:
    """One entity's buckets, ready to be read as of any moment."""

    __slots__ = ("_frauds", "_memo", "_memo_key", "_risk_days", "_settings", "_transactions", "_users_1d", "_users_7d",
                 "complete_through_ms", "row")  # fmt: skip

    def __init__(self, row: BucketRow, settings: BucketSettings) -> None:
        self.row = row
        self.complete_through_ms = row.complete_through_ms
        self._settings = settings
        self._risk_days = settings.risk_days_of(row.entity)
        self._transactions = list(accumulate(row.transactions, initial=0))
        self._frauds = list(accumulate(row.frauds, initial=0))
        self._users_1d = list(accumulate(row.users_1d, initial=0))
        self._users_7d = list(accumulate(row.users_7d, initial=0))
        self._memo_key = (-1, -1, -1)
        self._memo: EntityRisk | None = None

    def as_of(self, time_ms: int) -> EntityRisk:
        """Read all numbers as of a moment; within one hour of reading they do not change."""
        settings = self._settings
        label_end = (time_ms - settings.label_delay_ms) // HOUR_MS  # buckets before this hour have ended in time
        activity_end = (time_ms - settings.activity_delay_ms) // HOUR_MS
        key = (label_end, activity_end, self.complete_through_ms)
        if key == self._memo_key and self._memo is not None:
            return self._memo
        hours, transactions = self.row.hours, self._transactions
        until = bisect_left(hours, activity_end)
        first_hour = self.row.first_hour
        risk = EntityRisk(
            self._fraud_rates(label_end),
            transactions[until] - transactions[bisect_left(hours, activity_end - DAY_HOURS)],
            transactions[until] - transactions[bisect_left(hours, activity_end - WEEK_HOURS)],
            self._users_1d[until],
            self._users_7d[until],
            first_hour * HOUR_MS if first_hour is not None and first_hour < activity_end else None,
            final_at_ms(label_end, activity_end, settings) > self.complete_through_ms,
        )
        self._memo_key, self._memo = key, risk
        return risk

    def _fraud_rates(self, label_end: int) -> tuple[float, ...]:
        hours, transactions, frauds = self.row.hours, self._transactions, self._frauds
        weight = self._settings.prior_weight
        prior = weight * self._settings.prior_fraud_rate
        until = bisect_left(hours, label_end)
        if not until:
            return (self._settings.prior_fraud_rate,) * len(self._risk_days)
        all_transactions, all_frauds = transactions[until], frauds[until]
        withdrawn = self.row.withdrawn
        rates = []
        for days in self._risk_days:
            start = window_start(label_end, days)
            since = bisect_left(hours, start, 0, until)
            count = all_frauds - frauds[since]
            if withdrawn:
                count -= sum(start <= counted and ended < label_end for counted, ended in withdrawn)
            rate = (count + prior) / (all_transactions - transactions[since] + weight)
            rates.append(rate if rate < 1.0 else 1.0)  # late labels may meet fewer transactions than they belong to
        return tuple(rates)


def final_at_ms(label_end: int, activity_end: int, settings: BucketSettings) -> int:
    """The moment from which nothing that arrives can change buckets before these hours."""
    return max(activity_end * HOUR_MS + settings.activity_delay_ms, label_end * HOUR_MS + settings.label_delay_ms)


def empty_history(
    settings: BucketSettings, kind: EntityKind = "merchant", complete_through_ms: int = FOR_EVER_MS
) -> EntityHistory:
    """An entity that has done nothing yet, in a store that is complete up to a moment."""
    return EntityHistory(
        BucketRow(
            entity=kind, id="", complete_through_ms=complete_through_ms, first_hour=None, hours=[], transactions=[],
            frauds=[], users_1d=[], users_7d=[],
        ),
        settings,
    )  # fmt: skip

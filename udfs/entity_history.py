"""Reading one entity's buckets as of a moment."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import accumulate

from udfs.entity_buckets import (
    DAY_HOURS,
    FOR_EVER_MS,
    WEEK_HOURS,
    BucketRow,
    BucketSettings,
    EntityKind,
    final_at_ms,
    window_start,
)
from udfs.entity_risk import EntityRisk
from udfs.time_units import HOUR_MS


class EntityHistory:
    """One entity's buckets, ready to be read as of any moment; numbers side by side, as they are searched and summed."""

    __slots__ = ("_frauds", "_hours", "_memo", "_memo_key", "_risk_days", "_settings", "_transactions", "_users_1d",
                 "_users_7d", "complete_through_ms", "row")  # fmt: skip

    def __init__(self, row: BucketRow, settings: BucketSettings) -> None:
        self.row = row
        self.complete_through_ms = row.complete_through_ms
        self._settings = settings
        self._risk_days = settings.risk_days_of(row.entity)
        self._hours = array("q", row.hours)
        self._transactions = array("q", accumulate(row.transactions, initial=0))
        self._frauds = array("q", accumulate(row.frauds, initial=0))
        self._users_1d = array("q", accumulate(row.users_1d, initial=0))
        self._users_7d = array("q", accumulate(row.users_7d, initial=0))
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
        hours, transactions = self._hours, self._transactions
        until = bisect_left(hours, activity_end)
        first_hour = self.row.first_hour
        risk = EntityRisk(
            self._fraud_rates(label_end),
            transactions[until] - transactions[bisect_left(hours, activity_end - DAY_HOURS, 0, until)],
            transactions[until] - transactions[bisect_left(hours, activity_end - WEEK_HOURS, 0, until)],
            self._users_1d[until],
            self._users_7d[until],
            first_hour * HOUR_MS if first_hour is not None and first_hour < activity_end else None,
            final_at_ms(label_end, activity_end, settings) > self.complete_through_ms,
        )
        self._memo_key, self._memo = key, risk
        return risk

    def _fraud_rates(self, label_end: int) -> tuple[float, ...]:
        hours, transactions, frauds = self._hours, self._transactions, self._frauds
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

"""Reading one entity's buckets as of a moment."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import accumulate
from math import sqrt
from typing import Final

from udfs.entity_buckets import (
    AMOUNT_DAYS,
    BROAD_KINDS,
    DAY_HOURS,
    FOR_EVER_MS,
    MILLION,
    WEEK_HOURS,
    BucketRow,
    BucketSettings,
    EntityKind,
)
from udfs.entity_risk import NAN, EntityRisk
from udfs.packed_hours import hours_before, pack_hours
from udfs.time_units import DAY_MS, HOUR_MS

FEWEST_AMOUNTS: Final = 20
"""Below so many transactions their amounts tell nothing of the category."""
ALWAYS: Final = -FOR_EVER_MS
RUN_GAP_DAYS: Final = 7
"""Days of fraud that are no further apart belong to one run."""
SMALLEST_VARIANCE: Final = 1e-6
"""Of ln(1 + amount), which is kept in millionths: below it all amounts were the same."""


class EntityHistory:
    """One entity's buckets, ready to be read as of any moment; numbers side by side, as they are searched and summed."""

    __slots__ = (
        "_activity_delay_ms", "_amounts", "_counts_users", "_figures_from", "_first_hour", "_fraud_hours", "_frauds",
        "_has_logarithms", "_has_reports", "_hours", "_label_delay_ms", "_logarithms", "_memo", "_memo_activity_end",
        "_memo_complete_ms", "_memo_label_end", "_prior_rate", "_prior_weight", "_reported", "_risk_days",
        "_squares", "_transactions", "_users_1d", "_users_7d", "complete_through_ms", "row",
    )  # fmt: skip

    def __init__(self, row: BucketRow, settings: BucketSettings) -> None:
        self.row = row
        self.complete_through_ms = row.complete_through_ms
        self._label_delay_ms = settings.label_delay_ms
        self._activity_delay_ms = settings.activity_delay_ms
        self._prior_weight = settings.prior_weight
        self._prior_rate = settings.prior_fraud_rate
        self._risk_days = settings.risk_days_of(row.entity)
        self._first_hour = row.hours[0] if row.hours else 0
        self._hours = pack_hours(row.hours)
        self._transactions = array("q", accumulate(row.transactions, initial=0))
        self._frauds = array("q", accumulate(row.frauds, initial=0))
        self._fraud_hours: list[int] = []
        if row.entity == "merchant":
            self._fraud_hours = [hour for hour, count in zip(row.hours, row.frauds, strict=True) if count > 0]
        self._counts_users = row.entity not in BROAD_KINDS
        self._users_1d = array("q", accumulate(row.users_1d, initial=0))
        self._users_7d = array("q", accumulate(row.users_7d, initial=0))
        self._figures_from = row.figures_from_hour or ALWAYS
        if len(row.amounts) != len(row.hours):  # written by an earlier version
            self._figures_from = FOR_EVER_MS
        self._amounts = array("d", accumulate(row.amounts, initial=0))
        self._has_reports = any(row.reported)
        self._reported = array("q", accumulate(row.reported if self._has_reports else (), initial=0))
        self._has_logarithms = len(row.log_amounts) == len(row.hours) and row.entity == "category"
        self._logarithms = array("q", accumulate(row.log_amounts, initial=0))
        self._squares = array("q", accumulate(row.log_amount_squares, initial=0))
        self._memo_label_end = self._memo_activity_end = self._memo_complete_ms = -1
        self._memo: EntityRisk | None = None

    def as_of(self, time_ms: int) -> EntityRisk:
        """Read all numbers as of a moment; within one hour of reading they do not change."""
        label_end = (time_ms - self._label_delay_ms) // HOUR_MS  # buckets before this hour have ended in time
        activity_end = (time_ms - self._activity_delay_ms) // HOUR_MS
        complete_ms = self.complete_through_ms
        if (
            label_end == self._memo_label_end
            and activity_end == self._memo_activity_end
            and complete_ms == self._memo_complete_ms
            and self._memo is not None
        ):
            return self._memo
        hours, first, transactions = self._hours, self._first_hour, self._transactions
        until = hours_before(hours, first, activity_end, len(transactions) - 1)
        day_before = hours_before(hours, first, activity_end - DAY_HOURS, until)
        all_transactions = transactions[until]
        first_hour = self.row.first_hour
        # From this moment on nothing that arrives can change buckets before the two hours.
        final_ms = max(
            activity_end * HOUR_MS + self._activity_delay_ms,
            label_end * HOUR_MS + self._label_delay_ms,
        )
        amount = reports = mean = deviation = NAN
        if activity_end - DAY_HOURS >= self._figures_from:
            amount = self._amounts[until] - self._amounts[day_before]
        if activity_end - WEEK_HOURS >= self._figures_from:
            reports = float(self._reported[until]) if self._has_reports else 0.0
        if self._has_logarithms:
            mean, deviation = self._amounts_of_days(activity_end, until)
        fraud_day_ms = fraud_run_ms = NAN
        if self._fraud_hours:
            fraud_day_ms, fraud_run_ms = self._fraud_run(label_end)
        risk = EntityRisk(
            self._fraud_rates(label_end),
            all_transactions - transactions[day_before],
            all_transactions - transactions[hours_before(hours, first, activity_end - WEEK_HOURS, until)],
            self._users_1d[until] if self._counts_users else 0,
            self._users_7d[until] if self._counts_users else 0,
            first_hour * HOUR_MS if first_hour is not None and first_hour < activity_end else None,
            final_ms > complete_ms,
            reports,
            amount,
            mean,
            deviation,
            fraud_day_ms,
            fraud_run_ms,
        )
        self._memo_label_end, self._memo_activity_end, self._memo_complete_ms = label_end, activity_end, complete_ms
        self._memo = risk
        return risk

    def _fraud_rates(self, label_end: int) -> tuple[float, ...]:
        hours, first, transactions, frauds = self._hours, self._first_hour, self._transactions, self._frauds
        until = hours_before(hours, first, label_end, len(transactions) - 1)
        if not until:
            return (NAN,) * len(self._risk_days)
        weight = self._prior_weight
        prior = weight * self._prior_rate
        all_transactions, all_frauds = transactions[until], frauds[until]
        withdrawn = self.row.withdrawn
        rates = []
        for days in self._risk_days:
            start = _window_start(label_end, days)
            since = hours_before(hours, first, start, until) if start > first else 0
            count = all_transactions - transactions[since]
            if not count:
                rates.append(NAN)
                continue
            fraud_count = all_frauds - frauds[since]
            if withdrawn:
                fraud_count -= sum(start <= counted and ended < label_end for counted, ended in withdrawn)
            if fraud_count < 0:  # cleared after the writer's state of the fraud itself had expired
                fraud_count = 0
            rate = (fraud_count + prior) / (count + weight)
            rates.append(rate if rate < 1.0 else 1.0)  # late labels may meet fewer transactions than they belong to
        return tuple(rates)

    def _fraud_run(self, label_end: int) -> tuple[float, float]:
        """Starts of the newest day of fraud and of the first day of its run, in the longest span before `label_end`."""
        start = _window_start(label_end, self._risk_days[-1])
        first, last = bisect_left(self._fraud_hours, start), bisect_left(self._fraud_hours, label_end)
        hours = self._fraud_hours[first:last]
        if self.row.withdrawn:
            hours = self._not_withdrawn(hours, label_end)
        if not hours:
            return NAN, NAN
        run = newest = hours[-1] // DAY_HOURS
        for hour in reversed(hours):
            day = hour // DAY_HOURS
            if run - day > RUN_GAP_DAYS:
                break
            run = day
        return float(newest * DAY_MS), float(run * DAY_MS)

    def _not_withdrawn(self, hours: list[int], label_end: int) -> list[int]:
        """Of hours with frauds, those of days on which some are left that nobody has cleared before `label_end`."""
        withdrawn: dict[int, int] = {}
        for counted, ended in self.row.withdrawn:
            if ended < label_end:
                day = counted // DAY_HOURS
                withdrawn[day] = withdrawn.get(day, 0) + 1
        if not withdrawn:
            return hours
        frauds: dict[int, int] = {}
        visible = set(hours)
        for hour, count in zip(self.row.hours, self.row.frauds, strict=True):
            if hour in visible:
                day = hour // DAY_HOURS
                frauds[day] = frauds.get(day, 0) + count
        return [hour for hour in hours if frauds[hour // DAY_HOURS] > withdrawn.get(hour // DAY_HOURS, 0)]

    def _amounts_of_days(self, activity_end: int, until: int) -> tuple[float, float]:
        """Mean and population standard deviation of ln(1 + amount) in the last AMOUNT_DAYS."""
        start = _window_start(activity_end, AMOUNT_DAYS)
        since = hours_before(self._hours, self._first_hour, start, until) if start > self._first_hour else 0
        count = self._transactions[until] - self._transactions[since]
        if count < FEWEST_AMOUNTS or start < self._figures_from:
            return NAN, NAN
        mean = (self._logarithms[until] - self._logarithms[since]) / count / MILLION
        variance = (self._squares[until] - self._squares[since]) / count / MILLION - mean * mean
        return mean, sqrt(variance) if variance > SMALLEST_VARIANCE else 0.0


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


def _window_start(end_hour: int, days: int) -> int:
    """First hour of the `days` that end with `end_hour` (exclusive). More than a week starts at a UTC midnight, so that
    older hours can be merged to days: 14 days are 14 to 15."""
    start = end_hour - DAY_HOURS * days
    return start if days <= 7 else start - start % DAY_HOURS

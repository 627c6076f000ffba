"""Reading one entity's buckets as of a moment."""

from __future__ import annotations

from array import array
from itertools import accumulate

from udfs.entity_buckets import DAY_HOURS, FOR_EVER_MS, WEEK_HOURS, BucketRow, BucketSettings, EntityKind
from udfs.entity_risk import EntityRisk
from udfs.packed_hours import hours_before, pack_hours
from udfs.time_units import HOUR_MS


class EntityHistory:
    """One entity's buckets, ready to be read as of any moment; numbers side by side, as they are searched and summed."""

    __slots__ = (
        "_activity_delay_ms", "_first_hour", "_frauds", "_hours", "_label_delay_ms", "_memo", "_memo_activity_end",
        "_memo_complete_ms", "_memo_label_end", "_prior_rate", "_prior_weight", "_risk_days", "_transactions",
        "_users_1d", "_users_7d", "complete_through_ms", "row",
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
        self._users_1d = array("q", accumulate(row.users_1d, initial=0))
        self._users_7d = array("q", accumulate(row.users_7d, initial=0))
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
        all_transactions = transactions[until]
        first_hour = self.row.first_hour
        # From this moment on nothing that arrives can change buckets before the two hours.
        final_ms = max(
            activity_end * HOUR_MS + self._activity_delay_ms,
            label_end * HOUR_MS + self._label_delay_ms,
        )
        risk = EntityRisk(
            self._fraud_rates(label_end),
            all_transactions - transactions[hours_before(hours, first, activity_end - DAY_HOURS, until)],
            all_transactions - transactions[hours_before(hours, first, activity_end - WEEK_HOURS, until)],
            self._users_1d[until],
            self._users_7d[until],
            first_hour * HOUR_MS if first_hour is not None and first_hour < activity_end else None,
            final_ms > complete_ms,
        )
        self._memo_label_end, self._memo_activity_end, self._memo_complete_ms = label_end, activity_end, complete_ms
        self._memo = risk
        return risk

    def _fraud_rates(self, label_end: int) -> tuple[float, ...]:
        hours, first, transactions, frauds = self._hours, self._first_hour, self._transactions, self._frauds
        until = hours_before(hours, first, label_end, len(transactions) - 1)
        if not until:
            return (self._prior_rate,) * len(self._risk_days)
        weight = self._prior_weight
        prior = weight * self._prior_rate
        all_transactions, all_frauds = transactions[until], frauds[until]
        withdrawn = self.row.withdrawn
        rates = []
        for days in self._risk_days:
            start = _window_start(label_end, days)
            since = hours_before(hours, first, start, until) if start > first else 0
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


def _window_start(end_hour: int, days: int) -> int:
    """First hour of the `days` that end with `end_hour` (exclusive). More than a week starts at a UTC midnight, so that
    older hours can be merged to days: 14 days are 14 to 15."""
    start = end_hour - DAY_HOURS * days
    return start if days <= 7 else start - start % DAY_HOURS

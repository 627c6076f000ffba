"""Counts events into an entity's buckets: the same code in the job, in replays and in training.

Broad kinds count no users, and repeated labels of their transactions are filtered before they get here
(udfs.entities.deltas), so a broad entity keeps no state per transaction. The state of an entity is bounded
(`CountingSettings`) without changing what readers can query:
- hours that are only read as part of days are merged to days, and days that are no longer read are dropped;
- a user is dropped a week after the last visit, a label once a correction could no longer change a figure.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from udfs.entities.buckets import (
    AMOUNT_DAYS,
    BROAD_KINDS,
    DAY_HOURS,
    MILLION,
    WEEK_HOURS,
    BucketRow,
    BucketSettings,
    Entity,
    EntityKind,
)
from udfs.entities.distinct_users import changes_of_visit
from udfs.values.time_units import DAY_MS, HOUR_MS

TRANSACTIONS, FRAUDS, USERS_1D, USERS_7D, AMOUNT, REPORTED, LOG_AMOUNT, LOG_AMOUNT_SQUARE = range(8)
COLUMNS = 8
WINDOWED = (TRANSACTIONS, FRAUDS, AMOUNT, LOG_AMOUNT, LOG_AMOUNT_SQUARE)
"""Columns that are summed over a window and can be cleared beyond the longest one. The others are running changes."""
MAX_AMOUNT_MINOR = 1 << 62
"""Largest sum of a bucket. Sums saturate, so the result does not depend on the order of arrival."""
PRUNE_INTERVAL_DAYS = 4  # pruning costs about as much as counting ten events
SPANS = ((USERS_1D, DAY_HOURS), (USERS_7D, WEEK_HOURS))


class CountingSettings(msgspec.Struct, frozen=True):
    """How far back readers query, and how long state is kept.

    `reader_lag_ms`: readers never query a moment further behind the entity's newest event (None: any moment may be
    queried, so nothing is merged or dropped). `max_users`: limit on the users of an entity within a week; further users
    are not counted. A label is kept for `verdict_ms` after it was known, a fraud label for `fraud_ms`: the same fraud
    reported again after that would be counted twice.
    """

    buckets: BucketSettings = BucketSettings()
    reader_lag_ms: int | None = None
    max_users: int = 50_000
    verdict_ms: int = 3 * DAY_MS
    fraud_ms: int = 180 * DAY_MS


class EntityCounts(msgspec.Struct, array_like=True):
    """State of one entity.

    `hours` maps an hour since the epoch to its COLUMNS values. `users` maps a user to the hours of the visits that a
    later arrival could still fall between. `labels` maps a transaction to the time its newest label was known, the hour
    in which its fraud is counted (None: no fraud), and the hour in which it was reported (None: no fraud, or counted by
    an earlier version). Amounts and reports are complete from `figures_from_hour` on.
    """

    newest_ms: int = 0
    first_hour: int | None = None
    tidied_day: int = 0
    merged_before: int = 0
    dropped_before: int = 0
    hours: dict[int, list[int]] = {}
    users: dict[str, list[int]] = {}
    labels: dict[str, tuple[int, int | None, int | None]] = {}
    withdrawn: list[tuple[int, int]] = []
    figures_from_hour: int = 0


class EntityCounter:
    """Logic: adds events to an entity's counts. Call it in order of arrival and without repeated transactions."""

    def __init__(self, settings: CountingSettings) -> None:
        self.settings = settings
        self._activity_delay_ms = settings.buckets.activity_delay_ms
        self._label_delay_ms = settings.buckets.label_delay_ms

    def add_transaction(
        self,
        counts: EntityCounts,
        kind: EntityKind,
        user_id: str,
        time_ms: int,
        arrived_at_ms: int,
        amount_minor: int | None,
        log_amount_micro: int = 0,
    ) -> None:
        """Count a transaction in the hour of its event time, or in the hour of its arrival if that one is already read.

        An arrival time before the entity's newest is taken as the newest. `amount_minor` is in minor units of the base
        currency (None: not known), `log_amount_micro` is ln(1 + amount in major units) in millionths.
        """
        if arrived_at_ms > counts.newest_ms:
            counts.newest_ms = arrived_at_ms
        else:
            arrived_at_ms = counts.newest_ms
        hour = _hour_known(time_ms, arrived_at_ms, self._activity_delay_ms)
        values = counts.hours.get(hour)
        if values is None or hour < counts.merged_before:
            values = _slot(counts, hour)
        values[TRANSACTIONS] += 1
        if amount_minor is None:
            counts.figures_from_hour = max(counts.figures_from_hour, hour + 1)
        else:
            values[AMOUNT] += amount_minor
            if values[AMOUNT] > MAX_AMOUNT_MINOR:
                values[AMOUNT] = MAX_AMOUNT_MINOR
            if kind == "category":
                values[LOG_AMOUNT] += log_amount_micro
                values[LOG_AMOUNT_SQUARE] += (log_amount_micro * log_amount_micro + MILLION // 2) // MILLION
        if counts.first_hour is None or hour < counts.first_hour:
            counts.first_hour = hour
        if kind not in BROAD_KINDS:
            self._visit(counts, user_id, hour)
        if arrived_at_ms // DAY_MS >= counts.tidied_day + PRUNE_INTERVAL_DAYS:
            self._prune(counts, kind)

    def add_label(self, counts: EntityCounts, transaction: str, time_ms: int, known_at_ms: int, is_fraud: bool) -> None:
        """Count a label. The newest `known_at_ms` of a transaction wins; a correction counts from when it is known."""
        previous = counts.labels.get(transaction)
        if previous is not None and previous[0] > known_at_ms:
            return
        fraud_hour, reported_hour = previous[1:] if previous is not None else (None, None)
        if is_fraud and fraud_hour is None:
            fraud_hour, reported_hour = self.add_fraud(counts, time_ms, known_at_ms)
        elif not is_fraud and fraud_hour is not None:
            self._clear(counts, time_ms, known_at_ms, fraud_hour, reported_hour)
            fraud_hour = reported_hour = None
        counts.labels[transaction] = (known_at_ms, fraud_hour, reported_hour)

    def add_fraud(self, counts: EntityCounts, time_ms: int, known_at_ms: int) -> tuple[int, int]:
        """Count a fraud at `time_ms` that became known at `known_at_ms` and was not counted before.

        Returns the hours in which it counts as a fraud and as a report.
        """
        hour = _hour_known(time_ms, known_at_ms, self._label_delay_ms)
        if hour >= counts.dropped_before:
            _slot(counts, hour)[FRAUDS] += 1
        reported_hour = known_at_ms // HOUR_MS
        _slot(counts, reported_hour)[REPORTED] += 1
        _slot(counts, reported_hour + WEEK_HOURS)[REPORTED] -= 1
        return hour, reported_hour

    def clear_fraud(
        self, counts: EntityCounts, time_ms: int, known_at_ms: int, fraud_time_ms: int, fraud_known_at_ms: int
    ) -> None:
        """Withdraw a fraud as of `known_at_ms`; the last two arguments are those it was counted with (`add_fraud`)."""
        fraud_hour = _hour_known(fraud_time_ms, fraud_known_at_ms, self._label_delay_ms)
        self._clear(counts, time_ms, known_at_ms, fraud_hour, fraud_known_at_ms // HOUR_MS)

    def row(self, entity: Entity, counts: EntityCounts, complete_through_ms: int) -> BucketRow:
        """The buckets with absolute values, without hours that are all zero."""
        hours = sorted(hour for hour, values in counts.hours.items() if any(values))
        columns = list(zip(*[counts.hours[hour] for hour in hours], strict=True)) or [()] * COLUMNS
        broad, category = entity.kind in BROAD_KINDS, entity.kind == "category"
        return BucketRow(
            entity=entity.kind,
            id=entity.id,
            complete_through_ms=complete_through_ms,
            first_hour=counts.first_hour,
            hours=hours,
            transactions=list(columns[TRANSACTIONS]),
            frauds=list(columns[FRAUDS]),
            users_1d=[] if broad else list(columns[USERS_1D]),
            users_7d=[] if broad else list(columns[USERS_7D]),
            withdrawn=list(counts.withdrawn),
            amounts=list(columns[AMOUNT]),
            reported=list(columns[REPORTED]),
            log_amounts=list(columns[LOG_AMOUNT]) if category else [],
            log_amount_squares=list(columns[LOG_AMOUNT_SQUARE]) if category else [],
            figures_from_hour=counts.figures_from_hour,
        )

    def _clear(
        self, counts: EntityCounts, time_ms: int, known_at_ms: int, fraud_hour: int, reported_hour: int | None
    ) -> None:
        hour = _hour_known(time_ms, known_at_ms, self._label_delay_ms)
        if fraud_hour >= counts.dropped_before:
            if hour == fraud_hour:  # both become visible at the same moment
                _slot(counts, hour)[FRAUDS] -= 1
            else:
                counts.withdrawn.append((fraud_hour, hour))
        cleared_hour = known_at_ms // HOUR_MS
        if reported_hour is not None and cleared_hour < reported_hour + WEEK_HOURS:
            _slot(counts, cleared_hour)[REPORTED] -= 1
            _slot(counts, reported_hour + WEEK_HOURS)[REPORTED] += 1

    def _visit(self, counts: EntityCounts, user_id: str, hour: int) -> None:
        visits = counts.users.get(user_id)
        if visits is None:
            if len(counts.users) >= self.settings.max_users:
                return
            visits = counts.users[user_id] = []
        elif hour in visits:
            return
        for column, span in SPANS:
            for changed, change in changes_of_visit(visits, hour, span):
                _slot(counts, changed)[column] += change
        visits.append(hour)
        if len(visits) > 1:
            visits.sort()
            first_open = self._first_open_hour(counts)
            while len(visits) > 1 and visits[1] < first_open:
                del visits[0]

    def _first_open_hour(self, counts: EntityCounts) -> int:
        """The earliest hour in which a later arrival can be counted."""
        return (counts.newest_ms - self._activity_delay_ms) // HOUR_MS - 1

    def _prune(self, counts: EntityCounts, kind: EntityKind) -> None:
        """Drop users and labels that expired, and merge or drop hours that are no longer read."""
        settings, newest_ms = self.settings, counts.newest_ms
        counts.tidied_day = newest_ms // DAY_MS
        if kind in BROAD_KINDS and settings.reader_lag_ms is None:
            return
        oldest_visit = self._first_open_hour(counts) - WEEK_HOURS
        counts.users = {user: visits for user, visits in counts.users.items() if visits[-1] >= oldest_visit}
        oldest_verdict_ms, oldest_fraud_ms = newest_ms - settings.verdict_ms, newest_ms - settings.fraud_ms
        counts.labels = {
            transaction: label
            for transaction, label in counts.labels.items()
            if label[0] >= (oldest_verdict_ms if label[1] is None else oldest_fraud_ms)
        }
        if settings.reader_lag_ms is not None:
            self._merge(counts, kind, newest_ms - settings.reader_lag_ms)

    def _merge(self, counts: EntityCounts, kind: EntityKind, oldest_reading_ms: int) -> None:
        """Keep hours for the windows of up to a week, days for the longer ones, and drop everything before."""
        buckets = self.settings.buckets
        label_end = (oldest_reading_ms - buckets.label_delay_ms) // HOUR_MS
        activity_end = (oldest_reading_ms - buckets.activity_delay_ms) // HOUR_MS
        longest = max(*buckets.risk_days_of(kind), 7)
        hourly_from = _day_of(min(label_end, activity_end) - WEEK_HOURS)
        daily_from = min(hourly_from, _day_of(label_end - DAY_HOURS * longest))
        if kind == "category":
            daily_from = min(daily_from, _day_of(activity_end - DAY_HOURS * AMOUNT_DAYS))
        old = [hour for hour in counts.hours if hour < hourly_from]
        counts.merged_before, counts.dropped_before = hourly_from, daily_from
        for hour in old:
            if hour < daily_from or hour % DAY_HOURS:
                values = counts.hours.pop(hour)
                if hour < daily_from:  # changes stay: later hours of the running counts build on them
                    for column in WINDOWED:
                        values[column] = 0
                kept = _slot(counts, max(hour, daily_from))
                for column, value in enumerate(values):
                    kept[column] += value
                kept[AMOUNT] = min(kept[AMOUNT], MAX_AMOUNT_MINOR)
        counts.withdrawn = [pair for pair in counts.withdrawn if pair[0] >= daily_from]


class EntityAggregator:
    """EntityCounter over many entities in memory."""

    def __init__(self, settings: CountingSettings) -> None:
        self.counter = EntityCounter(settings)
        self.newest_ms = 0
        self._counts: dict[Entity, EntityCounts] = {}

    def add_transaction(
        self,
        entity: Entity,
        user_id: str,
        time_ms: int,
        arrived_at_ms: int,
        amount_minor: int | None = None,
        log_amount_micro: int = 0,
    ) -> None:
        """See EntityCounter."""
        self.newest_ms = max(self.newest_ms, arrived_at_ms)
        self.counter.add_transaction(
            self.counts_of(entity), entity.kind, user_id, time_ms, arrived_at_ms, amount_minor, log_amount_micro
        )

    def add_label(self, entity: Entity, transaction: str, time_ms: int, known_at_ms: int, is_fraud: bool) -> None:
        """See EntityCounter."""
        self.counter.add_label(self.counts_of(entity), transaction, time_ms, known_at_ms, is_fraud)

    def rows(self) -> Iterator[BucketRow]:
        """All entities' buckets with absolute values, by kind and id."""
        for entity in sorted(self._counts):
            yield self.counter.row(entity, self._counts[entity], self.newest_ms)

    def counts_of(self, entity: Entity) -> EntityCounts:
        """The entity's state, to be updated through `counter`."""
        counts = self._counts.get(entity)
        if counts is None:
            counts = self._counts[entity] = EntityCounts()
        return counts


def transaction_key(user_id: str, transaction_id: str) -> str:
    """Key of a transaction among those of an entity: transaction ids are unique only within a user."""
    return f"{user_id}\0{transaction_id}"


def _slot(counts: EntityCounts, hour: int) -> list[int]:
    if hour < counts.merged_before:
        hour = max(_day_of(hour), counts.dropped_before)
    values = counts.hours.get(hour)
    if values is None:
        values = counts.hours[hour] = [0] * COLUMNS
    return values


def _day_of(hour: int) -> int:
    return hour - hour % DAY_HOURS


def _hour_known(time_ms: int, known_at_ms: int, delay_ms: int) -> int:
    """The hour of `time_ms` if its bucket was not yet visible at `known_at_ms`, else the first hour that was not."""
    hour = time_ms // HOUR_MS
    if known_at_ms <= (hour + 1) * HOUR_MS + delay_ms:
        return hour
    return (known_at_ms - delay_ms) // HOUR_MS

"""Counting events into an entity's buckets: the same code in the job, in replays and in training.

All numbers that grow without end are bounded (`CountingSettings`), without changing what readers may ask for:
- hours that no reader asks for singly are merged to days, and days that none asks for at all are dropped;
- a user is forgotten a week after the last visit, a label once a correction of it could change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from udfs.distinct_users import changes_of_visit
from udfs.entity_buckets import DAY_HOURS, WEEK_HOURS, BucketRow, BucketSettings, Entity
from udfs.events import Transaction
from udfs.time_units import DAY_MS, HOUR_MS

TRANSACTIONS, FRAUDS, USERS_1D, USERS_7D = range(4)
TIDY_EVERY_DAYS = 4  # each time costs about what counting ten events does
SPANS = ((USERS_1D, DAY_HOURS), (USERS_7D, WEEK_HOURS))


class CountingSettings(msgspec.Struct, frozen=True):
    """How far back readers ask, and how much is remembered.

    `reader_lag_ms`: no reader asks as of a moment further behind the entity's newest event (None: readers may ask for
    any moment, so nothing is merged or dropped). `max_users`: users an entity is counted with in a week; with more at
    once, further ones are not counted as users. A verdict is remembered `verdict_ms` after it was known, one of fraud
    `fraud_ms`: the same fraud reported again after that would count twice.
    """

    buckets: BucketSettings = BucketSettings()
    reader_lag_ms: int | None = None
    max_users: int = 50_000
    verdict_ms: int = 3 * DAY_MS
    fraud_ms: int = 180 * DAY_MS


class EntityCounts(msgspec.Struct, array_like=True):
    """State of one entity while it is being counted.

    `hours`: [transactions, frauds, changes of users in a day, in a week] by hour. `users`: each user's visited hours, as
    far as another visit could still come between. `labels`: by transaction when the newest label was known, and the
    hour that its fraud counts in (None: no fraud).
    """

    newest_ms: int = 0
    first_hour: int | None = None
    tidied_day: int = 0
    merged_before: int = 0
    dropped_before: int = 0
    hours: dict[int, list[int]] = {}
    users: dict[str, list[int]] = {}
    labels: dict[str, tuple[int, int | None]] = {}
    withdrawn: list[tuple[int, int]] = []


class EntityCounter:
    """The logic: feed one entity's events in order of arrival. A repeated transaction is to be left out."""

    def __init__(self, settings: CountingSettings) -> None:
        self.settings = settings
        self._activity_delay_ms = settings.buckets.activity_delay_ms
        self._label_delay_ms = settings.buckets.label_delay_ms

    def add_transaction(self, counts: EntityCounts, user_id: str, time_ms: int, arrived_at_ms: int) -> None:
        """Count a transaction in the hour of its time, or in the hour it became known if readers had passed that.

        It arrives no earlier than the entity's newest: whoever reads an entity is one of its transactions."""
        counts.newest_ms = arrived_at_ms = max(counts.newest_ms, arrived_at_ms)
        hour = _hour_known(time_ms, arrived_at_ms, self._activity_delay_ms)
        _slot(counts, hour)[TRANSACTIONS] += 1
        if counts.first_hour is None or hour < counts.first_hour:
            counts.first_hour = hour
        self._visit(counts, user_id, hour)
        if arrived_at_ms // DAY_MS >= counts.tidied_day + TIDY_EVERY_DAYS:
            self._tidy(counts)

    def add_label(self, counts: EntityCounts, transaction: str, time_ms: int, known_at_ms: int, is_fraud: bool) -> None:
        """Count what became known of a transaction. The newest label wins; a correction counts when it is known."""
        previous = counts.labels.get(transaction)
        if previous is not None and previous[0] > known_at_ms:
            return
        fraud_hour = previous[1] if previous is not None else None
        if is_fraud != (fraud_hour is not None):
            hour = _hour_known(time_ms, known_at_ms, self._label_delay_ms)
            if fraud_hour is None:
                if hour >= counts.dropped_before:
                    _slot(counts, hour)[FRAUDS] += 1
                fraud_hour = hour
            else:
                self._withdraw(counts, fraud_hour, hour)
                fraud_hour = None
        counts.labels[transaction] = (known_at_ms, fraud_hour)

    def row(self, entity: Entity, counts: EntityCounts, complete_through_ms: int) -> BucketRow:
        """The buckets with absolute values. Hours in which nothing is left are not among them."""
        hours = sorted(hour for hour, values in counts.hours.items() if any(values))
        found = counts.hours
        return BucketRow(
            entity=entity.kind,
            id=entity.id,
            complete_through_ms=complete_through_ms,
            first_hour=counts.first_hour,
            hours=hours,
            transactions=[found[hour][TRANSACTIONS] for hour in hours],
            frauds=[found[hour][FRAUDS] for hour in hours],
            users_1d=[found[hour][USERS_1D] for hour in hours],
            users_7d=[found[hour][USERS_7D] for hour in hours],
            withdrawn=list(counts.withdrawn),
        )

    def _withdraw(self, counts: EntityCounts, fraud_hour: int, hour: int) -> None:
        if fraud_hour < counts.dropped_before:
            return
        if hour == fraud_hour:  # readers see both at once
            _slot(counts, hour)[FRAUDS] -= 1
        else:
            counts.withdrawn.append((fraud_hour, hour))

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
        """No transaction that arrives from now on counts in an earlier hour."""
        return (counts.newest_ms - self._activity_delay_ms) // HOUR_MS - 1

    def _tidy(self, counts: EntityCounts) -> None:
        """Every few days of the entity: forget and merge what nothing can ask for any more."""
        settings, newest_ms = self.settings, counts.newest_ms
        counts.tidied_day = newest_ms // DAY_MS
        oldest_visit = self._first_open_hour(counts) - WEEK_HOURS
        counts.users = {user: visits for user, visits in counts.users.items() if visits[-1] >= oldest_visit}
        oldest_verdict_ms, oldest_fraud_ms = newest_ms - settings.verdict_ms, newest_ms - settings.fraud_ms
        counts.labels = {
            transaction: (known_ms, fraud_hour)
            for transaction, (known_ms, fraud_hour) in counts.labels.items()
            if known_ms >= (oldest_verdict_ms if fraud_hour is None else oldest_fraud_ms)
        }
        if settings.reader_lag_ms is not None:
            self._merge(counts, newest_ms - settings.reader_lag_ms)

    def _merge(self, counts: EntityCounts, oldest_reading_ms: int) -> None:
        """Keep single hours of the windows up to a week, days of the longer ones, and nothing before."""
        buckets = self.settings.buckets
        label_end = (oldest_reading_ms - buckets.label_delay_ms) // HOUR_MS
        activity_end = (oldest_reading_ms - buckets.activity_delay_ms) // HOUR_MS
        longest = max(*buckets.risk_days, *buckets.other_risk_days, 7)
        hourly_from = _day_of(min(label_end, activity_end) - WEEK_HOURS)
        daily_from = min(hourly_from, _day_of(label_end - DAY_HOURS * longest))
        old = [hour for hour in counts.hours if hour < hourly_from]
        counts.merged_before, counts.dropped_before = hourly_from, daily_from
        for hour in old:
            if hour < daily_from or hour % DAY_HOURS:
                values = counts.hours.pop(hour)
                if hour < daily_from:  # the users of then have left since, but for those whose leaving is still ahead
                    values[TRANSACTIONS] = values[FRAUDS] = 0
                kept = _slot(counts, max(hour, daily_from))
                for column, value in enumerate(values):
                    kept[column] += value
        counts.withdrawn = [pair for pair in counts.withdrawn if pair[0] >= daily_from]


class EntityAggregator:
    """Counts of many entities in memory."""

    def __init__(self, settings: CountingSettings) -> None:
        self.counter = EntityCounter(settings)
        self.newest_ms = 0
        self._counts: dict[Entity, EntityCounts] = {}

    def add_transaction(self, entity: Entity, user_id: str, time_ms: int, arrived_at_ms: int) -> None:
        """See EntityCounter."""
        self.newest_ms = max(self.newest_ms, arrived_at_ms)
        self.counter.add_transaction(self.counts_of(entity), user_id, time_ms, arrived_at_ms)

    def add_label(self, entity: Entity, transaction: str, time_ms: int, known_at_ms: int, is_fraud: bool) -> None:
        """See EntityCounter."""
        self.counter.add_label(self.counts_of(entity), transaction, time_ms, known_at_ms, is_fraud)

    def rows(self) -> Iterator[BucketRow]:
        """All entities' buckets with absolute values, by kind and id."""
        for entity in sorted(self._counts):
            yield self.counter.row(entity, self._counts[entity], self.newest_ms)

    def counts_of(self, entity: Entity) -> EntityCounts:
        """The entity's state, to be fed through `counter`."""
        counts = self._counts.get(entity)
        if counts is None:
            counts = self._counts[entity] = EntityCounts()
        return counts


def entities_of(transaction: Transaction) -> list[Entity]:
    """Whom a transaction is counted for."""
    found = []
    if transaction.merchant_id is not None:
        found.append(Entity("merchant", transaction.merchant_id))
    if transaction.device_id is not None:
        found.append(Entity("device", transaction.device_id))
    if transaction.beneficiary_id is not None:
        found.append(Entity("beneficiary", transaction.beneficiary_id))
    if transaction.ip_address is not None:
        found.append(Entity("ip", transaction.ip_address))
    return found


def label_mark(user_id: str, transaction_id: str) -> str:
    """A transaction's name among an entity's: ids are each user's own."""
    return f"{user_id}\0{transaction_id}"


def _slot(counts: EntityCounts, hour: int) -> list[int]:
    if hour < counts.merged_before:
        hour = max(_day_of(hour), counts.dropped_before)
    values = counts.hours.get(hour)
    if values is None:
        values = counts.hours[hour] = [0, 0, 0, 0]
    return values


def _day_of(hour: int) -> int:
    return hour - hour % DAY_HOURS


def _hour_known(time_ms: int, known_at_ms: int, delay_ms: int) -> int:
    """The hour of an event that readers `delay_ms` behind can still see in time, else the hour of when it was known."""
    hour = time_ms // HOUR_MS
    if known_at_ms <= (hour + 1) * HOUR_MS + delay_ms:
        return hour
    return (known_at_ms - delay_ms) // HOUR_MS

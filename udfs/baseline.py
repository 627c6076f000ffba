"""The user's long-lived habits: exact sums over all accepted transactions and by day, and bounded sets of what is known.

A transaction is learned after it was scored, so that habits never contain the current one. Sums are integers in minor
units: the same transactions give the same habits in whatever order of arrival.
"""

from __future__ import annotations

from udfs.entries import TransactionEntry
from udfs.sums import Sums
from udfs.time_units import DAY_MS
from udfs.user_state_settings import HabitSettings


class Dealings:
    """What a user paid to one merchant and got back, in minor units, and how often."""

    __slots__ = ("purchased", "refunded", "refunds")

    def __init__(self, purchased: int = 0, refunded: int = 0, refunds: int = 0) -> None:
        self.purchased = purchased
        self.refunded = refunded
        self.refunds = refunds

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dealings) and self.all() == other.all()

    __hash__ = None  # type: ignore[assignment]  # sums grow

    def __repr__(self) -> str:
        return f"Dealings{self.all()}"

    def all(self) -> tuple[int, int, int]:
        """Every number, in the order of the constructor."""
        return self.purchased, self.refunded, self.refunds


class Habits:
    """State: lifetime sums, one Sums a day (UTC) for the last days, and value -> first seen (ms) of what is known."""

    __slots__ = (
        "beneficiaries", "categories", "category_sums", "category_total", "cities", "countries", "days", "devices",
        "first_ms", "ip_addresses", "lifetime", "merchant_dealings", "merchants", "newest_day", "night_count", "peak",
        "rolling",
    )  # fmt: skip

    def __init__(self) -> None:
        self.lifetime = Sums()
        self.peak = 0
        self.first_ms = -1
        self.night_count = 0
        self.newest_day = -1
        self.days: dict[int, Sums] = {}
        self.devices: dict[str, int] = {}
        self.countries: dict[str, int] = {}
        self.cities: dict[str, int] = {}
        self.merchants: dict[str, int] = {}
        self.categories: dict[str, int] = {}
        self.ip_addresses: dict[str, int] = {}
        self.beneficiaries: dict[str, int] = {}
        self.category_sums: dict[str, Sums] = {}  # of the known categories
        self.category_total = 0  # derived: what all of them add up to
        self.merchant_dealings: dict[str, Dealings] = {}  # with the known merchants
        self.rolling: dict[int, tuple[Sums, Sums]] = {}  # derived: the days before the key's


class Baseline:
    """The logic: learns transactions into Habits and sums the days before a transaction's own."""

    def __init__(self, settings: HabitSettings) -> None:
        self.settings = settings

    def learn(self, habits: Habits, entry: TransactionEntry) -> None:
        """Take in a transaction that is not `late`."""
        settings = self.settings
        minor = entry.minor
        time_ms = entry.timestamp_ms
        square = minor * minor
        lifetime = habits.lifetime
        lifetime.count += 1
        lifetime.total += minor
        lifetime.squares += square
        if minor > habits.peak:
            habits.peak = minor
        if habits.first_ms < 0 or time_ms < habits.first_ms:
            habits.first_ms = time_ms
        if entry.night:
            habits.night_count += 1
        day = time_ms // DAY_MS
        if day > habits.newest_day:
            habits.newest_day = day
            oldest = day - settings.days
            for old in [known for known in habits.days if known < oldest]:
                del habits.days[old]
        elif day < habits.newest_day:
            habits.rolling.clear()
        sums = habits.days.get(day)
        if sums is None:
            sums = habits.days[day] = Sums()
        sums.count += 1
        sums.total += minor
        sums.squares += square
        if entry.device_id is not None:
            remember(habits.devices, entry.device_id, time_ms, settings.devices)
        if entry.country is not None:
            remember(habits.countries, entry.country, time_ms, settings.countries)
        if entry.city is not None:
            remember(habits.cities, entry.city, time_ms, settings.cities)
        if entry.merchant_id is not None:
            forgotten = remember(habits.merchants, entry.merchant_id, time_ms, settings.merchants)
            if forgotten is not None:
                habits.merchant_dealings.pop(forgotten, None)
            _learn_dealings(habits, entry.merchant_id, entry)
        if entry.category is not None:
            forgotten = remember(habits.categories, entry.category, time_ms, settings.categories)
            if forgotten is not None:
                spent = habits.category_sums.pop(forgotten, None)
                if spent is not None:
                    habits.category_total -= spent.total
            _learn_category(habits, entry.category, minor)
        if entry.ip_address is not None:
            remember(habits.ip_addresses, entry.ip_address, time_ms, settings.ip_addresses)
        if entry.beneficiary_id is not None:
            remember(habits.beneficiaries, entry.beneficiary_id, time_ms, settings.beneficiaries)

    def days_until(self, habits: Habits, day: int) -> tuple[Sums, Sums]:
        """Sums over the 7 and the 30 days that end with `day` (that day as far as it has arrived)."""
        past = habits.rolling.get(day)
        if past is None:
            past = _past_days(habits.days, day)
            habits.rolling = {day: past}
        week, month = past
        today = habits.days.get(day)
        if today is None:
            return past
        count, total, squares = today.count, today.total, today.squares
        return (
            Sums(week.count + count, week.total + total, week.squares + squares),
            Sums(month.count + count, month.total + total, month.squares + squares),
        )


def _past_days(days: dict[int, Sums], day: int) -> tuple[Sums, Sums]:
    """Sums over the 6 and the 29 days before a day."""
    week, month = Sums(), Sums()
    first_of_week, first_of_month = day - 6, day - 29
    for known, sums in days.items():
        if first_of_month <= known < day:
            month.count += sums.count
            month.total += sums.total
            month.squares += sums.squares
            if known >= first_of_week:
                week.count += sums.count
                week.total += sums.total
                week.squares += sums.squares
    return week, month


def _learn_dealings(habits: Habits, merchant_id: str, entry: TransactionEntry) -> None:
    dealings = habits.merchant_dealings.get(merchant_id)
    if dealings is None:
        dealings = habits.merchant_dealings[merchant_id] = Dealings()
    if entry.refund:
        dealings.refunded += entry.minor
        dealings.refunds += 1
    else:
        dealings.purchased += entry.minor


def _learn_category(habits: Habits, category: str, minor: int) -> None:
    spent = habits.category_sums.get(category)
    if spent is None:
        spent = habits.category_sums[category] = Sums()
    spent.count += 1
    spent.total += minor
    habits.category_total += minor


def remember(known: dict[str, int], value: str, time_ms: int, limit: int) -> str | None:
    """Add a value or make it the most recently used; over the limit the least recently used goes, and is returned."""
    forgotten: str | None = None
    first_ms = known.pop(value, None)
    if first_ms is None:
        if len(known) >= limit:
            forgotten = next(iter(known))
            del known[forgotten]
        known[value] = time_ms
    else:
        known[value] = first_ms if first_ms < time_ms else time_ms
    return forgotten

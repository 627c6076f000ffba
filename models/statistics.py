"""Figures about all users together, for rules to compare with: quantiles of amount and distance, fraud by city."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from models.event_files import Progress, lines_of, no_progress
from udfs.codec import BadRecord, decode_event
from udfs.events import Label, Transaction
from udfs.geo import distance_km
from udfs.money import MissingRate, Money
from udfs.profiles import UserProfile
from udfs.rules.population import FORMAT, CityFraud, Statistics

AMOUNT_QUANTILE = 0.95
DISTANCE_QUANTILE = 0.9
PRIOR_FRAUDS = 4
REPORTED_BAD_LINES = 5


class BadLine(msgspec.Struct, frozen=True):
    """A line that is no event, or whose currency has no rate."""

    number: int
    reason: str


class StatisticsReport(msgspec.Struct):
    """The statistics, the lines read, how many of them were bad, and the first few of those."""

    statistics: Statistics
    lines: int
    bad: int
    first_bad: list[BadLine]


class _Collector:
    """State: one entry a transaction, so memory grows with the file (about 200 bytes a transaction)."""

    def __init__(self, users: Mapping[str, UserProfile], money: Money) -> None:
        self._users = users
        self._money = money
        self._amounts = array("d")
        self._distances = array("d")
        self._city_of: dict[tuple[str, str], str | None] = {}
        self._labels: dict[tuple[str, str], tuple[int, bool]] = {}
        self._newest_ms: int | None = None

    def add_transaction(self, transaction: Transaction) -> None:
        """Count a transaction once. Raises MissingRate."""
        key = (transaction.user_id, transaction.transaction_id)
        if key in self._city_of:
            return
        minor = self._money.base_minor(transaction.amount, transaction.currency, transaction.timestamp)
        self._city_of[key] = transaction.city
        self._amounts.append(minor / self._money.scale)
        distance = _km_from_home(transaction, self._users.get(transaction.user_id))
        if distance is not None:
            self._distances.append(distance)
        self._saw(transaction.timestamp)

    def add_label(self, label: Label) -> None:
        """The newest label of a transaction wins; of two known at the same moment, the later in the file."""
        key = (label.user_id, label.transaction_id)
        previous = self._labels.get(key)
        if previous is None or previous[0] <= label.known_at:
            self._labels[key] = (label.known_at, label.is_fraud)
        self._saw(label.known_at)

    def _saw(self, time_ms: int) -> None:
        self._newest_ms = time_ms if self._newest_ms is None else max(self._newest_ms, time_ms)

    def statistics(self, until_ms: int | None) -> Statistics:
        labels = {key: is_fraud for key, (_, is_fraud) in self._labels.items() if key in self._city_of}
        transactions = len(self._city_of)
        frauds = sum(labels.values())
        rate = frauds / transactions if labels else None
        return Statistics(
            format=FORMAT,
            as_of_ms=self._newest_ms,
            until_ms=until_ms,
            base_currency=self._money.base_currency,
            transactions=transactions,
            transactions_with_distance=len(self._distances),
            labels=len(labels),
            frauds=frauds,
            amount_p95=_quantile(self._amounts, AMOUNT_QUANTILE),
            km_from_home_p90=_quantile(self._distances, DISTANCE_QUANTILE),
            fraud_rate=rate,
            cities={} if rate is None else self._cities(labels, rate),
        )

    def _cities(self, labels: dict[tuple[str, str], bool], rate: float) -> dict[str, CityFraud]:
        counts = Counter(city for city in self._city_of.values() if city is not None)
        frauds = Counter(self._city_of[key] for key, is_fraud in labels.items() if is_fraud)
        return {
            city: CityFraud(count, frauds[city], smoothed_rate(frauds[city], count, rate))
            for city, count in sorted(counts.items())
        }


def collect_statistics(
    path: Path,
    users: Mapping[str, UserProfile],
    money: Money,
    until_ms: int | None = None,
    progress: Progress = no_progress,
) -> StatisticsReport:
    """Statistics over a file of events, as they could be known at `until_ms` (None: over the whole file).

    A transaction counts if its time is not after `until_ms`, a label if it was known by then. Raises EventFileError.
    """
    collector = _Collector(users, money)
    lines = bad = 0
    first_bad: list[BadLine] = []
    for number, line in enumerate(lines_of(path, progress), start=1):
        lines = number
        try:
            event = decode_event(line)
            if isinstance(event, Transaction):
                if until_ms is None or event.timestamp <= until_ms:
                    collector.add_transaction(event)
            elif isinstance(event, Label) and (until_ms is None or event.known_at <= until_ms):
                collector.add_label(event)
        except (BadRecord, MissingRate) as error:
            bad += 1
            if bad <= REPORTED_BAD_LINES:
                first_bad.append(BadLine(number, str(error)))
    return StatisticsReport(collector.statistics(until_ms), lines, bad, first_bad)


def smoothed_rate(frauds: int, transactions: int, mean_rate: float) -> float:
    """A city's fraud rate with as many transactions at the mean rate added as hold `PRIOR_FRAUDS` frauds.

    A city without transactions has the mean rate; one or two frauds in a small city don't make it a risky one: it
    needs more than 1.5 x its expected frauds + 2 to be above 1.5 x the mean.
    """
    if mean_rate == 0:
        return 0.0
    return (frauds + PRIOR_FRAUDS) / (transactions + PRIOR_FRAUDS / mean_rate)


def write_statistics(statistics: Statistics, path: Path) -> None:
    """Write the file, whole or not at all; the same statistics give the same bytes."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(statistics), indent=1) + b"\n")
    partial.replace(path)


def _km_from_home(transaction: Transaction, user: UserProfile | None) -> float | None:
    latitude, longitude = transaction.latitude, transaction.longitude
    if user is None or user.home_latitude is None or user.home_longitude is None:
        return None
    if latitude is None or longitude is None:
        return None
    return distance_km(user.home_latitude, user.home_longitude, latitude, longitude)


def _quantile(values: array[float], share: float) -> float | None:
    """The exact quantile, linear between the two nearest values; None of nothing."""
    return float(np.quantile(np.frombuffer(values), share)) if values else None

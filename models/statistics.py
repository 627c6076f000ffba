"""Collects population statistics for rules: quantiles of amount and distance, and fraud rates by city.

Snapshots are taken at many moments, each from events known before it, so that history can be scored with its own past.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.event_files import Progress, lines_of, no_progress
from udfs.records.codec import BadRecord, decode_event
from udfs.records.events import Label, Transaction
from udfs.records.profiles import UserProfile
from udfs.rules.population import FORMAT, CityFraud, Figures, Statistics
from udfs.values.geo import distance_km
from udfs.values.money import MissingRate, Money
from udfs.values.time_units import DAY_MS

AMOUNT_QUANTILE = 0.95
DISTANCE_QUANTILE = 0.9
PRIOR_FRAUDS = 4
REPORTED_BAD_LINES = 5
DAILY_FOR_DAYS = 28
LATER_EVERY_DAYS = 7
LEAST_TRANSACTIONS = 1_000
"""No snapshot is taken before this number of transactions, except the last one."""


class BadLine(msgspec.Struct, frozen=True):
    """A line that is not a valid event, or whose currency has no rate."""

    number: int
    reason: str


class StatisticsReport(msgspec.Struct):
    """The statistics, the number of lines and of bad lines, and the first few bad ones."""

    statistics: Statistics
    lines: int
    bad: int
    first_bad: list[BadLine]


class _Collector:
    """State: columns with one entry per transaction or label; memory grows by about 130 bytes per transaction."""

    def __init__(self, users: Mapping[str, UserProfile], money: Money) -> None:
        self._users = users
        self._money = money
        self._index_of: dict[int, int] = {}
        self._city_numbers: dict[str, int] = {}
        self._times = array("q")
        self._amounts = array("d")
        self._distances = array("d")
        self._cities = array("q")
        self._labelled = array("Q")
        self._known_at = array("q")
        self._is_fraud = array("b")

    def add_transaction(self, transaction: Transaction) -> None:
        """Add a transaction unless it is a repeated one. Raises MissingRate."""
        key = _key(transaction.user_id, transaction.transaction_id)
        if key in self._index_of:
            return
        minor = self._money.base_minor(transaction.amount, transaction.currency, transaction.timestamp)
        self._index_of[key] = len(self._times)
        self._times.append(transaction.timestamp)
        self._amounts.append(minor / self._money.scale)
        self._distances.append(_km_from_home(transaction, self._users.get(transaction.user_id)))
        city, numbers = transaction.city, self._city_numbers
        self._cities.append(-1 if city is None else numbers.setdefault(city, len(numbers)))

    def add_label(self, label: Label) -> None:
        self._labelled.append(_key(label.user_id, label.transaction_id))
        self._known_at.append(label.known_at)
        self._is_fraud.append(label.is_fraud)

    def statistics(self) -> Statistics:
        """Figures as of the snapshot moments and as of the end."""
        return Statistics(format=FORMAT, base_currency=self._money.base_currency, snapshots=tuple(self._snapshots()))

    def _snapshots(self) -> Iterator[Figures]:
        times = np.frombuffer(self._times, np.int64)
        order = np.argsort(times, kind="stable")
        times = times[order]
        amounts = np.frombuffer(self._amounts)[order]
        distances = np.frombuffer(self._distances)[order]
        cities = np.frombuffer(self._cities, np.int64)[order]
        known_at, labelled, is_fraud = self._labels(order)
        names = list(self._city_numbers)
        newest = [int(moments[-1]) for moments in (times, known_at) if len(moments)]
        if not newest:
            return
        end_ms = max(newest) + 1
        outcome = np.full(len(times), -1, np.int8)  # newest label of each transaction: 1 fraud, 0 legitimate, -1 none
        before = done = 0
        for as_of_ms in (*snapshot_moments(times, end_ms), end_ms):
            rows = int(np.searchsorted(times, as_of_ms))
            known = int(np.searchsorted(known_at, as_of_ms))
            if (rows, known) == (before, done):
                continue
            before = rows
            rows_labelled = labelled[done:known]
            is_known = rows_labelled >= 0
            outcome[rows_labelled[is_known]] = is_fraud[done:known][is_known]  # of equal indexes the last one is kept
            done = known
            yield _figures(as_of_ms, amounts[:rows], distances[:rows], cities[:rows], outcome[:rows], names)

    def _labels(self, order: npt.NDArray[np.intp]) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Labels in the order they became known (ties in file order): known_at, index of the transaction, is fraud.

        The index is that in order of time, -1 for an unknown transaction.
        """
        index_in_time = np.empty(len(order), np.int64)
        index_in_time[order] = np.arange(len(order))
        index_of = self._index_of
        indexes = np.array([index_of.get(key, -1) for key in self._labelled], np.int64)
        found = indexes >= 0
        indexes[found] = index_in_time[indexes[found]]
        known_at = np.frombuffer(self._known_at, np.int64)
        by_time = np.argsort(known_at, kind="stable")
        return known_at[by_time], indexes[by_time], np.frombuffer(self._is_fraud, np.int8)[by_time]


def snapshot_moments(times_ms: npt.NDArray[np.int64], end_ms: int) -> Iterator[int]:
    """Moments of the snapshots before the end, epoch milliseconds; `times_ms` int64 [N] ascend.

    The start of each UTC day for four weeks, then of each seventh day, once there are LEAST_TRANSACTIONS.
    """
    if len(times_ms) < LEAST_TRANSACTIONS:
        return
    first_day = int(times_ms[0]) // DAY_MS + 1
    enough_ms = int(times_ms[LEAST_TRANSACTIONS - 1])
    day = first_day
    while day * DAY_MS < end_ms:
        if day * DAY_MS > enough_ms:
            yield day * DAY_MS
        day += 1 if day - first_day < DAILY_FOR_DAYS else LATER_EVERY_DAYS


def collect_statistics(
    path: Path,
    users: Mapping[str, UserProfile],
    money: Money,
    until_ms: int | None = None,
    progress: Progress = no_progress,
) -> StatisticsReport:
    """Statistics of a file of events in one pass, as known at `until_ms` (None: of the whole file).

    A transaction counts if its time is not after `until_ms`, a label if it was known by then. The order of the lines does
    not matter, except that of a repeated transaction the first is used. Raises EventFileError.
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
    return StatisticsReport(collector.statistics(), lines, bad, first_bad)


def smoothed_rate(frauds: int, transactions: int, mean_rate: float) -> float:
    """A city's fraud rate with a prior of `PRIOR_FRAUDS` frauds at the mean rate.

    A city without transactions has the mean rate. To be above 1.5 x the mean, a city needs more than 1.5 x its expected
    frauds + 2.
    """
    if mean_rate == 0:
        return 0.0
    return (frauds + PRIOR_FRAUDS) / (transactions + PRIOR_FRAUDS / mean_rate)


def write_statistics(statistics: Statistics, path: Path) -> None:
    """Write the file atomically; equal statistics give equal bytes."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(statistics), indent=1) + b"\n")
    partial.replace(path)


def _figures(
    as_of_ms: int,
    amounts: npt.NDArray[np.float64],
    distances: npt.NDArray[np.float64],
    cities: npt.NDArray[np.int64],
    outcome: npt.NDArray[np.int8],
    names: list[str],
) -> Figures:
    known_distances = distances[~np.isnan(distances)]
    labels, frauds = int((outcome >= 0).sum()), int((outcome == 1).sum())
    rate = frauds / len(amounts) if labels else None
    return Figures(
        as_of_ms=as_of_ms,
        transactions=len(amounts),
        transactions_with_distance=len(known_distances),
        labels=labels,
        frauds=frauds,
        amount_p95=_quantile(amounts, AMOUNT_QUANTILE),
        km_from_home_p90=_quantile(known_distances, DISTANCE_QUANTILE),
        fraud_rate=rate,
        cities={} if rate is None else _cities(cities, outcome, names, rate),
    )


def _cities(
    cities: npt.NDArray[np.int64], outcome: npt.NDArray[np.int8], names: list[str], rate: float
) -> dict[str, CityFraud]:
    counts = np.bincount(cities[cities >= 0], minlength=len(names)).tolist()
    frauds = np.bincount(cities[(cities >= 0) & (outcome == 1)], minlength=len(names)).tolist()
    return {
        names[number]: CityFraud(counts[number], frauds[number], smoothed_rate(frauds[number], counts[number], rate))
        for number in sorted(range(len(names)), key=names.__getitem__)
        if counts[number]
    }


def _key(user_id: str, transaction_id: str) -> int:
    return int.from_bytes(blake2b(f"{user_id}\0{transaction_id}".encode(), digest_size=8).digest(), "big")


def _km_from_home(transaction: Transaction, user: UserProfile | None) -> float:
    latitude, longitude = transaction.latitude, transaction.longitude
    if user is None or user.home_latitude is None or user.home_longitude is None:
        return np.nan
    if latitude is None or longitude is None:
        return np.nan
    return distance_km(user.home_latitude, user.home_longitude, latitude, longitude)


def _quantile(values: npt.NDArray[np.float64], share: float) -> float | None:
    """The exact quantile, interpolated linearly; None without values."""
    return float(np.quantile(values, share)) if len(values) else None

"""Figures about all users together, for rules to compare with: quantiles of amount and distance, fraud by city.

They are made as of many moments, each from what was known before it, so that a table can be judged by its own past.
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
from udfs.codec import BadRecord, decode_event
from udfs.events import Label, Transaction
from udfs.geo import distance_km
from udfs.money import MissingRate, Money
from udfs.profiles import UserProfile
from udfs.rules.population import FORMAT, CityFraud, Figures, Statistics
from udfs.time_units import DAY_MS

AMOUNT_QUANTILE = 0.95
DISTANCE_QUANTILE = 0.9
PRIOR_FRAUDS = 4
REPORTED_BAD_LINES = 5
DAILY_FOR_DAYS = 28
LATER_EVERY_DAYS = 7
LEAST_TRANSACTIONS = 1_000
"""Before there are so many, a moment on the way gets no figures."""


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
    """State: columns with one entry a transaction or label, so memory grows with the file (130 bytes a transaction)."""

    def __init__(self, users: Mapping[str, UserProfile], money: Money) -> None:
        self._users = users
        self._money = money
        self._place_of: dict[int, int] = {}
        self._city_numbers: dict[str, int] = {}
        self._times = array("q")
        self._amounts = array("d")
        self._distances = array("d")
        self._cities = array("q")
        self._labelled = array("Q")
        self._known_at = array("q")
        self._is_fraud = array("b")

    def add_transaction(self, transaction: Transaction) -> None:
        """Count a transaction once. Raises MissingRate."""
        key = _key(transaction.user_id, transaction.transaction_id)
        if key in self._place_of:
            return
        minor = self._money.base_minor(transaction.amount, transaction.currency, transaction.timestamp)
        self._place_of[key] = len(self._times)
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
        """Figures as of the moments on the way, and as of the end."""
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
        outcome = np.full(len(times), -1, np.int8)  # of each transaction its newest label: 1 fraud, 0 not, -1 none
        before = done = 0
        for as_of_ms in (*moments_on_the_way(times, end_ms), end_ms):
            rows = int(np.searchsorted(times, as_of_ms))
            known = int(np.searchsorted(known_at, as_of_ms))
            if (rows, known) == (before, done):
                continue
            before = rows
            places = labelled[done:known]
            outcome[places[places >= 0]] = is_fraud[done:known][places >= 0]  # of equal places the last one counts
            done = known
            yield _figures(as_of_ms, amounts[:rows], distances[:rows], cities[:rows], outcome[:rows], names)

    def _labels(self, order: npt.NDArray[np.intp]) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """When each label was known, its transaction's place in order of time (-1: there is none) and what it says, in
        the order in which they became known; of two at the same moment, the later in the file is the later one."""
        place_in_time = np.empty(len(order), np.int64)
        place_in_time[order] = np.arange(len(order))
        place_of = self._place_of
        places = np.array([place_of.get(key, -1) for key in self._labelled], np.int64)
        found = places >= 0
        places[found] = place_in_time[places[found]]
        known_at = np.frombuffer(self._known_at, np.int64)
        by_time = np.argsort(known_at, kind="stable")
        return known_at[by_time], places[by_time], np.frombuffer(self._is_fraud, np.int8)[by_time]


def moments_on_the_way(times_ms: npt.NDArray[np.int64], end_ms: int) -> Iterator[int]:
    """Moments between the first transactions and the end, epoch milliseconds: the start of each UTC day for four weeks,
    then of each seventh, from when there are LEAST_TRANSACTIONS. `times_ms` int64 [N] ascend."""
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
    """Statistics over a file of events in one pass, as they could be known at `until_ms` (None: over the whole file).

    A transaction counts if its time is not after `until_ms`, a label if it was known by then; within, each moment's
    figures are of what was known before it. The order of the lines makes no difference, but that of a transaction sent
    twice the first counts. Raises EventFileError.
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
    """The exact quantile, linear between the two nearest values; None of nothing."""
    return float(np.quantile(values, share)) if len(values) else None

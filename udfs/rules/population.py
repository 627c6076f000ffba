"""What rules may know about all users together, as of each moment, from a file that `fraud stats` writes."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from math import inf, nan
from pathlib import Path

import msgspec

from udfs.events import Transaction
from udfs.rules.errors import one_line
from udfs.rules.names import POPULATION_NAMES

FORMAT = "fraud-statistics/2"
FORMAT_1 = "fraud-statistics/1"
"""One set of figures, which counts at any time."""


class PopulationError(ValueError):
    """The statistics file cannot be used; the message says why."""


class CityFraud(msgspec.Struct, frozen=True, gc=False):
    """One city: its transactions, how many of them are known frauds, and the smoothed rate."""

    transactions: int
    frauds: int
    rate: float


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was known before `as_of_ms`: transactions before it, labels that had arrived. None: history did not give it."""

    as_of_ms: int
    transactions: int
    transactions_with_distance: int
    labels: int
    frauds: int
    amount_p95: float | None
    km_from_home_p90: float | None
    fraud_rate: float | None
    cities: dict[str, CityFraud]


class Statistics(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file: figures of ascending moments. Amounts are in major units of `base_currency`, distances in km."""

    format: str
    base_currency: str
    snapshots: tuple[Figures, ...]


class _Statistics1(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of format 1. `as_of_ms` is the newest event time used."""

    format: str
    as_of_ms: int | None
    until_ms: int | None
    base_currency: str
    transactions: int
    transactions_with_distance: int
    labels: int
    frauds: int
    amount_p95: float | None
    km_from_home_p90: float | None
    fraud_rate: float | None
    cities: dict[str, CityFraud]


_Known = tuple[dict[str, float], dict[str | None, float]]
"""The figures by name, and the fraud rates by city."""


class Population:
    """The figures as rules read them at a transaction's time; NaN where not known."""

    def __init__(self, statistics: Statistics | None = None) -> None:
        """Without statistics every figure is unknown, and so is all before the first moment of theirs."""
        self.statistics = statistics
        snapshots = statistics.snapshots if statistics is not None else ()
        is_timeless = statistics is not None and statistics.format == FORMAT_1
        self._starts = [-inf if is_timeless else figures.as_of_ms for figures in snapshots]
        self._known = [(dict.fromkeys(POPULATION_NAMES, nan), {}), *map(_known_of, snapshots)]
        self._from_ms, self._until_ms = inf, -inf
        self._values, self._city_rates = self._known[0]

    @classmethod
    def of_bytes(cls, content: bytes) -> Population:
        """From a statistics file's bytes. Raises PopulationError, whatever the bytes."""
        try:
            version = msgspec.json.decode(content, type=_Version).format
            if version == FORMAT_1:
                return cls(_of_format_1(msgspec.json.decode(content, type=_Statistics1)))
            if version != FORMAT:
                raise PopulationError(
                    f"format is {version[:40]!r}, expected {FORMAT!r}: make it again with `fraud stats`"
                )
            statistics = msgspec.json.decode(content, type=Statistics)
        except PopulationError:
            raise
        except (ValueError, RecursionError) as error:
            raise PopulationError(f"not a statistics file: {one_line(error)}") from None
        for earlier, later in pairwise(statistics.snapshots):
            if later.as_of_ms <= earlier.as_of_ms:
                raise PopulationError(f"as_of_ms must rise: {later.as_of_ms} follows {earlier.as_of_ms}")
        return cls(statistics)

    def inputs(self, event: Transaction) -> dict[str, float]:
        """The figures for one transaction: those of the newest moment that is not after it, with its city looked up.

        The same dict for all transactions of that moment.
        """
        if not self._from_ms <= event.timestamp < self._until_ms:
            self._select(event.timestamp)
        values = self._values
        values["city_fraud_rate"] = self._city_rates.get(event.city, nan)
        return values

    def _select(self, time_ms: int) -> None:
        starts = self._starts
        place = bisect_right(starts, time_ms)
        self._from_ms = starts[place - 1] if place else -inf
        self._until_ms = starts[place] if place < len(starts) else inf
        self._values, self._city_rates = self._known[place]


def load_population(path: Path | None) -> Population:
    """The figures of a statistics file; without a file every figure is unknown. Raises PopulationError."""
    if path is None:
        return Population()
    try:
        return Population.of_bytes(path.read_bytes())
    except OSError as error:
        raise PopulationError(f"{path}: cannot be read: {error.strerror}") from None
    except PopulationError as error:
        raise PopulationError(f"{path}: {error}") from None


class _Version(msgspec.Struct):
    format: str


def _of_format_1(statistics: _Statistics1) -> Statistics:
    figures = {name: getattr(statistics, name) for name in Figures.__struct_fields__ if name != "as_of_ms"}
    as_of_ms = statistics.as_of_ms if statistics.as_of_ms is not None else 0
    return Statistics(
        format=FORMAT_1, base_currency=statistics.base_currency, snapshots=(Figures(as_of_ms=as_of_ms, **figures),)
    )


def _known_of(figures: Figures) -> _Known:
    values = dict.fromkeys(POPULATION_NAMES, nan)
    values["population_amount_p95"] = _known(figures.amount_p95)
    values["population_km_from_home_p90"] = _known(figures.km_from_home_p90)
    values["population_fraud_rate"] = _known(figures.fraud_rate)
    values["statistics_as_of_ms"] = float(figures.as_of_ms)
    return values, {city: fraud.rate for city, fraud in figures.cities.items()}


def _known(value: float | None) -> float:
    return nan if value is None else float(value)

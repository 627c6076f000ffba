"""What rules may know about all users together, from a file that `fraud stats` writes."""

from __future__ import annotations

from math import nan
from pathlib import Path

import msgspec

from udfs.events import Transaction
from udfs.rules.errors import one_line
from udfs.rules.names import POPULATION_NAMES

FORMAT = "fraud-statistics/1"


class PopulationError(ValueError):
    """The statistics file cannot be used; the message says why."""


class CityFraud(msgspec.Struct, frozen=True, gc=False):
    """One city: its transactions, how many of them are known frauds, and the smoothed rate."""

    transactions: int
    frauds: int
    rate: float


class Statistics(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file. A figure that the history did not give is None. `as_of_ms` is the newest event time used."""

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


class Population:
    """The figures as rules read them; NaN where not known."""

    def __init__(self, statistics: Statistics | None = None) -> None:
        """Without statistics every figure is unknown."""
        self.statistics = statistics
        self._values = dict.fromkeys(POPULATION_NAMES, nan)
        self._city_rates: dict[str | None, float] = {}
        if statistics is not None:
            self._values["population_amount_p95"] = _known(statistics.amount_p95)
            self._values["population_km_from_home_p90"] = _known(statistics.km_from_home_p90)
            self._values["population_fraud_rate"] = _known(statistics.fraud_rate)
            self._values["statistics_as_of_ms"] = _known(statistics.as_of_ms)
            self._city_rates.update({city: figures.rate for city, figures in statistics.cities.items()})

    @classmethod
    def of_bytes(cls, content: bytes) -> Population:
        """From a statistics file's bytes. Raises PopulationError, whatever the bytes."""
        try:
            version = msgspec.json.decode(content, type=_Version).format
            if version != FORMAT:
                raise PopulationError(
                    f"format is {version[:40]!r}, expected {FORMAT!r}: make it again with `fraud stats`"
                )
            return cls(msgspec.json.decode(content, type=Statistics))
        except PopulationError:
            raise
        except (ValueError, RecursionError) as error:
            raise PopulationError(f"not a statistics file: {one_line(error)}") from None

    def inputs(self, event: Transaction) -> dict[str, float]:
        """The figures for one transaction: the same dict each time, with the event's city looked up."""
        values = self._values
        values["city_fraud_rate"] = self._city_rates.get(event.city, nan)
        return values


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


def _known(value: float | None) -> float:
    return nan if value is None else float(value)

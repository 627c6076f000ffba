"""Population statistics for rules, as of each moment, read from a file written by `fraud stats`."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import msgspec

from udfs.core import _native
from udfs.records.codec import MAX_TIMESTAMP_MS
from udfs.records.events import Transaction
from udfs.rules.errors import one_line

FORMAT = "fraud-statistics/2"
FORMAT_1 = "fraud-statistics/1"
"""Earlier format: one set of figures, used at any time."""
_EVER_MS = -(2**63)


class PopulationError(ValueError):
    """The statistics file cannot be used; the message gives the cause."""


class CityFraud(msgspec.Struct, frozen=True, gc=False):
    """One city: its transactions, its known frauds and the smoothed fraud rate."""

    transactions: int
    frauds: int
    rate: float


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures from the transactions before `as_of_ms` and the labels known before it. None: not known."""

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
    """The file: figures at ascending moments. Amounts are in major units of `base_currency`, distances in km."""

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


class _Version(msgspec.Struct):
    format: str


_decode_version = msgspec.json.Decoder(_Version).decode
_decode_statistics = msgspec.json.Decoder(Statistics).decode
_decode_statistics_1 = msgspec.json.Decoder(_Statistics1).decode


class Population:
    """The figures for rules at a transaction's time; NaN where not known. `core` is what the scorer evaluates."""

    def __init__(self, statistics: Statistics | None = None) -> None:
        """Figures are unknown before the first snapshot, and always without statistics."""
        self.statistics = statistics
        self.core = _native.PopulationFigures(_snapshots_of(statistics) if statistics is not None else [])

    @classmethod
    def of_bytes(cls, content: bytes) -> Population:
        """Read a statistics file's content. Raises PopulationError for all invalid bytes."""
        try:
            version = _decode_version(content).format
            if version == FORMAT_1:
                return cls(_of_format_1(_decode_statistics_1(content)))
            if version != FORMAT:
                raise PopulationError(
                    f"format is {version[:40]!r}, expected {FORMAT!r}: create it again with `fraud stats`"
                )
            statistics = _decode_statistics(content)
        except PopulationError:
            raise
        except (ValueError, RecursionError) as error:
            raise PopulationError(f"not a statistics file: {one_line(error)}") from None
        if not all(abs(figures.as_of_ms) <= MAX_TIMESTAMP_MS for figures in statistics.snapshots):
            raise PopulationError(f"as_of_ms must be a moment in epoch milliseconds, at most {MAX_TIMESTAMP_MS}")
        for earlier, later in pairwise(statistics.snapshots):
            if later.as_of_ms <= earlier.as_of_ms:
                raise PopulationError(f"as_of_ms must increase: {later.as_of_ms} follows {earlier.as_of_ms}")
        return cls(statistics)

    def inputs(self, event: Transaction) -> dict[str, float]:
        """The figures for one transaction by population name: the newest snapshot at or before its time."""
        return dict(self.core.at(event.timestamp, event.city))


def load_population(path: Path | None) -> Population:
    """Read a statistics file; without a path every figure is unknown. Raises PopulationError."""
    if path is None:
        return Population()
    try:
        return Population.of_bytes(path.read_bytes())
    except OSError as error:
        raise PopulationError(f"{path}: cannot be read: {error.strerror}") from None
    except PopulationError as error:
        raise PopulationError(f"{path}: {error}") from None


def _of_format_1(statistics: _Statistics1) -> Statistics:
    figures = {name: getattr(statistics, name) for name in Figures.__struct_fields__ if name != "as_of_ms"}
    as_of_ms = statistics.as_of_ms if statistics.as_of_ms is not None else 0
    return Statistics(
        format=FORMAT_1, base_currency=statistics.base_currency, snapshots=(Figures(as_of_ms=as_of_ms, **figures),)
    )


def _snapshots_of(statistics: Statistics) -> list[tuple[int, dict[str, float], dict[str, float]]]:
    """From when each counts (epoch milliseconds), its known figures by name, and fraud rates by city."""
    is_timeless = statistics.format == FORMAT_1
    snapshots = []
    for figures in statistics.snapshots:
        values = {
            "population_amount_p95": figures.amount_p95,
            "population_km_from_home_p90": figures.km_from_home_p90,
            "population_fraud_rate": figures.fraud_rate,
            "statistics_as_of_ms": float(figures.as_of_ms),
        }
        known = {name: value for name, value in values.items() if value is not None}
        cities = {city: fraud.rate for city, fraud in figures.cities.items()}
        snapshots.append((_EVER_MS if is_timeless else figures.as_of_ms, known, cities))
    return snapshots

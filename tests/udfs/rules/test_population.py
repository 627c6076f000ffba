"""Population statistics as rules read them."""

from __future__ import annotations

from math import isnan

import msgspec
import pytest

from tests.udfs.rules.conditions import transaction
from udfs.rules.names import POPULATION_NAMES
from udfs.rules.population import (
    FORMAT,
    CityFraud,
    Figures,
    Population,
    PopulationError,
    Statistics,
    load_population,
)

DAY_MS = 86_400_000
START_MS = 1_767_225_600_000
FIGURES = Figures(
    as_of_ms=START_MS, transactions=10, transactions_with_distance=5, labels=4, frauds=2, amount_p95=900.5,
    km_from_home_p90=42.0, fraud_rate=0.2, cities={"Pune": CityFraud(6, 2, 0.25), "Goa": CityFraud(4, 0, 0.125)},
)  # fmt: skip
LATER = msgspec.structs.replace(FIGURES, as_of_ms=START_MS + DAY_MS, amount_p95=1000.0, cities={})
STATISTICS = Statistics(format=FORMAT, base_currency="USD", snapshots=(FIGURES, LATER))


def test_figures_are_read_with_the_rate_of_the_events_city(tmp_path):
    path = tmp_path / "statistics.json"
    path.write_bytes(msgspec.json.encode(STATISTICS))
    population = load_population(path)
    assert population.inputs(transaction(city="Goa", timestamp=START_MS)) == {
        "population_amount_p95": 900.5,
        "population_km_from_home_p90": 42.0,
        "population_fraud_rate": 0.2,
        "city_fraud_rate": 0.125,
        "statistics_as_of_ms": 1_767_225_600_000.0,
    }
    assert population.inputs(transaction(city="Pune", timestamp=START_MS))["city_fraud_rate"] == 0.25
    assert population.statistics == STATISTICS


def test_the_newest_snapshot_at_or_before_a_transaction_is_used():
    population = Population(STATISTICS)
    times = [0, DAY_MS - 1, DAY_MS, 0, -1, 5 * DAY_MS, -1, DAY_MS - 1]
    amounts = [
        population.inputs(transaction(timestamp=START_MS + time_ms))["population_amount_p95"] for time_ms in times
    ]
    assert [None if isnan(amount) else amount for amount in amounts] == [
        900.5, 900.5, 1000.0, 900.5, None, 1000.0, None, 900.5,
    ]  # fmt: skip


def test_before_the_first_snapshot_every_figure_is_unknown():
    inputs = Population(STATISTICS).inputs(transaction(city="Pune", timestamp=START_MS - 1))
    assert tuple(inputs) == POPULATION_NAMES
    assert all(isnan(value) for value in inputs.values())


def test_a_city_missing_in_a_later_snapshot_is_unknown():
    population = Population(STATISTICS)
    assert population.inputs(transaction(city="Pune", timestamp=START_MS))["city_fraud_rate"] == 0.25
    assert isnan(population.inputs(transaction(city="Pune", timestamp=START_MS + DAY_MS))["city_fraud_rate"])


@pytest.mark.parametrize("city", [None, "Agra"])
def test_a_city_without_history_has_no_known_rate(city):
    assert isnan(Population(STATISTICS).inputs(transaction(city=city, timestamp=START_MS))["city_fraud_rate"])


def test_without_a_file_every_figure_is_unknown():
    inputs = load_population(None).inputs(transaction(city="Pune"))
    assert tuple(inputs) == POPULATION_NAMES
    assert all(isnan(value) for value in inputs.values())


def test_a_figure_missing_in_the_file_is_unknown():
    figures = msgspec.structs.replace(FIGURES, km_from_home_p90=None, fraud_rate=None)
    population = Population(msgspec.structs.replace(STATISTICS, snapshots=(figures,)))
    inputs = population.inputs(transaction(city="Pune", timestamp=START_MS))
    assert [name for name, value in inputs.items() if isnan(value)] == [
        "population_km_from_home_p90",
        "population_fraud_rate",
    ]


def test_a_file_of_format_1_is_used_at_any_time(tmp_path):
    path = tmp_path / "statistics.json"
    old = msgspec.structs.asdict(FIGURES) | {
        "format": "fraud-statistics/1",
        "as_of_ms": START_MS,
        "until_ms": None,
        "base_currency": "USD",
    }
    path.write_bytes(msgspec.json.encode(old))
    population = load_population(path)
    for time_ms in (0, START_MS, START_MS + 900 * DAY_MS):
        inputs = population.inputs(transaction(city="Pune", timestamp=time_ms))
        assert (inputs["population_amount_p95"], inputs["city_fraud_rate"]) == (900.5, 0.25)
        assert inputs["statistics_as_of_ms"] == START_MS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a statistics file"),
        (b"\xff", "not a statistics file"),
        (b"[" * 100_000, "not a statistics file"),
        (b'{"format": "fraud-statistics/9"}', "format is 'fraud-statistics/9', expected 'fraud-statistics/2'"),
        (msgspec.json.encode(STATISTICS).replace(b"900.5", b'"x"'), "Expected `float | null`, got `str`"),
        (msgspec.json.encode(STATISTICS)[:-1], "not a statistics file"),
        (
            msgspec.json.encode(msgspec.structs.replace(STATISTICS, snapshots=(LATER, FIGURES))),
            "as_of_ms must increase: 1767225600000 follows 1767312000000",
        ),
    ],
)
def test_an_invalid_file_is_refused_with_its_path(tmp_path, content, message):
    path = tmp_path / "statistics.json"
    path.write_bytes(content)
    with pytest.raises(PopulationError) as refused:
        load_population(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)


def test_a_missing_file_is_refused_with_its_path(tmp_path):
    with pytest.raises(PopulationError, match=r"none\.json: cannot be read: No such file"):
        load_population(tmp_path / "none.json")

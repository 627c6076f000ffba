"""The population's figures as rules read them."""

from __future__ import annotations

from math import isnan

import msgspec
import pytest

from tests.udfs.rules.conditions import transaction
from udfs.rules.names import POPULATION_NAMES
from udfs.rules.population import FORMAT, CityFraud, Population, PopulationError, Statistics, load_population

STATISTICS = Statistics(
    format=FORMAT, as_of_ms=1_767_225_600_000, until_ms=None, base_currency="USD", transactions=10,
    transactions_with_distance=5, labels=4, frauds=2, amount_p95=900.5, km_from_home_p90=42.0, fraud_rate=0.2,
    cities={"Pune": CityFraud(6, 2, 0.25), "Goa": CityFraud(4, 0, 0.125)},
)  # fmt: skip


def test_the_figures_are_read_from_the_file_and_the_rate_is_that_of_the_events_city(tmp_path):
    path = tmp_path / "statistics.json"
    path.write_bytes(msgspec.json.encode(STATISTICS))
    population = load_population(path)
    assert population.inputs(transaction(city="Goa")) == {
        "population_amount_p95": 900.5,
        "population_km_from_home_p90": 42.0,
        "population_fraud_rate": 0.2,
        "city_fraud_rate": 0.125,
        "statistics_as_of_ms": 1_767_225_600_000.0,
    }
    assert population.inputs(transaction(city="Pune"))["city_fraud_rate"] == 0.25
    assert population.statistics == STATISTICS


@pytest.mark.parametrize("city", [None, "Agra"])
def test_a_city_without_history_has_no_known_rate(city):
    assert isnan(Population(STATISTICS).inputs(transaction(city=city))["city_fraud_rate"])


def test_without_a_file_every_figure_is_unknown():
    inputs = load_population(None).inputs(transaction(city="Pune"))
    assert tuple(inputs) == POPULATION_NAMES
    assert all(isnan(value) for value in inputs.values())


def test_a_figure_that_the_history_did_not_give_is_unknown():
    population = Population(msgspec.structs.replace(STATISTICS, km_from_home_p90=None, fraud_rate=None, as_of_ms=None))
    inputs = population.inputs(transaction(city="Pune"))
    assert [name for name, value in inputs.items() if isnan(value)] == [
        "population_km_from_home_p90",
        "population_fraud_rate",
        "statistics_as_of_ms",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a statistics file"),
        (b"\xff", "not a statistics file"),
        (b"[" * 100_000, "not a statistics file"),
        (b'{"format": "fraud-statistics/9"}', "format is 'fraud-statistics/9', expected 'fraud-statistics/1'"),
        (msgspec.json.encode(STATISTICS).replace(b"900.5", b'"x"'), "Expected `float | null`, got `str`"),
        (msgspec.json.encode(STATISTICS)[:-1], "not a statistics file"),
    ],
)
def test_a_broken_file_is_refused_with_its_path(tmp_path, content, message):
    path = tmp_path / "statistics.json"
    path.write_bytes(content)
    with pytest.raises(PopulationError) as refused:
        load_population(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)


def test_a_missing_file_is_refused_with_its_path(tmp_path):
    with pytest.raises(PopulationError, match=r"none\.json: cannot be read: No such file"):
        load_population(tmp_path / "none.json")

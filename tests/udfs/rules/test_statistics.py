"""Population statistics over a file of events, and the statistics file."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest

from models.statistics import (
    BadLine,
    StatisticsReport,
    collect_statistics,
    smoothed_rate,
    snapshot_moments,
    write_statistics,
)
from udfs.records.profiles import UserProfile
from udfs.rules.population import CityFraud, Figures, load_population
from udfs.values.fx_rates import FxRate
from udfs.values.money import Money

T = 1_767_225_600_000
USERS = {"U1": UserProfile(user_id="U1", home_latitude=0.0, home_longitude=0.0), "U2": UserProfile(user_id="U2")}


def paid(number: int, amount: float = 10.0, user: str = "U1", **fields: Any) -> dict[str, Any]:
    return {"transaction_id": f"T{number}", "user_id": user, "timestamp": T + number, "amount": amount, **fields}


def label(number: int, known_at: int, is_fraud: bool, user: str = "U1") -> dict[str, Any]:
    return {
        "type": "label", "event_id": f"L{number}-{known_at}", "transaction_id": f"T{number}", "user_id": user,
        "timestamp": T + number, "known_at": T + known_at, "is_fraud": is_fraud,
    }  # fmt: skip


@pytest.fixture
def collect(tmp_path: Path):
    def run(*events: dict[str, Any] | str, money: Money | None = None, until_ms: int | None = None) -> StatisticsReport:
        path = tmp_path / "events.jsonl"
        path.write_text("".join((event if isinstance(event, str) else json.dumps(event)) + "\n" for event in events))
        return collect_statistics(path, USERS, money or Money(), until_ms)

    return run


def newest(report: StatisticsReport) -> Figures:
    """The figures as of the end."""
    return report.statistics.snapshots[-1]


def test_quantiles_are_exact_over_all_transactions(collect):
    amounts = [float(amount) for amount in range(1, 38)]
    places = [0.0, 0.01, 0.5, 1.0, 3.0, -4.0]
    events = [paid(n, amount) for n, amount in enumerate(amounts)]
    events += [paid(100 + n, 5.0, latitude=0.0, longitude=place) for n, place in enumerate(places)]
    statistics = newest(collect(*events))
    assert statistics.amount_p95 == pytest.approx(np.quantile([*amounts, *[5.0] * 6], 0.95))
    # One degree of the equator is 2 pi 6371.0088 / 360 km.
    assert statistics.km_from_home_p90 == pytest.approx(np.quantile(np.abs(places), 0.9) * 111.19508, rel=1e-6)
    assert (statistics.transactions, statistics.transactions_with_distance) == (43, 6)


def test_a_transaction_without_location_or_home_has_no_distance(collect):
    away = {"latitude": 1.0, "longitude": 1.0}
    statistics = newest(collect(paid(1), paid(2, latitude=1.0), paid(3, user="U2", **away), paid(4, user="U9", **away)))
    assert (statistics.km_from_home_p90, statistics.transactions_with_distance) == (None, 0)


def test_a_repeated_transaction_counts_once(collect):
    statistics = newest(collect(paid(1, 10.0), paid(1, 10.0), paid(1, 99.0, user="U2")))
    assert (statistics.transactions, statistics.amount_p95) == (2, pytest.approx(94.55))


def test_amounts_are_in_the_base_currency(collect):
    money = Money("USD", (FxRate("JPY", 0, "0.01"),))
    report = collect(paid(1, 5000.0, currency="JPY"), paid(2, 50.0, currency="USD"), money=money)
    assert (newest(report).amount_p95, report.statistics.base_currency) == (50.0, "USD")


def test_the_newest_label_of_a_transaction_counts(collect):
    statistics = newest(collect(
        paid(1), paid(2), paid(3), label(1, 10, True), label(2, 10, True), label(2, 20, False), label(3, 20, True),
        label(3, 15, False), label(77, 10, True),
    ))  # fmt: skip
    assert (statistics.labels, statistics.frauds) == (3, 2)
    assert statistics.fraud_rate == pytest.approx(2 / 3)


def test_until_leaves_out_later_transactions_and_labels_not_yet_known(collect):
    events = [paid(1), paid(2), paid(5), label(1, 3, True), label(2, 9, True)]
    early = newest(collect(*events, until_ms=T + 4))
    assert (early.transactions, early.labels, early.frauds) == (2, 1, 1)
    assert early.as_of_ms == T + 3 + 1
    everything = newest(collect(*events))
    assert (everything.transactions, everything.frauds, everything.as_of_ms) == (3, 2, T + 9 + 1)


def test_city_rates_are_smoothed_by_four_frauds_at_the_mean_rate(collect):
    events = [paid(n, city="Pune" if n < 80 else "Goa") for n in range(100)]
    events += [label(n, 500, True) for n in (*range(7), 80)]
    statistics = newest(collect(*events, paid(200), paid(201)))
    mean = 8 / 102
    assert statistics.fraud_rate == pytest.approx(mean)
    assert list(statistics.cities) == ["Goa", "Pune"]
    assert statistics.cities["Pune"] == CityFraud(80, 7, pytest.approx((7 + 4) / (80 + 4 / mean)))
    assert statistics.cities["Goa"] == CityFraud(20, 1, pytest.approx((1 + 4) / (20 + 4 / mean)))


@pytest.mark.parametrize("mean", [0.0005, 0.01, 0.2])
def test_frauds_needed_for_a_city_rate_above_1_5_times_the_mean(mean):
    assert smoothed_rate(0, 0, mean) == pytest.approx(mean)
    for transactions in (1, 10, 300):
        limit = 1.5 * transactions * mean + 2
        assert smoothed_rate(int(limit) + 1, transactions, mean) > 1.5 * mean
        assert smoothed_rate(int(limit), transactions, mean) <= 1.5 * mean * (1 + 1e-12)


def test_a_mean_rate_of_zero_gives_city_rates_of_zero(collect):
    statistics = newest(collect(paid(1, city="Pune"), label(1, 2, False)))
    assert statistics.fraud_rate == 0.0
    assert statistics.cities == {"Pune": CityFraud(1, 0, 0.0)}


def test_no_fraud_rate_without_labels_and_no_snapshot_without_events(collect, tmp_path):
    unlabelled = newest(collect(paid(1, city="Pune")))
    assert (unlabelled.fraud_rate, unlabelled.cities) == (None, {})
    empty = collect().statistics
    assert empty.snapshots == ()
    write_statistics(empty, tmp_path / "statistics.json")
    assert load_population(tmp_path / "statistics.json").statistics == empty


def test_bad_lines_are_counted_and_the_first_ones_reported(collect):
    login = {"type": "login", "event_id": "E", "user_id": "U1", "timestamp": T}
    money = Money("USD", (FxRate("EUR", 0, "1.1"),))
    report = collect("not json", paid(1), login, paid(2, currency="XXX"), "", *["{}"] * 10, paid(3, -1.0), money=money)
    assert (report.lines, report.bad, newest(report).transactions) == (16, 14, 1)
    assert [bad.number for bad in report.first_bad] == [1, 4, 5, 6, 7]
    assert report.first_bad[1] == BadLine(4, f"currency: no FX rate from XXX to USD at {T + 2}")


def test_the_same_events_give_the_same_bytes(collect, tmp_path):
    events = [paid(n, n + 0.5, city=city) for n, city in enumerate(["Pune", "Goa", "São Paulo"] * 3)]
    events.append(label(1, 100, True))
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    write_statistics(collect(*events).statistics, first)
    write_statistics(collect(*events[::-1]).statistics, second)
    assert first.read_bytes() == second.read_bytes()
    assert load_population(first).statistics == collect(*events).statistics
    assert not list(tmp_path.glob("*.partial"))


DAY_MS = 86_400_000


def many_days(days: int, a_day: int, seed: int = 5) -> list[dict[str, Any]]:
    """Payments and labels in random order; labels are up to ten days late, some are corrected."""
    random = Random(seed)
    events = []
    for number in range(days * a_day):
        time_ms = number * DAY_MS // a_day
        made = paid(number, random.uniform(1, 500), city=random.choice(["Pune", "Goa", None]))
        if random.random() < 0.6:
            made |= {"latitude": random.uniform(-5, 5), "longitude": random.uniform(-5, 5)}
        events.append(made | {"timestamp": T + time_ms})
        if random.random() < 0.2:
            known_ms = time_ms + random.randrange(10 * DAY_MS)
            events.append(label(number, known_ms, True) | {"timestamp": T + time_ms})
            if random.random() < 0.3:
                cleared_ms = known_ms + random.randrange(1, 5 * DAY_MS)
                events.append(label(number, cleared_ms, False) | {"timestamp": T + time_ms})
    random.shuffle(events)
    return events


def test_snapshots_equal_the_figures_of_a_file_that_ends_there(collect):
    """Brute force: each snapshot equals the figures of a file with only the lines known before it."""
    events = many_days(days=40, a_day=60)
    snapshots = collect(*events).statistics.snapshots
    assert len(snapshots) > 15
    for figures in snapshots[::4]:
        before = [event for event in events if event.get("known_at", event["timestamp"]) < figures.as_of_ms]
        alone = newest(collect(*before))
        assert figures == msgspec.structs.replace(alone, as_of_ms=figures.as_of_ms)


def test_snapshots_are_daily_for_four_weeks_then_weekly():
    times_ms = np.arange(0, 60 * DAY_MS, DAY_MS // 200, dtype=np.int64) + T + 3_600_000
    days = [(moment_ms - T) / DAY_MS for moment_ms in snapshot_moments(times_ms, T + 60 * DAY_MS)]
    assert days == [*range(6, 30), 36, 43, 50, 57]
    assert list(snapshot_moments(times_ms[:999], T + 60 * DAY_MS)) == []


def test_a_later_label_changes_no_earlier_snapshot(collect):
    events = many_days(days=20, a_day=100)
    before = collect(*events).statistics.snapshots
    newest_ms = max(event.get("known_at", event["timestamp"]) for event in events) - T
    after = collect(*events, label(5, newest_ms + 1, True)).statistics.snapshots
    assert after[: len(before) - 1] == before[:-1]


def test_one_event_far_in_the_future_adds_few_snapshots(collect):
    events = many_days(days=12, a_day=100)
    far = paid(99_999) | {"timestamp": T + 300 * 365 * DAY_MS}
    assert len(collect(*events, far).statistics.snapshots) <= len(collect(*events).statistics.snapshots) + 2

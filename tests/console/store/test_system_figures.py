"""Figures of the page System against counts in plain Python, on both databases."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from console.store import system_figures
from console.store.rows import Batch, DeadLetterRow
from console.store.store import DecisionStore
from tests.console.store.made_records import DAY_MS, START_MS, alert_of, random_records, record
from udfs.records.outputs import Origin

MINUTE_MS = 60_000


def test_decisions_of_each_minute_of_the_last_hour_are_counted(store: DecisionStore) -> None:
    made = [record(number, event_time_ms=START_MS + number * 7_013) for number in range(1_200)]
    store.write(Batch(decisions=made))
    with store.database.read() as connection:
        found = system_figures.decisions_a_minute(connection)
    expected = Counter(one.event_time_ms // MINUTE_MS * MINUTE_MS for one in made)
    last = max(expected)
    assert found == [(last - back * MINUTE_MS, expected[last - back * MINUTE_MS]) for back in reversed(range(60))]


def test_minutes_beyond_the_most_that_is_counted_are_left_out(
    store: DecisionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [record(number, event_time_ms=START_MS + number * 6_000) for number in range(100)]  # ten a minute
    store.write(Batch(decisions=made))
    monkeypatch.setattr(system_figures, "MOST_COUNTED", 25)
    with store.database.read() as connection:
        found = system_figures.decisions_a_minute(connection)
    assert found == [(START_MS + minute * MINUTE_MS, 10) for minute in (8, 9)]


def test_alerts_of_each_day_are_counted_open_and_closed(store: DecisionStore) -> None:
    made = [one for one in random_records(5, 3_000) if one.action != "allow"]
    store.write(Batch(decisions=made, alerts=[alert_of(one) for one in made]))
    with store.database.read() as connection:
        found = system_figures.alerts_a_day(connection)
    expected = Counter(one.event_time_ms // DAY_MS * DAY_MS for one in made)
    last = max(expected)
    assert found == [(last - back * DAY_MS, expected[last - back * DAY_MS]) for back in reversed(range(30))]


def test_dead_letters_are_told_by_reason_with_their_bytes(store: DecisionStore) -> None:
    reasons = ["bad_record"] * 5 + ["missing_rate"] * 3 + ["control"]
    letters = [
        DeadLetterRow(
            letter_id=f"L{number}", recorded_ms=START_MS + number, reason=reason, payload=b"\x00" * (number + 1),
            payload_sha256="0" * 64, origin=Origin("events", "0", number),
        )
        for number, reason in enumerate(reasons)
    ]  # fmt: skip
    store.write(Batch(dead_letters=letters))
    with store.database.read() as connection:
        found = system_figures.letter_reasons(connection)
    assert found == [("bad_record", 5, 1 + 2 + 3 + 4 + 5), ("missing_rate", 3, 6 + 7 + 8), ("control", 1, 9)]


def test_degradation_is_that_of_the_newest_decisions(store: DecisionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = ("ok", "stale", "degraded", "not_configured")
    made = [
        msgspec.structs.replace(one, enrichment=statuses[number % 7 % 4])
        for number, one in enumerate(random_records(9, 900))
    ]
    store.write(Batch(decisions=made))
    monkeypatch.setattr(system_figures, "NEWEST_DECISIONS", 400)
    with store.database.read() as connection:
        found = system_figures.degradation(connection)
    newest = sorted(made, key=lambda one: (one.event_time_ms, one.decision_id))[-400:]
    assert found.decisions == 400
    assert dict(found.by_enrichment) == Counter(one.enrichment for one in newest)
    assert found.late == sum(one.late for one in newest)
    assert found.stale_history == sum(one.stale_history for one in newest)
    assert found.low_coverage == sum("low_coverage" in one.tags for one in newest)


def test_an_empty_store_has_no_figures(store: DecisionStore) -> None:
    with store.database.read() as connection:
        assert system_figures.decisions_a_minute(connection) == []
        assert system_figures.alerts_a_day(connection) == []
        assert system_figures.letter_reasons(connection) == []
        assert system_figures.degradation(connection) == (0, [], 0, 0, 0)

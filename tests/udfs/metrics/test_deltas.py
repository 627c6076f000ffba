"""Increments add up to the totals, whenever they are reported."""

from __future__ import annotations

import random

import pytest

from udfs.metrics.deltas import DeltaReporter


def test_each_report_adds_the_increase_since_the_last_one() -> None:
    added: list[tuple[str, int]] = []
    reporter = DeltaReporter[str](lambda name, increment: added.append((name, increment)))
    reporter.report("late", 3)
    reporter.report_all([("late", 3), ("hits", 1)])
    reporter.report_all([("late", 10), ("hits", 1), ("misses", 0)])
    assert added == [("late", 3), ("hits", 1), ("late", 7)]


def test_a_temporarily_decreasing_total_is_not_counted_twice() -> None:
    """total      5    3    4    6      a difference of two counts, one of which is ahead
    increment  5    -    -    1"""
    added: list[int] = []
    reporter = DeltaReporter[str](lambda _, increment: added.append(increment))
    for total in (5, 3, 4, 6):
        reporter.report("ok", total)
    assert added == [5, 1]


def test_a_failed_increment_is_part_of_the_next_report() -> None:
    added: list[int] = []
    fails = [False, True, False]

    def add(_: str, increment: int) -> None:
        if fails.pop(0):
            raise ConnectionError("refused")
        added.append(increment)

    reporter = DeltaReporter[str](add)
    reporter.report("records", 2)
    with pytest.raises(ConnectionError, match="refused"):
        reporter.report("records", 5)
    reporter.report("records", 6)
    assert added == [2, 4]


def test_sums_of_increments_equal_random_totals() -> None:
    source = random.Random(7)
    sums: dict[tuple[str, int], int] = {}

    def add(key: tuple[str, int], increment: int) -> None:
        assert increment > 0
        sums[key] = sums.get(key, 0) + increment

    reporter = DeltaReporter[tuple[str, int]](add)
    totals = {(name, label): 0 for name in ("a", "b") for label in range(3)}
    for _ in range(200):
        for key in totals:
            totals[key] += source.choice((0, 0, 1, 5))
        reporter.report_all(item for item in totals.items() if source.random() < 0.5)
        assert all(sums.get(key, 0) <= total for key, total in totals.items())
    reporter.report_all(totals.items())
    assert sums == totals

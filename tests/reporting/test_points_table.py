"""The table of fraud rates by points, against values computed by hand."""

from __future__ import annotations

from math import exp, log
from pathlib import Path

import msgspec
import numpy as np
import pytest

from reporting.html import report_html
from reporting.points_table import MOST_BANDS, points_rows, rate_at
from reporting.run_files import read_run
from reporting.summary import summarize
from tests.reporting.made_runs import decision, truth_of, write_run
from tests.reporting.page import Page
from udfs.rules.rule_map import RuleMap
from udfs.scoring.input_coverage import GroupCoverage, InputCoverage

MAP = RuleMap("bank", 3, "c", (0, 50, 100), (0.01, 0.02, 0.2), 1_000, 30)
MADE = [
    decision(0, risk_score=10),
    decision(1, risk_score=30, points=10, hits=["a"]),
    decision(2, risk_score=50, points=49, hits=["a"]),
    decision(3, risk_score=400, points=50, hits=["a"]),
    decision(4, risk_score=600, points=170, hits=["a"]),
]
TRUTH = [truth_of(made, is_fraud) for made, is_fraud in zip(MADE, (False, False, True, False, True), strict=True)]


def test_bands_start_at_the_maps_points(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", list(MADE), TRUTH))
    rows = points_rows(run.decisions, run.outcomes, MAP)
    assert [(row.first, row.last, row.transactions) for row in rows] == [
        (0, 0, 1), (1, 49, 2), (50, 99, 1), (100, None, 1),
    ]  # fmt: skip
    assert [row.predicted for row in rows] == pytest.approx([0.01, 0.04, 0.4, 0.6])
    assert [row.observed for row in rows] == [0.0, 0.5, 0.0, 1.0]
    assert [row.map_rate for row in rows][2:] == pytest.approx([0.02, 0.2])


def test_the_map_is_interpolated_in_log_odds() -> None:
    middle = (log(0.01 / 0.99) + log(0.02 / 0.98)) / 2
    found = rate_at(MAP, np.array([0, 25, 50, 100, 500]))
    assert found == pytest.approx([0.01, 1 / (1 + exp(-middle)), 0.02, 0.2, 0.2])


def test_without_truth_or_map_their_columns_are_none(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", list(MADE)))
    rows = points_rows(run.decisions, None, None)
    assert {(row.map_rate, row.observed) for row in rows} == {(None, None)}
    assert sum(row.transactions for row in rows) == 5


def test_a_map_of_many_points_gives_at_most_the_allowed_bands(tmp_path: Path) -> None:
    points = tuple(range(0, 400, 4))
    rates = tuple(0.001 + 0.001 * number for number in range(len(points)))
    made = [decision(number, points=number, hits=["a"]) for number in range(400)]
    run = read_run(write_run(tmp_path / "run", list(made)))
    rows = points_rows(run.decisions, None, msgspec.structs.replace(MAP, points=points, rates=rates))
    assert len(rows) <= MOST_BANDS + 2
    assert sum(row.transactions for row in rows) == 400


def test_the_page_shows_the_rule_map_and_missing_inputs(tmp_path: Path) -> None:
    groups = (GroupCoverage("device", 0.8, 0.1, 0.25, "device_id"), GroupCoverage("city", 0.5, 0.5, 0.1, "city"))
    coverage = InputCoverage(transactions=5, expected=0.7, floor=0.3, below_floor=0.2, groups=groups)
    facts = msgspec.to_builtins({"rule_map": MAP, "input_coverage": coverage, "seconds": 1.0})
    run = read_run(write_run(tmp_path / "run", list(MADE), TRUTH, facts=facts))
    summary = summarize(run)
    page = Page(report_html(run, summary))
    assert page.values["points-table"][1:] == [
        [row.transactions, row.map_rate, row.predicted, row.observed] for row in summary.points
    ]
    assert page.values["coverage-table"][1:] == [[0.8, 0.1, 0.25]]
    assert [name for name, _ in run.facts.all] == ["seconds"]


def test_the_page_notes_a_missing_rule_map(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", list(MADE)))
    assert "its points count with caution" in report_html(run, summarize(run))

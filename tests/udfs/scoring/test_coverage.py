"""Coverage by known input groups."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from udfs.scoring import coverage as module
from udfs.scoring.coverage import Coverage

NAN = np.nan
GROUPS = {"device": (1, 2), "profile": (2, 3), "never": (5,)}
IMPORTANCE = (0.1, 0.2, 0.3, 0.15, 0.05, 0.2)


def shares(*rows: list[float]) -> list[float]:
    return Coverage(GROUPS, IMPORTANCE).of_rows(np.array(rows, np.float32))


def test_a_feature_of_two_groups_requires_both() -> None:
    # 0 and 4 need nothing: .15. Device known by feature 1 alone counts 1: .2; 2 needs the profile too.
    assert shares([1, 1, NAN, NAN, 1, NAN]) == pytest.approx([0.35])
    assert shares([1, NAN, 1, NAN, 1, NAN]) == pytest.approx([0.8])
    assert shares([NAN, NAN, NAN, NAN, NAN, NAN]) == pytest.approx([0.15])
    assert shares([1, 1, 1, 1, 1, 1]) == pytest.approx([1.0])


def test_a_user_without_history_has_full_coverage() -> None:
    assert shares([NAN, 1, NAN, 1, NAN, 1]) == pytest.approx([1.0])


def test_infinite_values_are_known() -> None:
    assert shares([1, np.inf, NAN, -np.inf, 1, 1]) == pytest.approx([1.0])


def test_every_combination_of_groups_matches_a_direct_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_CACHED_PATTERNS", 20)  # clearing the cache makes no difference
    random = np.random.default_rng(1)
    groups = {f"g{number}": tuple(random.choice(40, 5, replace=False).tolist()) for number in range(8)}
    importance = random.random(40)
    measure = Coverage(groups, importance)
    rows, expected = [], []
    for count in range(9):
        for lost in combinations(groups, count):
            unknown = sorted({place for group in lost for place in groups[group]})
            row = np.ones(40, np.float32)
            row[unknown] = NAN
            really = [group for group, places in groups.items() if set(places) <= set(unknown)]
            places = {place for group in really for place in groups[group]}
            rows.append(row)
            expected.append(1.0 - sum(importance[place] for place in places) / importance.sum())
    assert measure.of_rows(np.array(rows)) == pytest.approx(expected)
    assert [measure.of_rows(row[None])[0] for row in rows] == measure.of_rows(np.array(rows))


def test_without_groups_or_importance_coverage_is_1() -> None:
    row = np.full((2, 3), NAN, np.float32)
    assert Coverage({}, (0.2, 0.3, 0.5)).of_rows(row) == [1.0, 1.0]
    assert Coverage({"device": (0,)}, (0.0, 0.0, 0.0)).of_rows(row) == [1.0, 1.0]

"""Live and shadow rules by their labels: counts against pandas, and the statistics against their definitions."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from cli.main import main
from console.store.intake_run import read_run
from console.store.store import DecisionStore
from models.backtest.confidence_sequence import share_bounds
from models.backtest.labels import DAY_MS, FRAUD, LEGITIMATE
from models.backtest.paired import differences, mcnemar, paired
from models.backtest.wilson import share
from tests.console.conftest import postgresql
from tests.console.store.conftest import new_url
from tests.models.backtest.runs import decisions_of, events_of

__all__ = ["new_url", "postgresql"]


def effectiveness(*arguments: str | Path) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["rules", "effectiveness", *map(str, arguments), "--format", "json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("kind", ["files", "sqlite", "postgresql"])
def test_hits_are_joined_with_labels_as_pandas_joins_them(
    kind: str, shadowed: Path, history: Path, new_url: Callable[[str], str]
) -> None:
    place: str | Path = shadowed
    if kind != "files":
        place = new_url(kind)
        store = DecisionStore.open(place)
        read_run(store, shadowed)
        store.close()
    found = effectiveness("--over", place)
    assert found == effectiveness("--over", shadowed)
    labels = pd.DataFrame(events_of(history, "label")).sort_values("known_at", kind="stable")
    newest = labels.groupby(["user_id", "transaction_id"]).is_fraud.last().to_dict()
    frame = pd.DataFrame(
        {
            "user": one["user_id"], "amount": one["features"]["amount"], "live": one["action"] != "allow",
            "outcome": newest.get((one["user_id"], one["transaction_id"])), "hits": one["rules"]["hits"],
            "next": one["shadow"][0] if "shadow" in one else None, "time": one["event_time_ms"],
        }
        for one in decisions_of(shadowed)
    )  # fmt: skip
    is_old = frame.time + 30 * DAY_MS <= found["horizon_ms"]
    frame["outcome"] = [False if one is None and old else one for one, old in zip(frame.outcome, is_old, strict=True)]
    assert [item["set"] for item in found["shadows"]] == ["next", "other"]
    asked = frame[frame.next.notna()].copy()
    asked["shadow"] = [one["action"] != "allow" for one in asked.next]
    for effect, part, hits in (
        (found["live"], frame, frame.hits),
        (found["shadows"][0], asked, asked.next.map(lambda one: one["hits"])),
    ):
        assert effect["payments"] == len(part)
        assert {rule["id"] for rule in effect["rules"]} == {rule for of_one in hits for rule in of_one}
        for rule in effect["rules"]:
            hit = part[np.array([rule["id"] in of_one for of_one in hits], bool)]
            frauds = [value is True for value in hit.outcome]
            legitimate = [value is False for value in hit.outcome]
            assert (rule["hits"], rule["frauds"], rule["legitimate"]) == (len(hit), sum(frauds), sum(legitimate))
            assert rule["amount_caught"] == pytest.approx(hit[np.array(frauds, bool)].amount.sum())
            assert rule["amount_wrong"] == pytest.approx(hit[np.array(legitimate, bool)].amount.sum())
    comparison = found["shadows"][0]["comparison"]
    known = asked[[value in (True, False) for value in asked.outcome]]
    assert comparison["payments"] == len(known)
    for name, value in (("frauds", True), ("legitimate", False)):
        part = known[[outcome is value for outcome in known.outcome]]
        pair = comparison[name]
        counts = pd.crosstab(part.live, part.shadow).reindex(index=[True, False], columns=[True, False], fill_value=0)
        assert [pair["both"], pair["live_only"]] == counts.loc[True].tolist()
        assert [pair["shadow_only"], pair["neither"]] == counts.loc[False].tolist()
        first = part[part.live != part.shadow].sort_values("time", kind="stable").drop_duplicates("user")
        assert (pair["users_live"], pair["users_shadow"]) == (first.live.sum(), first.shadow.sum())
        if pair["live_only"] + pair["shadow_only"]:
            expected = binomtest(pair["live_only"], pair["live_only"] + pair["shadow_only"]).pvalue
            assert pair["p_value"] == pytest.approx(expected)
    caught, precision, money, wrong = comparison["differences"]
    frauds = known[[outcome is True for outcome in known.outcome]]
    assert (caught["live"], caught["shadow"]) == pytest.approx((frauds.live.mean(), frauds.shadow.mean()))
    alerts = known[known.shadow]
    assert precision["shadow"] == pytest.approx(np.mean([outcome is True for outcome in alerts.outcome]))
    assert money["live"] == pytest.approx(frauds[frauds.live].amount.sum())
    assert wrong["low"] <= wrong["difference"] <= wrong["high"]
    failed = sum("shadow" in one and one["shadow"][1]["action"] is None for one in decisions_of(shadowed))
    assert (found["shadows"][1]["failed"], found["shadows"][1]["payments"]) == (failed, len(asked) - failed)
    assert failed > 100
    other = found["shadows"][1]["comparison"]
    assert (other["frauds"]["both"], other["frauds"]["shadow_only"]) == (0, 0)


def test_labels_and_payments_after_until_do_not_count(shadowed: Path) -> None:
    times = [decision["event_time_ms"] for decision in decisions_of(shadowed)]
    until = pd.Timestamp(int(np.median(times)), unit="ms").floor("s")
    found = effectiveness("--over", shadowed, "--until", until.strftime("%Y-%m-%dT%H:%M:%S"))
    assert found["payments"] == sum(time <= until.value // 1_000_000 for time in times)
    assert found["frauds"] < effectiveness("--over", shadowed)["frauds"]


def test_the_table_names_sets_and_verdicts(shadowed: Path, live_run: Path) -> None:
    shown = CliRunner().invoke(main, ["rules", "effectiveness", "--over", str(shadowed)])
    assert shown.exit_code == 0, shown.output
    for text in ("live, version 3", "next, version 4", "McNemar-p", "late_hour", "shadow - live"):
        assert text in shown.stdout
    bare = CliRunner().invoke(main, ["rules", "effectiveness", "--over", str(live_run)])
    assert bare.stdout.endswith("no decision has results of shadow rules\n")


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_test(one, other):
    expected = binomtest(one, one + other).pvalue if one + other else 1.0
    assert mcnemar(one, other) == pytest.approx(expected, rel=1e-9)


def test_many_discordant_pairs_are_tested_by_the_normal_approximation() -> None:
    assert mcnemar(900, 1_000) == pytest.approx(binomtest(900, 1_900).pvalue, rel=0.02)


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilson_intervals_are_those_of_scipy(part, more):
    whole = part + more
    expected = binomtest(part, whole).proportion_ci(method="wilson")
    found = share(part, whole)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_bounds_are_where_the_mixture_reaches_its_limit(successes, failures):
    bounds, n = share_bounds(successes, failures), successes + failures
    assert 0.0 <= bounds.low <= (successes / n if n else 0.5) <= bounds.high <= 1.0
    for p in (bounds.low, bounds.high):
        if 0.0 < p < 1.0:
            # B(s + 1, f + 1) = 1 / ((n + 1) C(n, s)), against the likelihood of p
            ratio = 1 / ((n + 1) * comb(n, successes)) / (p**successes * (1 - p) ** failures)
            assert ratio == pytest.approx(20.0, rel=1e-6)


@pytest.mark.parametrize("p", [0.05, 0.5])
def test_bounds_that_are_looked_at_all_the_time_are_wrong_in_5_percent(p: float) -> None:
    random = np.random.default_rng(7)
    wrong_bounds = wrong_intervals = 0
    for _ in range(400):
        drawn = np.cumsum(random.random(400) < p)
        looks = range(10, 401, 10)
        wrong_bounds += any(
            not (found := share_bounds(int(drawn[n - 1]), n - int(drawn[n - 1]))).low <= p <= found.high for n in looks
        )
        wrong_intervals += any(
            not (found := share(int(drawn[n - 1]), n)).low <= p <= found.high
            for n in looks  # type: ignore[operator]
        )
    assert wrong_bounds / 400 <= 0.05
    assert wrong_intervals / 400 > 0.15  # what the bounds are for


def test_the_difference_of_two_sets_counts_users_not_payments() -> None:
    """One user with many payments tells as much as one user."""
    users = np.concatenate([np.zeros(200, np.int64), np.arange(1, 41)])
    outcome = np.full(240, FRAUD)
    live, shadow = np.zeros(240, bool), np.zeros(240, bool)
    live[200:220] = True
    shadow[:200] = shadow[220:] = True
    money = np.full(240, 1_000)
    caught = differences(live, shadow, outcome, money, users)[0]
    assert (caught.live, caught.shadow) == (20 / 240, 220 / 240)
    assert caught.low is not None
    assert caught.low < 0.15 < 0.85 < caught.high  # the one user may be missing
    pair = paired(live, shadow, users, np.arange(240), 240)
    assert (pair.live_only, pair.shadow_only, pair.users_live, pair.users_shadow) == (20, 220, 20, 21)
    assert pair.verdict == "undecided"
    assert pair.p_value < 1e-6  # which is wrong about so few users: what the bounds are for


def test_a_figure_that_is_undefined_has_no_difference() -> None:
    legitimate, nothing = np.array([LEGITIMATE]), np.zeros(1, bool)
    found = differences(nothing, nothing, legitimate, np.array([5]), np.array([0]))
    assert [(one.name, one.difference) for one in found[:2]] == [("fraud caught", None), ("precision", None)]
    assert differences(nothing[:0], nothing[:0], legitimate[:0], np.array([], int), np.array([], int))[0].live is None

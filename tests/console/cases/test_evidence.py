"""What the alert's page tells, against plain definitions: parts of the score, usual values, windows, conditions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from console.cases.conditions import Given, parts_of
from console.cases.links import graph_of_party, graph_of_user, links_of_alert, shared_by
from console.cases.rule_results import RuleResult
from console.cases.user_day import payments_of_day, window_sums
from console.cases.usual import UsualValues
from console.store.store import DecisionStore
from console.web.drawings import BAR_LEFT, BAR_WIDTH, placed, waterfall
from tests.console.store.made_records import record
from tests.console.web.seeding import HOUR_MS, NAMES, fill, payments
from udfs.features.catalogue import NAMES as ALL_NAMES
from udfs.records.outputs import Reason

NOW_MS = 1_767_700_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecisionStore]:
    folder: Path = tmp_path_factory.mktemp("evidence")
    opened = DecisionStore.open(f"sqlite:///{folder / 'store.sqlite'}", {"e" * 16: NAMES})
    fill(opened, NOW_MS)
    yield opened
    opened.close()


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_interval_is_wilsons(frauds: int, others: int) -> None:
    found = RuleResult(rule="r", hits=0, frauds=frauds, others=others, amounts={}).interval
    if frauds + others == 0:
        assert found is None
        return
    expected = binomtest(frauds, frauds + others).proportion_ci(0.95, method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


weights = st.lists(st.floats(-400, 900, allow_nan=False), max_size=8)


@given(weights, st.integers(0, 1000))
def test_bars_begin_where_the_one_before_ended_and_sum_to_the_score(points: list[float], score: int) -> None:
    reasons = [Reason("trees", f"f{number}", "words", one) for number, one in enumerate(points)]
    bars = waterfall(record(1, risk_score=score, reasons=reasons), "other", "total")
    *parts, total = bars
    assert total.points == score
    assert abs(sum(bar.points for bar in parts) - score) < 0.5
    assert all(bar.left >= BAR_LEFT - 0.01 and bar.left + bar.width <= BAR_LEFT + BAR_WIDTH + 2 for bar in bars)
    for before, after in pairwise(parts):
        end = before.left + (before.width if before.points >= 0 else 0)
        start = after.left + (0 if after.points >= 0 else after.width)
        assert abs(end - start) < 3.1  # bars are at least 1.5 wide


def test_usual_values_are_percentiles_of_what_came_before(store: DecisionStore) -> None:
    records, _ = payments(NOW_MS)
    made = records[60]
    decision = store.decision(made.decision_id)
    assert decision is not None
    usual = UsualValues(store.database, lambda: NOW_MS)
    mine = [one for one in records if one.user_id == made.user_id and one.event_time_ms < made.event_time_ms]
    for ranges, of in ((usual.of_user(decision), mine), (usual.of_all(decision), records)):
        assert ranges.payments == len(of)
        for name in NAMES:
            known = [one.features[name] for one in of if one.features[name] is not None]
            assert (ranges.by_name[name].low, ranges.by_name[name].high) == pytest.approx(
                np.percentile(known, [10, 90])
            )
    first = store.decision(records[0].decision_id)
    assert first is not None
    assert usual.of_user(first).by_name == {}


def test_windows_hold_what_came_within_them(store: DecisionStore) -> None:
    records, _ = payments(NOW_MS)
    made = records[66]
    decision = store.decision(made.decision_id)
    assert decision is not None
    day = payments_of_day(store, decision)
    end = made.event_time_ms
    for sums, width in zip(window_sums(day, decision), (HOUR_MS // 12, HOUR_MS, 24 * HOUR_MS), strict=True):
        inside = [one for one in records if one.user_id == made.user_id and end - width < one.event_time_ms <= end]
        assert (sums.payments, sums.amount) == (len(inside), pytest.approx(sum(one.amount for one in inside)))
    assert day[0].decision_id == made.decision_id


def test_shared_parties_count_other_alerts_and_users(store: DecisionStore) -> None:
    records, events = payments(NOW_MS)
    by_id: dict[str, Any] = {
        made.decision_id: event for made, event in zip(records, events, strict=True) if made.action != "allow"
    }
    chosen = records[24]
    parties = links_of_alert(store.database, chosen.decision_id, chosen.event_time_ms)
    own = by_id[chosen.decision_id]
    assert set(parties) == {("device", own.device_id), ("merchant", own.merchant_id)}
    for one in shared_by(store.database, parties, chosen.decision_id, chosen.user_id):
        field = f"{one.kind}_id"
        others = [
            event for key, event in by_id.items() if getattr(event, field) == one.value and key != chosen.decision_id
        ]
        users = {event.user_id for event in others} - {chosen.user_id}
        assert (one.alerts, one.users) == (len(others), len(users))
    graph = graph_of_user(store.database, chosen.user_id)
    assert set(graph.users) == {event.user_id for event in by_id.values()}
    assert graph.users[0] == chosen.user_id
    nodes, edges, _ = placed(graph, ("user", chosen.user_id))
    assert len(edges) == len(graph.edges)
    assert [node.value for node in nodes if node.is_this] == [chosen.user_id]
    of_device = graph_of_party(store.database, "device", "D0")
    assert set(of_device.users) == {event.user_id for event in by_id.values() if event.device_id == "D0"}


def test_parts_of_a_condition_have_the_values_they_were_given() -> None:
    event = {"channel": "ecommerce", "currency": "EUR"}
    features = dict.fromkeys(ALL_NAMES, 0.0) | {"amount": 900.0, "is_new_device": None}
    parts = parts_of('amount > 500 and channel in ["ecommerce", "app"] and is_new_device', ALL_NAMES, features, event)
    assert [part.given for part in parts] == [
        [Given("amount", 900.0)], [Given("channel", "ecommerce")], [Given("is_new_device", None)],
    ]  # fmt: skip
    assert parts[0].condition == "amount > 500"
    assert parts_of("not a condition (", ALL_NAMES, features, event) == [parts_of("not a condition (", [], {}, None)[0]]

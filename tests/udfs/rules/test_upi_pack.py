"""Hits and points of the UPI pack for random events, late and repeated ones among them, compared with the pandas oracle."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from models.default_bundle import DEFAULT_BUNDLE
from models.replay import replay_outputs
from tests.oracle.upi_pack import OF_LOGINS, POINTS, hits
from udfs.features.catalogue import NAMES
from udfs.records.outputs import Decision, Duplicate
from udfs.rules.pack_files import rule_set_of, shipped_pack
from udfs.rules.rulebook import rule_problems
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

START = 1_767_225_600_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def random_events(seed: int, users: int, count: int) -> list[dict[str, Any]]:
    """Payments and logins on a grid of minutes, in order of arrival; 1 % are later than a day, 3 % come twice."""
    pick = random.Random(seed)
    arriving: list[tuple[int, dict[str, Any]]] = []
    for user in range(users):
        t = START + pick.randrange(DAY) // MINUTE * MINUTE
        for number in range(count):
            t += pick.choice([0, 1, 5, 10, 20, 30, 60, 61, 180, 600, 1440, 2000]) * MINUTE
            event: dict[str, Any] = {
                "user_id": f"U{user}", "timestamp": t,
                "city": pick.choice(["Pune", "Pune", "Pune", "Delhi", "Agra", None]),
                "device_id": pick.choice(["D1", "D1", "D1", "D2", "D3", None]),
            }  # fmt: skip
            if pick.random() < 0.35:
                event |= {"type": "login", "event_id": f"L{user}-{number}", "success": pick.random() < 0.7}
            else:
                amount = pick.choice([10.0, 12.5, 20.0, 25.01, 90.0, 100.1, round(pick.lognormvariate(3, 1), 2)])
                event |= {"type": "transaction", "transaction_id": f"T{user}-{number}", "amount": amount}
            event = {name: value for name, value in event.items() if value is not None}
            delay = pick.choice([30 * MINUTE, 3 * HOUR, 20 * HOUR]) if pick.random() < 0.05 else 0
            if pick.random() < 0.01:
                delay = 30 * HOUR
            arriving.append((t + delay, event))
            if pick.random() < 0.03:
                arriving.append((t + delay + pick.randrange(HOUR), event))
    return [event for _, event in sorted(arriving, key=lambda item: item[0])]


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return random_events(seed=3, users=60, count=100)


def decided(events: list[dict[str, Any]], folder: Path, rules: str) -> list[Decision]:
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    logs = MemoryUserLogs()
    paths = ScorerPaths(bundle=str(DEFAULT_BUNDLE), rules=rules)
    scorer = open_scorer(ScorerConfig(log_features="none"), paths, logs)
    decode = msgspec.json.Decoder(Decision | Duplicate).decode
    outputs = replay_outputs(path, scorer, logs)
    records = [decode(output.value) for output in outputs if output.destination == "decisions"]
    return [record for record in records if isinstance(record, Decision)]


def test_hits_and_points_agree_with_the_oracle(events, tmp_path):
    expected = hits(events)
    decisions = decided(events, tmp_path, "upi")
    assert [(one.user_id, one.transaction_id) for one in decisions] == list(
        zip(expected["user_id"], expected["transaction_id"], strict=True)
    )
    disagreements: Counter[tuple[str, bool, str]] = Counter()
    for row, decision in zip(expected.to_dict("records"), decisions, strict=True):
        compared = [rule for rule in POINTS if not (row["late"] and rule in OF_LOGINS)]
        if row["logins_forgotten"] and "login_city_changed" in compared:
            compared.remove("login_city_changed")
        found = {rule for rule in compared if row[rule]}
        hit = set(decision.rules.hits) & set(compared)
        disagreements.update((rule, rule in found, decision.transaction_id) for rule in found ^ hit)
        if found == hit and len(compared) == len(POINTS):
            assert decision.rules.points == sum(POINTS[rule] for rule in found)
    assert not disagreements
    assert expected[list(POINTS)].any().all(), "every rule hits somewhere"
    assert expected["late"].sum() > 10
    assert len(expected) < sum(event["type"] == "transaction" for event in events), "some came twice"


def test_beside_the_bank_pack_the_same_rules_hit(events, tmp_path):
    own = [one.rules.hits for one in decided(events[:3_000], tmp_path, "upi")]
    both = decided(events[:3_000], tmp_path, "bank,upi")
    assert [[hit for hit in one.rules.hits if hit in POINTS] for one in both] == own
    assert {one.rules.version for one in both} == {shipped_pack("bank").version + shipped_pack("upi").version}


def test_the_pack_is_valid_and_has_the_rules_of_the_table():
    assert rule_problems(shipped_pack("upi"), NAMES) == []
    assert {rule.id: rule.points for rule in shipped_pack("upi").rules} == POINTS
    assert rule_problems(rule_set_of("bank,upi,compliance"), NAMES) == []

"""Figures of rules against plain loops over the same decisions."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from console.cases.case_store import CaseStore
from console.cases.queue import QueueFilters, QueueOrder
from console.cases.rule_results import RuleResults
from console.decides_with import DecidesWith
from console.rules.shadow_results import ShadowResults
from console.rules.unique_catches import unique_catches
from console.store.rows import Batch, DecisionRecord
from console.store.store import DecisionStore
from jobs.config.value_types import shipped_bundle
from tests.console.store.made_records import DAY_MS, START_MS, alert_of, record
from udfs.records.outputs import ACTIONS, Reason, RuleScore, ShadowScore
from udfs.rules.pack_files import shipped_pack
from udfs.scoring.bundle import read_manifest
from udfs.scoring.decision_settings import DecisionSettings

RULES = ("burst", "night", "far")
SETTINGS = DecisionSettings(refer_above=300, soft_challenge_above=600, hard_block_above=800)
NOW_MS = START_MS + 2 * DAY_MS


def made(random: Random, number: int) -> DecisionRecord:
    probability = random.choice([0.001, 0.05, 0.2, 0.4, 0.7, 0.95])
    hits = [rule for rule in RULES if random.random() < 0.45]
    is_blocked = random.random() < 0.1
    reasons = [Reason("block_list", "user", "on the block list", 0.0)] if is_blocked else []
    action = random.choice(ACTIONS[1:])
    base = record(number)
    return msgspec.structs.replace(
        base, decision_id=f"{number:032x}", amount=float(number), currency=random.choice(["EUR", "USD"]), action=action,
        probability=probability, coverage=random.choice([1.0, 1.0, 0.05, None]), reasons=reasons,
        model=msgspec.structs.replace(base.model, probability=probability, anomaly=0.0),
        rules=RuleScore(1, 0, 0, hits),
    )  # fmt: skip


def model_alone_alerts(one: DecisionRecord) -> bool:
    """By the formula of docs/rules.md, without points: any score above the lowest threshold, or the block list."""
    model = read_manifest(shipped_bundle()).decision
    odds = model.model_weight * math.log(one.model.probability / (1 - one.model.probability)) + model.offset
    score = math.floor(1000 / (1 + math.exp(-odds)) + 0.5)
    return score > 300 or any(reason.source == "block_list" for reason in one.reasons)


@pytest.fixture
def closed(store: DecisionStore) -> list[tuple[DecisionRecord, str]]:
    """Decisions, all alerts, with the outcome of their cases; some stay open."""
    random = Random(11)
    records = [made(random, number) for number in range(1, 160)]
    store.write(Batch(decisions=records, alerts=[alert_of(one) for one in records]))
    cases = CaseStore(store.database, lambda: NOW_MS)
    by_id = {one.decision_id: one for one in records}
    found = []
    for page in range(10):
        for case in cases.page(QueueFilters(state="all"), QueueOrder(by="time"), page):
            outcome: Any = random.choice(["fraud", "fraud", "not_fraud", "closed", None])
            if outcome is not None:
                found.append((case, outcome))
    for case, outcome in found:
        cases.decide([case.case_id], outcome, "anna")
    return [(by_id[str(case.decision_id)], outcome) for case, outcome in found]


def test_money_is_summed_by_currency_and_by_what_was_done(
    store: DecisionStore, closed: list[tuple[DecisionRecord, str]]
) -> None:
    caught: dict[str, Counter[str]] = defaultdict(Counter)
    stopped: dict[str, Counter[str]] = defaultdict(Counter)
    outcomes: Counter[tuple[str, str]] = Counter()
    for one, outcome in closed:
        for hit in one.rules.hits:
            outcomes[hit, outcome] += 1
            if outcome == "fraud":
                caught[hit][one.currency] += one.amount  # type: ignore[assignment]
                if one.action in ("soft_challenge", "hard_block"):
                    stopped[hit][one.currency] += one.amount  # type: ignore[assignment]
    results = RuleResults(store.database, lambda: NOW_MS).of_all()
    assert set(results) == set(RULES)
    for rule in RULES:
        assert results[rule].amounts == dict(caught[rule])
        assert results[rule].stopped == dict(stopped[rule])
        assert (results[rule].frauds, results[rule].others) == (outcomes[rule, "fraud"], outcomes[rule, "not_fraud"])


def test_caught_alone_is_no_other_rule_and_not_the_model(
    store: DecisionStore, closed: list[tuple[DecisionRecord, str]]
) -> None:
    expected = Counter(
        one.rules.hits[0]
        for one, outcome in closed
        if outcome == "fraud" and len(one.rules.hits) == 1 and not model_alone_alerts(one)
    )
    known = DecidesWith(rules=shipped_pack("bank"), bundle_path=Path(shipped_bundle()), settings=SETTINGS)
    assert sum(expected.values()) > 5
    assert unique_catches(store.database, known) == dict(expected)
    assert unique_catches(store.database, DecidesWith(rules=shipped_pack("bank"))) is None
    assert unique_catches(store.database, DecidesWith(bundle_path=Path(shipped_bundle()))) is None


def test_sets_in_shadow_are_compared_with_what_was_decided(store: DecisionStore) -> None:
    random = Random(3)
    records = []
    for number in range(400):
        shadow = [
            ShadowScore("bank", 4, [rule for rule in RULES if random.random() < 0.2], 10, random.choice(ACTIONS)),
            ShadowScore("stricter", random.choice([6, 7]), [], 0, random.choice([*ACTIONS, None])),
        ]
        records.append(
            msgspec.structs.replace(record(number), decision_id=f"{number:032x}", action=random.choice(ACTIONS),
                                    shadow=shadow[: random.choice([1, 2])])
        )  # fmt: skip
    records[-1] = msgspec.structs.replace(records[-1], shadow=[ShadowScore("stricter", 7, [], 0, "allow")])
    store.write(Batch(decisions=records))
    found = ShadowResults(store.database, lambda: NOW_MS).of_all()
    assert set(found) == {"bank", "stricter"}
    for name, version in (("bank", 4), ("stricter", 7)):
        pairs = [
            (one.action, shadow)
            for one in records
            for shadow in one.shadow
            if shadow.set == name and shadow.version == version
        ]
        result = found[name]
        judged = [(ACTIONS.index(did), ACTIONS.index(shadow.action)) for did, shadow in pairs if shadow.action]
        assert (result.version, result.decisions, result.failed) == (version, len(pairs), len(pairs) - len(judged))
        assert result.agreement == sum(did == would for did, would in judged) / len(judged)
        assert result.stricter == sum(would > did for did, would in judged)
        assert result.milder == sum(would < did for did, would in judged)
        assert result.hits == dict(Counter(hit for _, shadow in pairs for hit in shadow.hits))
        times = [one.event_time_ms for one in records if any((s.set, s.version) == (name, version) for s in one.shadow)]
        days = (max(times) - min(times)) / DAY_MS
        assert result.alerts_a_day == pytest.approx(sum(would > 0 for _, would in judged) / days)
        assert result.alerts_a_day_decided == pytest.approx(sum(did != "allow" for did, _ in pairs) / days)

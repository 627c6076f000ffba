"""Scores, thresholds and the block list, at the limits."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.core.learners import Learning
from udfs.core._native import risk_score
from udfs.features.catalogue import NAMES
from udfs.records.outputs import ACTIONS
from udfs.records.profiles import BlockEntry
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import DecisionModel
from udfs.scoring.decider import judge_of
from udfs.scoring.decision_settings import DecisionSettings

START = 1_767_225_600_000
NO_RULES = RuleSet("none", 1, ((0, 0), (1, 1)), ())


def action_for(thresholds: tuple[int, int, int], score: int) -> str:
    """The action of a transaction whose risk score is `score`, without rules."""
    refer, challenge, block = thresholds
    model = DecisionModel(refer_above=refer, soft_challenge_above=challenge, hard_block_above=block, coverage_floor=0.0)
    judge = judge_of(DecisionSettings(), model, Rulebook(NO_RULES, ()))
    _, found, action, *_ = judge.judge((score / 1000, 0.0, 0.0, 1.0), 0, [], Rulebook(NO_RULES, ()).core, False)
    assert found == score
    return action


# -- actions -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "action"),
    [
        (0, "allow"), (499, "allow"), (500, "allow"), (501, "refer_to_analyst"), (700, "refer_to_analyst"),
        (701, "soft_challenge"), (900, "soft_challenge"), (901, "hard_block"), (1000, "hard_block"),
    ],
)  # fmt: skip
def test_a_score_must_exceed_a_threshold_to_get_its_action(score: int, action: str) -> None:
    assert action_for((500, 700, 900), score) == action


def test_thresholds_are_configurable() -> None:
    assert [action_for((10, 20, 30), score) for score in (10, 11, 20, 21, 30, 31)] == [
        "allow", "refer_to_analyst", "refer_to_analyst", "soft_challenge", "soft_challenge", "hard_block",
    ]  # fmt: skip


def test_an_action_never_gets_milder_as_the_score_grows() -> None:
    ranks = [ACTIONS.index(action_for((500, 700, 900), score)) for score in range(1001)]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("fixed", "in_force"),
    [
        ((None, None, None), (120, 400, 800)),
        ((500, 700, 900), (500, 700, 900)),
        ((500, None, None), (500, 500, 800)),
        ((900, None, None), (900, 900, 900)),
        ((None, 100, None), (100, 100, 800)),
        ((None, None, 300), (120, 300, 300)),
        ((None, None, 50), (50, 50, 50)),
        ((0, None, 1000), (0, 400, 1000)),
    ],
)
def test_missing_thresholds_are_the_bundles_in_ascending_order(
    fixed: tuple[int | None, int | None, int | None], in_force: tuple[int, int, int]
) -> None:
    refer, challenge, block = fixed
    settings_ = DecisionSettings(refer_above=refer, soft_challenge_above=challenge, hard_block_above=block)
    model = DecisionModel(refer_above=120, soft_challenge_above=400, hard_block_above=800)
    assert judge_of(settings_, model, Rulebook(NO_RULES, ())).thresholds == in_force


# -- scores --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probability", "score"),
    [
        (0.0, 0), (0.0004, 0), (0.0005, 1), (0.5, 500), (0.5004, 500), (0.7005, 701), (0.9005, 901),
        (0.9004, 900), (0.9994, 999), (0.9995, 1000), (1.0, 1000),
    ],
)  # fmt: skip
def test_the_risk_score_is_1000_times_the_probability(probability: float, score: int) -> None:
    assert risk_score(probability) == score


def test_the_risk_score_increases_with_the_probability_from_0_to_1000() -> None:
    scores = [risk_score(step / 10_000) for step in range(10_001)]
    assert scores == sorted(scores)
    assert set(scores) == set(range(1001))


def test_nan_has_no_risk_score() -> None:
    with pytest.raises(ValueError, match="NaN"):
        risk_score(math.nan)


# -- the block list ------------------------------------------------------------------------------------------------------

PARTIES = {"user": "U1", "card": "C1", "device": "D1", "merchant": "M1", "ip": "10.0.0.1"}


def payment(t: int = START) -> bytes:
    return (
        f'{{"transaction_id":"T1","user_id":"U1","timestamp":{t},"amount":1,"card_id":"C1","device_id":"D1",'
        '"merchant_id":"M1","ip_address":"10.0.0.1"}'
    ).encode()


def hits(blocked: list[BlockEntry], record: bytes | None = None) -> list[tuple[str, str, str | None]]:
    """Type, value and reason code of the entries in force."""
    (outcome,) = Learning(blocked=blocked).learn([("U1", record or payment(), None)])
    assert outcome[0] == "transaction"
    found: list[tuple[str, str, str | None]] = outcome[5]
    return found


@pytest.mark.parametrize("kind", PARTIES)
def test_each_party_is_matched_by_its_own_type(kind: Any) -> None:
    assert hits([BlockEntry(type=kind, value=PARTIES[kind])]) == [(kind, PARTIES[kind], None)]
    others = [BlockEntry(type=kind, value=value) for other, value in PARTIES.items() if other != kind]
    assert hits(others) == []


def test_an_entry_expires_at_its_expiry_time() -> None:
    blocked = [BlockEntry(type="user", value="U1", expires_at=START)]
    assert hits(blocked, payment(START - 1)) == [("user", "U1", None)]
    assert hits(blocked, payment(START)) == []
    assert hits(blocked, payment(START + 1)) == []
    assert hits([BlockEntry(type="user", value="U1")], payment(253_402_300_799_999))


def test_all_entries_in_force_of_a_party_are_found() -> None:
    entries = [
        BlockEntry(type="device", value="D1", reason_code="OLD", expires_at=START - 1),
        BlockEntry(type="device", value="D1", reason_code="NEW"),
        BlockEntry(type="device", value="D1", reason_code="SANCTION", expires_at=START + 1),
        BlockEntry(type="user", value="U1", reason_code="U"),
    ]
    assert [reason_code for _, _, reason_code in hits(entries)] == ["U", "NEW", "SANCTION"]


def test_absent_parties_match_nothing_and_ids_are_case_sensitive() -> None:
    blocked = [
        BlockEntry(type="device", value="d1"), BlockEntry(type="ip", value=""), BlockEntry(type="card", value="None"),
    ]  # fmt: skip
    assert hits(blocked) == []
    assert hits(blocked, b'{"transaction_id":"T","user_id":"U1","timestamp":0,"amount":0}') == []
    assert hits([]) == []


def test_a_device_is_blacklisted_only_while_its_entry_is_in_force() -> None:
    entry = BlockEntry(type="device", value="D1", expires_at=START)
    for t, expected in ((START - 1, 1.0), (START, 0.0)):
        learning = Learning(blocked=[entry])
        learning.learn([("U1", payment(t), None)])
        assert learning.learner.features()[0, NAMES.index("device_blacklisted")] == expected

"""From scores to actions, flags and the block list, at every edge."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.udfs.engines import engine_over, logs_of
from udfs.block_list import BlockList
from udfs.decision import action_for, at_least, at_most, clipped_logit, model_score, round_half_up, sigmoid
from udfs.decision_settings import DecisionSettings, Thresholds, thresholds_in_force
from udfs.events import Transaction
from udfs.outputs import ACTIONS
from udfs.profiles import BlockEntry

START = 1_767_225_600_000
DEFAULT = Thresholds(500, 700, 900)


# -- actions -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "action"),
    [
        (0, "allow"), (499, "allow"), (500, "allow"), (501, "refer_to_analyst"), (700, "refer_to_analyst"),
        (701, "soft_challenge"), (900, "soft_challenge"), (901, "hard_block"), (1000, "hard_block"),
    ],
)  # fmt: skip
def test_a_score_above_a_threshold_gets_its_action_and_one_at_it_does_not(score: int, action: str) -> None:
    assert action_for(DEFAULT, score) == action


def test_thresholds_are_configurable() -> None:
    strict = Thresholds(10, 20, 30)
    assert [action_for(strict, score) for score in (10, 11, 20, 21, 30, 31)] == [
        "allow", "refer_to_analyst", "refer_to_analyst", "soft_challenge", "soft_challenge", "hard_block",
    ]  # fmt: skip


def test_an_action_never_gets_milder_as_the_score_grows() -> None:
    ranks = [ACTIONS.index(action_for(DEFAULT, score)) for score in range(1001)]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2, 3}


def test_a_forced_minimum_raises_an_action_and_never_lowers_it() -> None:
    ordered = ("allow", "refer_to_analyst", "soft_challenge", "hard_block")
    assert ordered == ACTIONS
    for rank, action in enumerate(ACTIONS):
        assert at_least(action, None) == action
        for other, minimum in enumerate(ACTIONS):
            assert at_least(action, minimum) == ordered[max(rank, other)]


def test_a_ceiling_lowers_an_action_and_never_raises_it() -> None:
    for rank, action in enumerate(ACTIONS):
        for other, maximum in enumerate(ACTIONS):
            assert at_most(action, maximum) == ACTIONS[min(rank, other)]


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
def test_thresholds_that_are_not_fixed_are_the_bundles_moved_only_to_ascend(
    fixed: tuple[int | None, int | None, int | None], in_force: tuple[int, int, int]
) -> None:
    refer, challenge, block = fixed
    settings_ = DecisionSettings(refer_above=refer, soft_challenge_above=challenge, hard_block_above=block)
    assert thresholds_in_force(settings_, Thresholds(120, 400, 800)) == Thresholds(*in_force)


# -- log-odds ------------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.floats(1e-9, 1 - 1e-7))
def test_log_odds_and_back_is_the_probability(probability: float) -> None:
    assert clipped_logit(probability) == pytest.approx(math.log(probability / (1 - probability)), rel=1e-9, abs=1e-9)
    assert sigmoid(clipped_logit(probability)) == pytest.approx(probability, rel=1e-9)


def test_the_log_odds_of_certainty_are_finite_and_the_sigmoid_never_overflows() -> None:
    assert clipped_logit(0.0) == pytest.approx(math.log(1e-12), rel=1e-6)
    assert clipped_logit(1.0) == pytest.approx(math.log(2**24), rel=1e-6)
    assert (sigmoid(-1e6), sigmoid(0.0), sigmoid(1e6)) == (0.0, 0.5, 1.0)


# -- rounding ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(0.0, 0), (0.49, 0), (0.5, 1), (1.5, 2), (2.5, 3), (499.5, 500), (500.49999, 500), (500.5, 501), (999.5, 1000)],
)
def test_halves_go_up(value: float, rounded: int) -> None:
    assert round_half_up(value) == rounded
    assert type(round_half_up(value)) is int


@settings(max_examples=500, deadline=None)
@given(st.floats(0, 1000))
@example(0.49999999999999994)  # the double before a half: + 0.5 gives 1.0
@example(500.49999999999994)
def test_rounding_agrees_with_decimals(value: float) -> None:
    assert round_half_up(value) == int(Decimal(value).quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.parametrize(
    ("probability", "score"),
    [
        (0.0, 0), (0.0004, 0), (0.0005, 1), (0.5, 500), (0.5004, 500), (0.7005, 701), (0.9005, 901),
        (0.9004, 900), (0.9994, 999), (0.9995, 1000), (1.0, 1000),
    ],
)  # fmt: skip
def test_the_models_score_is_a_thousand_times_the_probability(probability: float, score: int) -> None:
    assert model_score(probability) == score


def test_the_models_score_grows_with_the_probability_from_0_to_1000() -> None:
    scores = [model_score(step / 10_000) for step in range(10_001)]
    assert scores == sorted(scores)
    assert set(scores) == set(range(1001))


# -- the block list ------------------------------------------------------------------------------------------------------

PARTIES = {"user": "U1", "card": "C1", "device": "D1", "merchant": "M1", "ip": "10.0.0.1"}


def payment(t: int = START) -> Transaction:
    return Transaction(
        transaction_id="T1", user_id="U1", timestamp=t, amount=1.0, card_id="C1", device_id="D1", merchant_id="M1",
        ip_address="10.0.0.1",
    )  # fmt: skip


@pytest.mark.parametrize("kind", PARTIES)
def test_each_party_is_looked_up_under_its_own_kind(kind: Any) -> None:
    entry = BlockEntry(type=kind, value=PARTIES[kind])
    assert BlockList([entry]).hits(payment()) == [entry]
    others = [BlockEntry(type=kind, value=value) for other, value in PARTIES.items() if other != kind]
    assert BlockList(others).hits(payment()) == []


def test_an_entry_is_in_force_before_its_expiry_and_not_at_it() -> None:
    entry = BlockEntry(type="user", value="U1", expires_at=START)
    blocked = BlockList([entry])
    assert blocked.hits(payment(START - 1)) == [entry]
    assert blocked.hits(payment(START)) == []
    assert blocked.hits(payment(START + 1)) == []
    assert BlockList([BlockEntry(type="user", value="U1")]).hits(payment(253_402_300_799_999))


def test_of_several_entries_for_one_party_those_in_force_are_found() -> None:
    entries = [
        BlockEntry(type="device", value="D1", reason_code="OLD", expires_at=START - 1),
        BlockEntry(type="device", value="D1", reason_code="NEW"),
        BlockEntry(type="device", value="D1", reason_code="SANCTION", expires_at=START + 1),
        BlockEntry(type="user", value="U1", reason_code="U"),
    ]
    assert [hit.reason_code for hit in BlockList(entries).hits(payment())] == ["U", "NEW", "SANCTION"]


def test_absent_parties_hit_nothing_and_ids_are_compared_as_they_are() -> None:
    blocked = BlockList(
        [BlockEntry(type="device", value="d1"), BlockEntry(type="ip", value=""), BlockEntry(type="card", value="None")]
    )
    assert blocked.hits(payment()) == []
    assert blocked.hits(Transaction(transaction_id="T", user_id="U", timestamp=0, amount=0.0)) == []
    assert BlockList().hits(payment()) == []


def test_a_listed_device_is_blacklisted_for_the_features_only_while_the_entry_is_in_force() -> None:
    entry = BlockEntry(type="device", value="D1", expires_at=START)
    for t, expected in ((START - 1, 1.0), (START, 0.0)):
        observation = engine_over(logs_of("U1"), blocked=[entry]).observe(payment(t))
        assert observation is not None
        assert observation.features["device_blacklisted"] == expected

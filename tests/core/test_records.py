"""Records are written as msgspec would write them, and their numbers are as exact as arbitrary precision gives them."""

from __future__ import annotations

import decimal
import hashlib
import math
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.decisions import RECORDINGS, Replay, read
from udfs.core._native import (
    LEAST_PROBABILITY,
    MOST_PROBABILITY,
    clipped_logit,
    decision_id,
    json_of,
    risk_score,
    rounded_ln,
)
from udfs.records.outputs import Output

encode = msgspec.json.Encoder().encode
ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64)


@settings(max_examples=2000, deadline=None)
@given(st.floats() | st.integers(-1000, 10**10).map(float), st.text(max_size=12))
def test_floats_and_texts_are_written_as_msgspec_writes_them(number: float, text: str) -> None:
    assert json_of(number, text) == (encode(number), encode(text))


@settings(max_examples=500, deadline=None)
@given(ids, ids)
def test_a_decision_id_is_a_hash_of_both_ids(user_id: str, transaction_id: str) -> None:
    expected = hashlib.blake2b(f"{user_id}\0{transaction_id}".encode(), digest_size=16).hexdigest()
    assert decision_id(user_id, transaction_id) == expected


@settings(max_examples=1000, deadline=None)
@given(st.floats(1e-300, 1e300) | st.floats(0.0, 1.0, exclude_min=True) | st.floats(0.98, 1.02))
def test_logarithms_are_the_nearest_floats(number: float) -> None:
    if number > 1e-300:
        assert rounded_ln(number) == float(Decimal(number).ln(decimal.Context(prec=60)))


@settings(max_examples=1000, deadline=None)
@given(st.floats(0.0, 1.0))
def test_log_odds_are_clipped_and_right_to_the_last_digit_of_a_logarithm(probability: float) -> None:
    p = min(max(probability, LEAST_PROBABILITY), MOST_PROBABILITY)
    expected = math.log(p) - math.log1p(-p)
    assert abs(clipped_logit(probability) - expected) <= math.ulp(math.log(p)) + math.ulp(math.log1p(-p))


@settings(max_examples=500, deadline=None)
@given(st.floats(0.0, 1.0))
def test_a_risk_score_is_rounded_half_up(probability: float) -> None:
    value = Decimal(1000.0 * probability)
    assert risk_score(probability) == int(value.quantize(Decimal(1), decimal.ROUND_HALF_UP))


def test_every_record_of_a_stream_is_encoded_again_to_the_same_bytes() -> None:
    for path in RECORDINGS:
        given_, steps, _ = read(path)
        replay = Replay(given_)
        outputs: list[Output] = [output for step in steps for output in replay.take(step)]
        written = [output for output in outputs if output.destination != "dead-letters"]
        assert len(written) > 500
        for output in written:
            assert encode(output.record) == output.value

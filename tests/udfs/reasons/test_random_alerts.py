"""Random alerts: what holds of all reasons, and that none of their texts is forbidden."""

from __future__ import annotations

import re
from math import isnan, nan
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.reasons.alert_inputs import (
    ALL_NAMES,
    CATALOGUE,
    NIGHT_MS,
    ORDINARY,
    QUANTILES,
    AlertInputs,
    RuleHit,
    ScoreParts,
    alert_reasons,
)
from tests.udfs.reasons.forbidden_reasons import faults_of
from udfs.records.events import Transaction
from udfs.records.outputs import Reason
from udfs.records.profiles import BlockEntry

SCORED = ("trees", "autoencoder", "rule")
FIELDS = ("merchant_country", "city", "channel", "otp_used", "population_amount_p95", "statistics_as_of_ms")
UNITS = {name: words[0] for name, words, _ in CATALOGUE.features()}

flag_values = st.sampled_from([nan, 0.0, 1.0])
number_values = st.one_of(
    st.sampled_from([nan, 0.0, 1.0, 1.0, 2.0, 3.0, 5.0, 12.0, 40.0, 0.02, 0.03, 0.25, 900.0, 1500.0]),
    st.floats(0.0, 10.0).map(lambda value: round(value, 6)),
    st.floats(0.0, 100_000.0).map(lambda value: round(value, 2)),
)
share_values = st.sampled_from([nan, 0.0, 0.01]) | st.floats(0.0, 1.0).map(lambda value: round(value, 4))


@st.composite
def features(draw: st.DrawFn) -> dict[str, float]:
    values = dict(draw(st.sampled_from([{}, ORDINARY, {**ORDINARY, "user_txn_count_30d": 4.0}])))
    for name in draw(st.lists(st.sampled_from(ALL_NAMES), max_size=40)):
        of_form = flag_values if UNITS[name] == "flag" else share_values if "fraud_rate" in name else number_values
        values[name] = draw(of_form)
    if values.get("hour_local", nan) not in range(24):
        values["hour_local"] = 14.0
    return values


UNFIT = re.compile(r"(?<![\d.,])0 km\b|\b(?:unknown|not known)\b", re.IGNORECASE)
weights = st.floats(0.001, 9.0) | st.sampled_from([1.0, 1.0, 2.0, 0.5])
contributions = st.dictionaries(st.sampled_from(ALL_NAMES), weights, max_size=25).map(
    lambda drawn: sorted(drawn.items(), key=lambda item: -item[1])
)
texts = st.sampled_from(
    ["amount is 5", "unknown place", "0 km from home", "10 km from home", "Amount is Not Known", "a, b", "é;"]
)
drawn_hits = st.lists(
    st.builds(
        RuleHit,
        id=st.sampled_from(["big", "far_away", "new", "old"]),
        text=texts,
        share=st.sampled_from([0.0, 1.0, 2.0]),
        names=st.lists(st.sampled_from([*ALL_NAMES, *FIELDS]), max_size=4).map(tuple),
        forces=st.sampled_from([False, False, False, True]),
    ),
    max_size=4,
    unique_by=lambda hit: hit.id,
)


def with_shares(drawn: list[RuleHit]) -> list[RuleHit]:
    """Shares are parts of the points of all hits."""
    points = sum(hit.share for hit in drawn) or 1.0
    return [hit._replace(share=hit.share / points) for hit in drawn]


hits = drawn_hits.map(with_shares)
transactions = st.builds(
    Transaction,
    transaction_id=st.just("T1"),
    user_id=st.just("U1"),
    timestamp=st.sampled_from([NIGHT_MS, NIGHT_MS + 43_200_000, 253_402_300_799_999, 0]),
    amount=st.just(40.0),
    city=st.none() | st.sampled_from(["Bonn", "x" * 41, "a\u2028b"]),
    merchant_country=st.none() | st.just("US"),
)
blocked = st.lists(
    st.builds(
        BlockEntry,
        type=st.sampled_from(["user", "card", "device"]),
        value=st.sampled_from(["D1", "d1"]),
        reason_code=st.none() | st.just("stolen"),
    ),
    max_size=2,
)


def alerts(rules: st.SearchStrategy[Any]) -> st.SearchStrategy[AlertInputs]:
    return st.builds(
        AlertInputs,
        transaction=transactions,
        features=features(),
        probability=st.floats(0.01, 1.0) | st.just(0.8),
        parts=st.builds(ScoreParts, model=st.floats(-3.0, 9.0), rules=st.floats(0.0, 4.0), anomaly=st.floats(0.0, 3.0)),
        contributions=contributions,
        deviations=contributions,
        hits=rules,
        flags=st.dictionaries(st.sampled_from(["AML", "KYC"]), st.sampled_from(["why", "because"]), max_size=2),
        blocked=st.just([]) | blocked,
        unusual=st.sampled_from([False, False, True]),
        quantiles=st.sampled_from([None, QUANTILES]),
        base_currency=st.sampled_from(["USD", "JPY", "KWD"]),
        base_rate=st.just(0.01),
        timezone=st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York"]),
        limit=st.sampled_from([8, 8, 1, 3, 0]),
    )


def of_source(reasons: list[Reason], *sources: str) -> list[Reason]:
    return [reason for reason in reasons if reason.source in sources]


def block_list_texts(inputs: AlertInputs) -> list[str]:
    """In the order of the entries; of texts that differ in case only the first."""
    texts: dict[str, str] = {}
    for entry in inputs.blocked:
        why = f" ({entry.reason_code})" if entry.reason_code else ""
        text = f"{entry.type} {entry.value} is on the block list{why}"
        texts.setdefault(text.lower(), text)
    return list(texts.values())


@settings(max_examples=3000, deadline=None)
@given(alerts(st.just([]) | hits))
def test_what_holds_of_all_reasons(inputs):
    reasons, summary = alert_reasons(inputs)
    flags, listed, scored = (of_source(reasons, "flag"), of_source(reasons, "block_list"), of_source(reasons, *SCORED))
    assert reasons == listed + scored + flags
    assert [reason.text for reason in flags] == [f"{flag}: {why}" for flag, why in inputs.flags.items()]
    most = max(1, inputs.limit - len(flags))
    assert 1 <= len(reasons) <= len(flags) + most
    assert [reason.text for reason in listed] == block_list_texts(inputs)[:most]
    assert sum(reason.weight for reason in scored) <= 1000.0 * inputs.probability + 0.05 * len(scored) + 1e-9
    assert all(reason.weight >= 0.0 for reason in reasons)
    assert len({reason.text.lower() for reason in reasons}) == len(reasons)
    assert summary.endswith(".")
    assert summary[0] == summary[0].upper()
    ids = {hit.id for hit in inputs.hits}
    for reason in scored:
        assert reason.name in ids or reason.name in ALL_NAMES or reason.name == "combination"
        assert reason.value is None or not isnan(reason.value)
        assert reason.name not in ALL_NAMES or reason.value == inputs.features[reason.name]
        assert not UNFIT.search(reason.text)
    forcing = [hit.id for hit in inputs.hits if hit.forces]
    if forcing and scored and not inputs.blocked:
        assert scored[0].name in forcing


@settings(max_examples=3000, deadline=None)
@given(alerts(st.just([])))
def test_no_text_of_a_value_is_forbidden_and_a_concept_is_told_once(inputs):
    reasons, summary = alert_reasons(inputs)
    concepts = [CATALOGUE.concept_of(reason.name) for reason in of_source(reasons, *SCORED)]
    told = [concept for concept in concepts if concept is not None]
    assert len(told) == len(set(told))
    known = {name: None if isnan(value) else value for name, value in inputs.features.items()}
    decision = {
        "transaction_id": "T1", "merchant_country": "US", "city": inputs.transaction.city, "summary": summary,
        "reasons": [msgspec.to_builtins(reason) for reason in reasons], "features": known, "rules": {"hits": []},
    }  # fmt: skip
    assert faults_of(decision) == []

"""Guardrails: when a limit is crossed, and what that does to a running scorer."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.udfs.control.test_live_control import Live
from tests.udfs.scoring.test_scorer import reference
from udfs.control.elements import ControlError, GuardrailControl, decode_control, encode_control
from udfs.control.guardrails import GuardedCounts, Watch, counts_of
from udfs.control.live_control import MAX_CANDIDATES
from udfs.rules.rule_set import Guardrails

__all__ = ["reference"]

OVER = 20
GUARDRAILS = Guardrails(OVER, hit_rate_max=0.5, alert_rate_max=0.3, block_rate_max=0.1)
PAYMENT = st.tuples(st.booleans(), st.booleans(), st.booleans())


def counts(payments: list[tuple[bool, bool, bool]], version: int = 1) -> GuardedCounts:
    hits = [one for one in payments if one[0]]
    alerts, blocks = sum(one[1] or one[2] for one in hits), sum(one[2] for one in hits)
    return GuardedCounts("a", version, GUARDRAILS, len(payments), len(hits), alerts, blocks)


@given(st.lists(PAYMENT, max_size=120))
def test_a_limit_is_crossed_once_the_rate_over_the_payments_must_exceed_it(
    payments: list[tuple[bool, bool, bool]],
) -> None:
    """One by one against a count by hand: the first payment after which the rate of its 20 can only be above a limit."""
    watch, expected = Watch(1, GUARDRAILS), None
    for number, _ in enumerate(payments):
        block = [one for one in payments[number // OVER * OVER : number + 1] if one[0]]
        blocks, alerts = sum(one[2] for one in block), sum(one[1] or one[2] for one in block)
        rates = (("block_rate", blocks, 2), ("alert_rate", alerts, 6), ("hit_rate", len(block), 10))
        crossed = next(((name, count) for name, count, most in rates if count > most), None)
        if crossed is not None:
            expected = (number, *crossed)
            break
    found = None
    for number, payment in enumerate(payments):
        element = watch.take(counts([payment]))
        if element is not None:
            assert found is None
            found = (number, element.measure, element.count)
            assert decode_control(encode_control(element)) == element
    assert found == expected


@given(st.lists(PAYMENT, min_size=1, max_size=OVER), st.randoms(use_true_random=False))
def test_the_order_in_which_instances_tell_their_counts_does_not_matter(
    payments: list[tuple[bool, bool, bool]], order: random.Random
) -> None:
    def is_tripped(parts: list[list[tuple[bool, bool, bool]]]) -> bool:
        watch = Watch(1, GUARDRAILS)
        return [watch.take(counts(part)) is not None for part in parts].count(True) == 1

    shuffled = payments[:]
    order.shuffle(shuffled)
    assert is_tripped([payments]) == is_tripped([[one] for one in shuffled])


def test_another_version_starts_anew_and_an_earlier_one_is_ignored() -> None:
    watch = Watch(1, GUARDRAILS)
    hit = (True, False, False)
    assert watch.take(counts([hit] * 10)) is None
    assert watch.take(counts([hit] * 10, version=2)) is None
    assert watch.take(counts([hit] * 10, version=1)) is None
    crossed = watch.take(counts([hit], version=2))
    assert crossed is not None
    assert crossed.in_words == "hit_rate of 11 in 11 payments, at most 0.5 of 20 are accepted"
    assert watch.take(counts([hit] * 10, version=2)) is None
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(watch), type=Watch) == watch


class Guarded(Live):
    """Rule `any` hits every payment of more than 1; it is live, and guarded."""

    def rules(self, version: int, **fields: Any) -> dict[str, Any]:
        rule = {
            "id": "any", "points": 60, "when": "amount > 1", "reason": "x", "action": "soft_challenge",
            "guardrails": {"hit_rate_max": 0.5, "over_payments": 10}, **fields,
        }  # fmt: skip
        rule_set = {"name": "live", "version": version, "scale": [[0, 0], [100, 1000]], "rules": [rule]}
        return {"kind": "rules", "rule_set": rule_set}

    def apply(self, element: dict[str, Any], is_new: bool = True) -> bool:
        return self.control.apply(decode_control(json.dumps(element).encode()), is_new)

    def told(self, number: int) -> tuple[str, list[str], dict[str, int], list[dict[str, Any]] | None]:
        decision = self.decision(transaction_id=f"T{number}", user_id="U9")
        return decision["action"], decision["rules"]["hits"], decision["control_versions"], decision.get("shadow")


def trip(version: int) -> dict[str, Any]:
    element = GuardrailControl(
        version=version, rule="any", measure="hit_rate", limit=0.5, count=6, payments=6, over_payments=10
    )
    return json.loads(encode_control(element))  # type: ignore[no-any-return]


@pytest.fixture
def live(reference: Path) -> Guarded:
    return Guarded(reference)


def test_a_tripped_rule_is_in_shadow_until_a_newer_rule_set_decides_anew(live: Guarded) -> None:
    live.apply(live.rules(50))
    assert live.told(1) == ("soft_challenge", ["any"], {"rules": 50}, None)
    assert live.apply(trip(50))
    shadow = [{"set": "live", "version": 50, "hits": ["any"], "points": 60, "action": "soft_challenge"}]
    assert live.told(2) == ("allow", [], {"guardrail/any": 50, "rules": 50}, shadow)
    assert not live.apply(trip(50))
    live.apply(live.rules(51))
    assert live.told(3) == ("soft_challenge", ["any"], {"rules": 51}, None)
    assert not live.apply(trip(49))
    assert live.told(4)[0] == "soft_challenge"


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_elements_of_the_saved_state_lead_to_the_same_in_any_order(live: Guarded, order: tuple[int, ...]) -> None:
    candidate = {"kind": "candidate-rules", "version": 3, "set": "other", "rule_set": live.rules(9)["rule_set"]}
    removed = {"kind": "candidate-rules", "version": 4, "set": "gone"}
    elements = [live.rules(50), trip(50), candidate, removed]
    for number in order:
        live.apply(elements[number], is_new=False)
    action, hits, versions, shadow = live.told(1)
    assert (action, hits, versions) == ("allow", [], {"guardrail/any": 50, "rules": 50})
    assert shadow is not None
    assert [(one["set"], one["version"], one["hits"]) for one in shadow] == [
        ("live", 50, ["any"]),
        ("other", 3, ["any"]),
    ]


def test_candidates_come_go_and_are_replaced_by_version(live: Guarded) -> None:
    def candidate(version: int, name: str = "one", **fields: Any) -> dict[str, Any]:
        rules = live.rules(1, **fields)["rule_set"]
        return {"kind": "candidate-rules", "version": version, "set": name, "rule_set": rules}

    assert live.apply(candidate(2))
    assert not live.apply(candidate(1, points=5))
    assert [one["points"] for one in live.told(1)[3] or []] == [60]
    assert live.apply(candidate(3, points=5))
    assert [one["points"] for one in live.told(2)[3] or []] == [5]
    with pytest.raises(ControlError, match=r"^rule any: unknown name 'amonut'"):
        live.apply(candidate(4, when="amonut > 1"))
    assert [one["version"] for one in live.told(3)[3] or []] == [3]
    for number in range(1, MAX_CANDIDATES):
        live.apply(candidate(1, f"other{number}"))
    with pytest.raises(ControlError, match="8 candidates are evaluated already"):
        live.apply(candidate(1, "more"))
    for name in ("one", *(f"other{number}" for number in range(1, MAX_CANDIDATES))):
        assert live.apply({"kind": "candidate-rules", "version": 9, "set": name})
    assert live.told(4)[3] is None
    with pytest.raises(ControlError, match="set 'no name' must be a letter"):
        live.apply(candidate(1, "no name"))


def test_a_batch_counts_the_payments_of_guarded_rules(live: Guarded) -> None:
    live.apply(live.rules(50, rollout=50))
    rule_set = live.scorer.rulebook.rule_set
    assert counts_of(rule_set, {"any": (4, 3, 2, 1)}) == [
        GuardedCounts("any", 50, Guardrails(10, hit_rate_max=0.5), 4, 3, 2, 1)
    ]

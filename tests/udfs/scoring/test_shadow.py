"""Rules in shadow: reported as if they had counted, and never part of a decision."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.jobs.event_stream import event_lines
from tests.udfs.scoring.test_scorer import Session, reference
from udfs.core._native import rollout_place
from udfs.features.catalogue import NAMES
from udfs.records.outputs import Decision, decode_result
from udfs.rules.pack_files import shipped_pack
from udfs.rules.rule_map import RuleMap, content_of
from udfs.rules.rule_set import Rule, RuleSet, RuleState
from udfs.rules.rulebook import Rulebook
from udfs.scoring.decider import Candidate
from udfs.scoring.ensemble import Ensemble

__all__ = ["reference"]

BANK = shipped_pack("bank")
RULE = Rule("over_20", 60, "amount > 20", "amount {amount:.2f}", action="soft_challenge")
EVENTS = [line for line in event_lines(1_500, seed=6, users=60) if b'"type"' not in line]
Change = Callable[[Session], None]


def with_rule(version: int = 100, **fields: Any) -> RuleSet:
    """The bank's rules, and one of many hits before them."""
    rule = msgspec.structs.replace(RULE, **fields)
    return msgspec.structs.replace(BANK, version=version, rules=(rule, *BANK.rules))


def book(rule_set: RuleSet) -> Rulebook:
    return Rulebook.of(rule_set, NAMES)


def decisions(reference: Path, change: Change) -> list[dict[str, Any]]:
    session = Session(reference)
    change(session)
    made = []
    for line in EVENTS:
        for output in session.send(line):
            if output.destination == "decisions" and json.loads(output.value)["type"] == "decision":
                made.append(json.loads(output.value))
    return made


def using(rule_set: RuleSet, **candidates: RuleSet) -> Change:
    def use(session: Session) -> None:
        session.scorer.use_rules(book(rule_set))
        for name, other in candidates.items():
            session.scorer.use_candidate(name, Candidate(7, book(other)))

    return use


def apart(decision: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in decision.items() if name not in names}


@pytest.fixture(scope="module")
def live(reference: Path) -> list[dict[str, Any]]:
    return decisions(reference, using(with_rule()))


@pytest.fixture(scope="module")
def without(reference: Path) -> list[dict[str, Any]]:
    return decisions(reference, using(msgspec.structs.replace(BANK, version=100)))


def test_nothing_in_shadow_leaves_no_trace(live: list[dict[str, Any]]) -> None:
    assert not any("shadow" in decision for decision in live)


@pytest.mark.parametrize("state", ["draft", "retired"])
def test_drafts_and_retired_rules_are_as_if_they_were_not_there(
    reference: Path, without: list[dict[str, Any]], state: RuleState
) -> None:
    assert decisions(reference, using(with_rule(state=state))) == without


def test_a_rule_in_shadow_says_what_a_live_run_does_and_changes_nothing(
    reference: Path, live: list[dict[str, Any]], without: list[dict[str, Any]]
) -> None:
    shadow = decisions(reference, using(with_rule(state="shadow")))

    assert [apart(one, "shadow") for one in shadow] == without
    for one, other in zip(shadow, live, strict=True):
        (told,) = one["shadow"]
        assert told == {
            "set": "bank", "version": 100, "hits": [hit for hit in other["rules"]["hits"] if hit == RULE.id],
            "points": other["rules"]["points"], "action": other["action"],
        }  # fmt: skip
    assert sum(one["action"] != one["shadow"][0]["action"] for one in shadow) > 100


def test_a_candidate_says_what_a_live_run_of_it_does(
    reference: Path, live: list[dict[str, Any]], without: list[dict[str, Any]]
) -> None:
    stricter = with_rule(version=3, rollout=50)
    change = using(msgspec.structs.replace(BANK, version=100), stricter=stricter, same=with_rule())
    made = decisions(reference, change)
    half = decisions(reference, using(stricter))

    assert [apart(one, "shadow") for one in made] == without
    for one, whole, part in zip(made, live, half, strict=True):
        assert one["shadow"] == [
            {"set": name, "version": 7, "hits": rules["hits"], "points": rules["points"], "action": run["action"]}
            for name, run, rules in (("same", whole, whole["rules"]), ("stricter", part, part["rules"]))
        ]


@pytest.mark.parametrize("rollout", [10, 50, 99])
def test_a_customer_decides_as_with_the_rule_live_or_as_without_it(
    reference: Path, live: list[dict[str, Any]], without: list[dict[str, Any]], rollout: int
) -> None:
    made = decisions(reference, using(with_rule(rollout=rollout)))

    inside = [rollout_place(one["user_id"], RULE.id) < rollout for one in made]
    assert 0 < sum(inside) < len(made)
    for is_in, one, whole, none in zip(inside, made, live, without, strict=True):
        assert apart(one, "shadow") == (whole if is_in else none)
        (told,) = one["shadow"]
        outside_hit = not is_in and RULE.id in whole["rules"]["hits"]
        assert told == {
            "set": "bank", "version": 100, "hits": [RULE.id] if outside_hit else [],
            "points": whole["rules"]["points"], "action": whole["action"],
        }  # fmt: skip


def test_customers_outside_a_share_keep_the_map_of_their_rules(reference: Path) -> None:
    """The bundle has a map of the bank's rules alone and one of all: each customer decides by the map of the own rules."""
    base, whole = with_rule(state="shadow"), with_rule()

    def with_maps(rule_set: RuleSet) -> Change:
        def use(session: Session) -> None:
            bundle = session.scorer.ensemble.bundle
            maps = (
                RuleMap("base", 1, content_of(base), (0, 60), (0.01, 0.2), 1_000, 20),
                RuleMap("whole", 2, content_of(whole), (0, 60), (0.01, 0.6), 1_000, 20),
            )
            manifest = bundle.manifest
            decision = msgspec.structs.replace(manifest.decision, rule_maps=maps, rules_weight=1.0)
            made = replace(bundle, manifest=msgspec.structs.replace(manifest, decision=decision))
            session.use(ensemble=Ensemble(made))
            session.scorer.use_rules(book(rule_set))

        return use

    part = decisions(reference, with_maps(with_rule(rollout=30)))
    for one, inside, outside in zip(
        part, decisions(reference, with_maps(whole)), decisions(reference, with_maps(base)), strict=True
    ):
        is_in = rollout_place(one["user_id"], RULE.id) < 30
        assert apart(one, "shadow") == apart(inside if is_in else outside, "shadow")
    assert {one["rules"]["map"] for one in part} <= {"calibrated", "none"}


def test_what_is_counted_of_shadow_is_what_the_decisions_say(reference: Path) -> None:
    session = Session(reference)
    using(with_rule(rollout=40), other=with_rule(points=1_000))(session)
    made: list[Decision] = []
    for line in EVENTS[:600]:
        record = decode_result(session.send(line)[0].value)
        if isinstance(record, Decision):
            made.append(record)
    told = [(one, shadow) for one in made for shadow in one.shadow or []]
    counters = session.scorer.counters
    assert counters.shadow_hits == Counter(f"{shadow.set}/{hit}" for _, shadow in told for hit in shadow.hits)
    assert counters.shadow_differs == Counter(shadow.set for one, shadow in told if shadow.action != one.action)
    assert set(counters.shadow_differs) == {"bank", "other"}
    assert counters.shadow_errors == {}

"""Rules over windows of hours in the scorer: in force, as candidates and with facts, in batches, against plain sums."""

from __future__ import annotations

import json
from collections import defaultdict

import msgspec
import pytest

from tests.udfs.scoring.scorers import scorer_over
from udfs.features.catalogue import NAMES
from udfs.records.outputs import Origin
from udfs.rules.rule_set import Rule, RuleSet
from udfs.rules.rulebook import Rulebook
from udfs.scoring.decider import Candidate

HOUR = 3_600_000
START = 1_767_225_600_000
SCALE = ((0, 0), (10, 100))
BUSY = Rule("busy", 5, "count(last 3 days) > 6", "{count(last 3 days):.0f} payments, {amount_sum(last 2 days)} spent")
FLAGGED = Rule("flagged", 0, "amount_sum(last 10 days) > 400 and user_verified != 1", "x", flag="AML")
SPENT = Rule("spent", 5, "amount_sum(last 5 hours) >= 60", "x")


def rulebook(*rules: Rule) -> Rulebook:
    return Rulebook.of(RuleSet("windows", 1, SCALE, rules), NAMES)


def payments() -> list[dict[str, object]]:
    """Of three users, less and less often, some an hour late, one repeated."""
    made = [
        {
            "transaction_id": f"T{number}", "user_id": f"U{number % 3}", "amount": float(10 + number % 7 * 10),
            "timestamp": START + number * number * HOUR // 40 - (number % 5 == 4) * HOUR,
        }
        for number in range(150)
    ]  # fmt: skip
    return [*made[:100], made[90], *made[100:]]


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_hits_are_those_of_plain_sums(batch: int) -> None:
    scorer = scorer_over({})
    scorer.use_rules(rulebook(BUSY, FLAGGED))
    scorer.use_candidate(
        "other", Candidate(4, rulebook(SPENT, msgspec.structs.replace(BUSY, when="count(last 1 day) > 2")))
    )
    sent = payments()
    outputs = []
    for start in range(0, len(sent), batch):
        for payment in sent[start : start + batch]:
            scorer._log.set_current_key(payment["user_id"])  # type: ignore[attr-defined]
            line = json.dumps(payment).encode()
            scorer.submit(line, str(payment["user_id"]), None, Origin("test"))
        outputs += scorer.flush()
    before: dict[object, list[tuple[int, float]]] = defaultdict(list)
    seen, found = set(), defaultdict(int)

    def within(user: object, last: int, hours: int) -> list[float]:
        return [amount for hour, amount in before[user] if last - hours <= hour <= last]

    for payment, records in zip(sent, outputs, strict=True):
        decision = json.loads(records[0].value)
        if payment["transaction_id"] in seen:
            assert decision["type"] == "duplicate"
            continue
        seen.add(payment["transaction_id"])
        user, last = payment["user_id"], int(str(payment["timestamp"])) // HOUR
        before[user].append((last, float(str(payment["amount"]))))
        expected = {
            "busy": len(within(user, last, 72)) > 6,
            "flagged": False,
            "spent": sum(within(user, last, 5)) >= 60,
            "often": len(within(user, last, 24)) > 2,
        }
        (shadow,) = decision["shadow"]
        assert ("busy" in decision["rules"]["hits"]) is expected["busy"]
        assert ("spent" in shadow["hits"], "busy" in shadow["hits"]) == (expected["spent"], expected["often"])
        for name, value in expected.items():
            found[name] += value
    assert all(20 < found[name] < 140 for name in ("busy", "spent", "often")), found


def test_a_flag_and_a_reason_tell_of_windows() -> None:
    scorer = scorer_over({})
    forced = msgspec.structs.replace(BUSY, when="count(last 3 days) >= 2", action="hard_block")
    flagged = msgspec.structs.replace(
        FLAGGED, when="amount_sum(last 10 days) > 25", reason="{amount_sum(last 10 days):.0f}"
    )
    scorer.use_rules(rulebook(forced, flagged))
    decisions = []
    for number in range(2):
        scorer._log.set_current_key("U1")  # type: ignore[attr-defined]
        payment = {"transaction_id": f"T{number}", "user_id": "U1", "amount": 15.5, "timestamp": START + number * HOUR}
        (decision, *_) = scorer.process(json.dumps(payment).encode(), "U1", None, Origin("test"))
        decisions.append(json.loads(decision.value))
    assert [decision["flags"] for decision in decisions] == [[], ["AML"]]
    texts = [reason["text"] for reason in decisions[1]["reasons"]]
    assert any("2 payments, 31 spent" in text for text in texts)
    assert any("31" in text for text in texts)

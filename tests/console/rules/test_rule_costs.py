"""What conditions cost, on stores of both kinds: told of all rules that are evaluated, more of longer conditions."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from console.decides_with import DecidesWith
from console.rules.rule_costs import MOST_SECONDS, RuleCosts
from console.store.rows import Batch
from console.store.store import DecisionStore
from jobs.config.value_types import shipped_bundle
from tests.console.store.made_records import record
from udfs.records.events import Transaction
from udfs.rules.rule_set import Rule, RuleSet
from udfs.scoring.bundle import read_manifest

PART = "km_from_home > {number} or merchant_id == 'M{number}'"
LONG = " or ".join(PART.format(number=1_000_000 + number) for number in range(15))
RULES = RuleSet(
    "r", 1, ((0, 0), (10, 1000)),
    (
        Rule("short", 1, "amount > 5", "x"), Rule("long", 1, LONG, "x"), Rule("same", 2, "amount > 5", "y", state="shadow"),
        Rule("gone", 1, "amount > 6", "x", state="retired"),
        Rule("change", 0, "reason == 'x'", "x", flag="KYC", event="account_change"), Rule("no", 1, "no_such > 1", "x"),
    ),
)  # fmt: skip
KNOWN = DecidesWith(RULES, Path(shipped_bundle()))


class Clock:
    """Seconds that pass with each look."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def fill(store: DecisionStore, feature_set: str | None = None) -> None:
    manifest = read_manifest(shipped_bundle())
    store.knows_features(manifest.feature_set_version, manifest.feature_names)
    made = [record(number) for number in range(60)]
    features = dict.fromkeys(manifest.feature_names, 1.5)
    records = [
        msgspec.structs.replace(
            one, decision_id=f"{number:032x}", features=features,
            feature_set=feature_set or manifest.feature_set_version,
        )
        for number, one in enumerate(made)
    ]  # fmt: skip
    payments = [
        Transaction(
            transaction_id=one.transaction_id, user_id=one.user_id, timestamp=one.event_time_ms, amount=10.0,
            currency="EUR", merchant_id="M1",
        )
        for one in made
    ]  # fmt: skip
    store.write(Batch(decisions=records, events=payments))


def test_longer_conditions_cost_more_and_each_is_measured_once(store: DecisionStore) -> None:
    fill(store)
    costs = RuleCosts(store.database)
    found = costs.of_rules(KNOWN)
    assert set(found) == {"short", "long", "same"}
    assert found["short"] == found["same"]
    assert found["long"] > 5 * found["short"]
    assert 0 <= found["short"] < 50
    assert costs.of_rules(KNOWN) == found


def test_what_does_not_fit_into_the_time_of_a_page_is_measured_at_the_next(store: DecisionStore) -> None:
    fill(store)
    costs = RuleCosts(store.database, Clock(MOST_SECONDS / 10))
    first = costs.of_rules(KNOWN)
    assert set(first) == {"short", "same"}
    assert costs.of_rules(KNOWN).keys() == {"short", "same", "long"}


@pytest.mark.parametrize(
    "known", [KNOWN._replace(rules=None), KNOWN._replace(bundle_path=None), KNOWN._replace(bundle_path=Path("none"))]
)
def test_without_rules_bundle_or_payments_of_its_features_nothing_is_told(
    store: DecisionStore, known: DecidesWith
) -> None:
    assert RuleCosts(store.database).of_rules(KNOWN) == {}
    fill(store, "e" * 16)
    assert RuleCosts(store.database).of_rules(KNOWN) == {}
    fill(store)
    assert RuleCosts(store.database).of_rules(known) == {}

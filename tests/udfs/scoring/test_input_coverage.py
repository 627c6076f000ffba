"""Expected coverage of an input, against numbers computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from udfs.features.feature_set import FeatureSet
from udfs.records.events import Transaction
from udfs.scoring.coverage import Coverage
from udfs.scoring.coverage_words import coverage_lines
from udfs.scoring.input_coverage import InputCoverage, KnownElsewhere, input_coverage

# Five features: amount alone; merchant; merchant with history; device; profile.
GROUPS = {"merchant": (1, 2), "entity_history": (2,), "device": (3,), "profile": (4,), "attribute:gender": ()}
IMPORTANCE = (0.1, 0.2, 0.3, 0.25, 0.15)
IN_TRAINING = {"merchant": 0.9, "entity_history": 0.95, "device": 0.6, "profile": 0.8, "attribute:gender": 0.5}


def paid(number: int = 1, **fields: Any) -> Transaction:
    return Transaction(transaction_id=f"T{number}", user_id=f"U{number}", timestamp=number, amount=1.0, **fields)


def covered(
    transactions: list[Transaction], elsewhere: KnownElsewhere | None = None, floor: float = 0.5
) -> InputCoverage:
    return input_coverage(transactions, elsewhere or KnownElsewhere(), GROUPS, IN_TRAINING, IMPORTANCE, floor)


def test_expected_coverage_is_the_importance_of_known_groups() -> None:
    assert covered([paid()]).expected == pytest.approx(0.1)
    assert covered([paid(merchant_id="M")]).expected == pytest.approx(0.3)
    with_history = KnownElsewhere(has_histories=True)
    assert covered([paid(merchant_id="M")], with_history).expected == pytest.approx(0.6)
    everything = KnownElsewhere(has_histories=True, users={"U1": ()})
    assert covered([paid(merchant_id="M", device_id="D")], everything).expected == pytest.approx(1.0)


def test_shares_are_of_the_sampled_transactions() -> None:
    some = [paid(n, merchant_id="M" if n < 3 else None, device_id="D" if n == 1 else None) for n in range(4)]
    coverage = covered(some, KnownElsewhere(users={"U0": ()}))
    here = {group.group: group.here for group in coverage.groups}
    assert here == {"merchant": 0.75, "entity_history": 0.0, "device": 0.25, "profile": 0.25, "attribute:gender": 0.0}
    assert coverage.expected == pytest.approx((0.1 + 3 * 0.2 / 4) + 0.25 / 4 + 0.15 / 4)
    assert coverage.below_floor == 0.75  # only U1, with merchant and device, reaches 0.55


def test_missing_groups_are_ordered_by_lost_importance() -> None:
    coverage = covered([paid(merchant_id="M")])
    assert [group.group for group in coverage.missing] == ["entity_history", "device", "profile"]
    assert "attribute:gender" not in [group.group for group in coverage.missing]  # its importance is 0


def test_a_remote_store_is_assumed_to_be_as_in_training() -> None:
    elsewhere = KnownElsewhere(users=None, devices=None, ip_addresses=None, email_domains=None, has_histories=None)
    coverage = covered([paid(merchant_id="M", device_id="D")], elsewhere)
    assert coverage.missing == ()
    assert {group.group: group.here for group in coverage.groups}["profile"] == 0.8


def test_an_attribute_is_known_from_the_event_or_the_profile() -> None:
    groups, importance = {"attribute:gender": (0,)}, (1.0,)
    users = KnownElsewhere(users={"U2": ("gender",)})
    some = [paid(1, attributes={"gender": "F"}), paid(2), paid(3, attributes={"other": "x"})]
    coverage = input_coverage(some, users, groups, {"attribute:gender": 0.9}, importance, 0.0)
    assert coverage.groups[0].here == pytest.approx(2 / 3)


def test_every_group_of_the_feature_set_can_be_known_and_missing() -> None:
    """A transaction with all fields and reference data knows every group; one with required fields only knows none."""
    groups = FeatureSet().groups
    in_training = dict.fromkeys(groups, 1.0)
    importance = (1.0,) * len(FeatureSet().names)
    full = paid(
        merchant_id="M", merchant_category="5411", merchant_country="DE", channel="pos", entry_mode="chip", otp_used=True,
        card_id="4", device_id="D", ip_address="1", email_domain="e", beneficiary_id="B", latitude=1.0, longitude=1.0,
        city="C", country="DE", distance_from_home_km=1.0, account_tenure_months=1.0, txns_last_1h=1.0,
    )  # fmt: skip
    elsewhere = KnownElsewhere(
        users={"U1": ()}, devices={"D"}, ip_addresses={"1"}, email_domains={"e"}, has_logins=True, has_histories=True
    )
    assert input_coverage([full], elsewhere, groups, in_training, importance, 0.0).missing == ()
    bare = input_coverage([paid()], KnownElsewhere(), groups, in_training, importance, 0.0)
    assert {group.group for group in bare.missing} == set(groups)
    assert all(group.needs for group in bare.groups)


def test_expected_coverage_matches_the_scorers_coverage() -> None:
    import numpy as np

    exact = Coverage(GROUPS, IMPORTANCE)
    row = np.array([[1.0, 1.0, np.nan, np.nan, np.nan]], np.float32)  # merchant known, the rest not
    assert exact.of_rows(row)[0] == pytest.approx(covered([paid(merchant_id="M")]).expected)


def test_the_table_has_group_shares_importance_and_needs() -> None:
    lines = coverage_lines(covered([paid(merchant_id="M")]))
    assert lines[0].split() == ["missing", "in", "training", "here", "importance", "needs"]
    assert lines[1].split()[:4] == ["entity_history", "95%", "0%", "30.0%"]
    assert lines[2].split() == ["device", "60%", "0%", "25.0%", "device_id"]
    assert lines[-2].startswith("expected coverage 30%")
    assert lines[-1].startswith("100% of them are below the floor of 50%")


def test_one_line_says_that_nothing_is_missing() -> None:
    everything = KnownElsewhere(has_histories=True, users={"U1": ("gender",)})
    lines = coverage_lines(covered([paid(merchant_id="M", device_id="D")], everything))
    assert len(lines) == 1
    assert lines[0].startswith("all input groups are as frequent as in training")
    assert coverage_lines(covered([])) == ["coverage: no transactions sampled"]

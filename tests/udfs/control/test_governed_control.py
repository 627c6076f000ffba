"""Records taken by an operator: refusals, emergencies that run out, and all of it after restarts, against a plain model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.control.publishing import approval_of, late_approval_of
from models.default_bundle import DEFAULT_BUNDLE
from tests.udfs.control.signers import HOUR, KEYS, NOW, payload, proposal, published, thresholds, trusting
from tests.udfs.control.test_kept_elements import Map
from tests.udfs.scoring.test_scorer import Session, reference
from udfs.control.authority import Authority, AuthoritySettings, NotAuthorised
from udfs.control.chain import Recorded
from udfs.control.elements import BlockListControl, BundleControl, ControlElement, RulesControl, encode_control
from udfs.control.envelope import NO_HASH, encode_link, linked
from udfs.control.governed_control import GovernedControl
from udfs.control.history import history_of, in_force
from udfs.control.live_control import LiveControl
from udfs.rules.rule_set import Rule, RuleSet
from udfs.scoring.bundle import read_manifest

__all__ = ["reference"]


class Operator(Session):
    """One operator instance with its broadcast state, which can be killed and restored."""

    def __init__(self, folder: Path, authority: AuthoritySettings, state: Map | None = None, now_ms: int = NOW) -> None:
        super().__init__(folder)
        self.now_ms = now_ms
        self.number = 0
        self.state = Map() if state is None else state
        self.folder, self.authority = folder, authority
        self.control = GovernedControl(LiveControl(self.scorer), Authority(authority), lambda: self.now_ms)
        self.control.restore(self.state)

    def restarted(self) -> Operator:
        return Operator(self.folder, self.authority, Map(self.state.entries), self.now_ms)

    def take(self, record: bytes) -> str:
        return self.control.take(record, self.state).outcome

    def at(self, now_ms: int) -> list[str]:
        self.now_ms = now_ms
        return self.control.expire()

    @property
    def block_above(self) -> int | None:
        return self.scorer.config.decision.hard_block_above


def late(element: ControlElement, approver: str = "bob", at_ms: int = NOW, **options: Any) -> bytes:
    made = proposal(element, emergency=True, **options)
    approval = approval_of(made.authorship, approver, at_ms, private_key=KEYS[approver])
    return encode_link(linked(late_approval_of(element, approval, at_ms), 1, NO_HASH))


@pytest.fixture
def trusted(reference: Path) -> Operator:
    return Operator(reference, trusting("alice", "bob"))


def test_unsigned_and_replayed_elements_change_nothing(trusted: Operator) -> None:
    assert trusted.take(payload(thresholds(1, 800))) == "applied"
    assert trusted.take(payload(thresholds(3, 850))) == "applied"
    assert trusted.take(payload(thresholds(3, 850))) == "ignored"  # delivered twice
    for record, reason in (
        (encode_control(thresholds(4)), "thresholds version 4 is not signed"),
        (payload(thresholds(4), "mallory"), "which is not trusted"),
        (payload(thresholds(1, 800)), "thresholds version 1 was replaced by a newer version"),
        (payload(thresholds(3, 999)), "is not the element of this version: it is replayed"),
    ):
        with pytest.raises(NotAuthorised, match=reason):
            trusted.take(record)
        with pytest.raises(NotAuthorised, match=reason):
            trusted.restarted().take(record)
    assert trusted.block_above == 850
    assert trusted.restarted().block_above == 850


def test_an_emergency_runs_out_after_a_day_and_what_was_before_returns(trusted: Operator) -> None:
    trusted.take(payload(thresholds(1, 800)))
    assert trusted.take(payload(thresholds(2, 950), emergency=True)) == "applied"
    assert trusted.scorer.control_versions == {"thresholds": 2}
    for operator in (trusted, trusted.restarted()):
        assert operator.at(NOW + 24 * HOUR - 1) == []
        assert operator.block_above == 950
        assert operator.at(NOW + 24 * HOUR) == ["thresholds version 2"]
        assert operator.at(NOW + 24 * HOUR) == []
        assert operator.block_above == 800
        assert operator.scorer.control_versions == {"thresholds": 1}
        after = operator.restarted()
        assert (after.block_above, after.scorer.control_versions) == (800, {"thresholds": 1})
        assert after.take(payload(thresholds(3, 700))) == "applied"
        assert after.restarted().block_above == 700


def test_an_approval_within_the_day_makes_an_emergency_last(trusted: Operator) -> None:
    trusted.take(payload(thresholds(1, 800)))
    trusted.take(payload(thresholds(2, 950), emergency=True))
    with pytest.raises(NotAuthorised, match="ran out before it was approved: publish it again"):
        trusted.take(late(thresholds(2, 950), at_ms=NOW + 24 * HOUR))
    with pytest.raises(NotAuthorised, match="which is not trusted"):
        trusted.take(late(thresholds(2, 950), "mallory"))
    assert trusted.take(late(thresholds(2, 951))) == "ignored"  # of another content
    assert trusted.take(late(thresholds(2, 950), at_ms=NOW + HOUR)) == "applied"
    for operator in (trusted, trusted.restarted()):
        assert operator.at(NOW + 48 * HOUR) == []
        assert operator.block_above == 950


def test_an_approval_that_comes_late_but_was_given_in_time_counts(trusted: Operator) -> None:
    trusted.take(payload(thresholds(2, 950), emergency=True))
    trusted.at(NOW + 24 * HOUR)
    assert trusted.block_above is None
    assert trusted.scorer.control_versions == {}
    assert trusted.take(late(thresholds(2, 950), at_ms=NOW + HOUR)) == "applied"
    assert (trusted.block_above, trusted.restarted().block_above) == (950, 950)
    assert trusted.restarted().at(NOW + 99 * HOUR) == []


def test_an_emergency_that_ran_out_before_it_is_read_takes_no_effect(reference: Path) -> None:
    operator = Operator(reference, trusting("alice", "bob"), now_ms=NOW + 25 * HOUR)
    operator.take(payload(thresholds(1, 800)))
    assert operator.take(payload(thresholds(2, 950), emergency=True)) == "applied"
    assert operator.block_above == 800
    with pytest.raises(NotAuthorised, match="dated more than 10 minutes ahead"):
        operator.take(payload(thresholds(3), emergency=True, at_ms=NOW + 26 * HOUR))


def test_rules_bundle_and_block_list_return_as_they_were(reference: Path) -> None:
    def rules(version: int) -> RulesControl:
        return RulesControl(RuleSet("live", version, ((0, 0), (9, 900)), (Rule("all", 9, "amount > 0", "x"),)))

    def actions(operator: Operator) -> list[str]:
        """Of first payments of users of their own, so that none knows of another."""
        operator.number += 1
        return [
            operator.decision(user_id=user, transaction_id=f"T{operator.number}", **fields)["action"]
            for user, fields in (("blocked", {}), (f"V{operator.number}", {"device_id": "D-blocked"}))
        ]

    operator = Operator(reference, AuthoritySettings())
    start, before = operator.scorer.rulebook, actions(operator)
    elements: list[ControlElement] = [
        rules(1_000),
        BundleControl(version=1, path=str(DEFAULT_BUNDLE), bundle=read_manifest(DEFAULT_BUNDLE).version),
        BlockListControl(version=1, type="user", value="blocked"),
        BlockListControl(version=2, type="device", value="D-blocked", blocked=False),
    ]
    for element in elements:
        assert operator.take(payload(element, emergency=True, signed=False)) == "applied"
    assert operator.scorer.rulebook.version == 1_000
    assert (before[1], actions(operator)[0]) == ("hard_block", "hard_block")
    assert actions(operator)[1] != "hard_block"
    assert len(operator.at(NOW + 24 * HOUR)) == 4
    assert operator.scorer.rulebook.rule_set == start.rule_set
    for later in (operator, operator.restarted()):
        assert actions(later)[0] != "hard_block"
        assert actions(later)[1] == "hard_block"
        assert later.scorer.rulebook.version == start.version


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["lasting", "emergency", "approve", "wait", "restart", "bare", "replay"]), st.integers(1, 30)
    ),
    max_size=14,
)


@settings(max_examples=12)
@given(STEPS)
def test_any_course_leaves_what_the_log_says(reference: Path, steps: list[tuple[str, int]]) -> None:
    """Two instances, one of them restarted at will, and the history of the log agree with each other at all times."""
    required = trusting("alice", "bob", approvals_required=True)
    steady, shaky = Operator(reference, required), Operator(reference, required)
    log: list[Recorded] = []
    now_ms, version = NOW, 0
    open_ones: list[tuple[ControlElement, int]] = []

    def send(record: bytes) -> None:
        log.append(Recorded(str(len(log)), record, now_ms))
        outcomes = []
        for operator in (steady, shaky):
            try:
                outcomes.append(operator.take(record))
            except NotAuthorised as error:
                outcomes.append(str(error))
        assert outcomes[0] == outcomes[1]

    for what, hours in steps:
        if what in ("lasting", "emergency"):
            version += 1
            element = thresholds(version, 300 + version)
            is_emergency = what == "emergency"
            made = proposal(element, approver=None if is_emergency else "bob", emergency=is_emergency, at_ms=now_ms)
            send(encode_link(published(made, at_ms=now_ms)))
            if is_emergency:
                open_ones.append((element, now_ms))
        elif what == "approve" and open_ones:
            element, at_ms = open_ones[hours % len(open_ones)]
            made = proposal(element, emergency=True, at_ms=at_ms)
            approval = approval_of(made.authorship, "bob", now_ms, private_key=KEYS["bob"])
            send(encode_link(linked(late_approval_of(element, approval, now_ms), 1, NO_HASH)))
        elif what == "wait":
            now_ms += hours * HOUR
            assert steady.at(now_ms) == shaky.at(now_ms)
        elif what == "restart":
            shaky = shaky.restarted()
        elif what == "bare":
            send(encode_control(thresholds(version + 1)))
        elif what == "replay" and log:
            send(log[hours % len(log)].payload)
        entries = history_of(log, Authority(required), {"thresholds": 0})
        told = in_force(entries, now_ms).get("thresholds")
        expected = {} if told is None else {"thresholds": told.version}
        assert steady.scorer.control_versions == shaky.scorer.control_versions == expected
        assert steady.block_above == shaky.block_above == (None if told is None else 300 + (told.version or 0))

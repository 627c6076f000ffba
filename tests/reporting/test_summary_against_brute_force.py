"""Summaries of random small runs against plain loops and scikit-learn."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score, roc_curve

from reporting.run_files import read_run
from reporting.summary import Summary, summarize
from tests.reporting.made_runs import DAY_MS, START_MS, decision, duplicate_of, truth_of, write_run
from udfs.records.outputs import ACTIONS, Decision

Case = tuple[Decision, bool | None, str | None]
RULES = ("a", "b", "c")
PATTERNS = (None, "burst", "mule_chain")


@st.composite
def cases(draw: st.DrawFn) -> list[Case]:
    made: list[Case] = []
    for number in range(draw(st.integers(0, 30))):
        made.append(
            (
                decision(
                    number,
                    action=draw(st.sampled_from(ACTIONS)),
                    risk_score=draw(st.integers(0, 12)) * 80,
                    model_probability=draw(st.integers(0, 8)) / 8,
                    rule_score=draw(st.integers(0, 4)) * 250,
                    hits=draw(st.lists(st.sampled_from(RULES), unique=True)),
                    amount=draw(st.integers(0, 10_000)) / 4,
                    flags=draw(st.lists(st.sampled_from(("AML", "KYC", "PCI")), unique=True)),
                    late=draw(st.booleans()),
                    enrichment=draw(st.sampled_from(("ok", "stale", "degraded", "not_configured"))),
                ),
                draw(st.sampled_from((True, False, None))),
                draw(st.sampled_from(PATTERNS)),
            )
        )
    return made


def summary_of(made: list[Case], repeat: bool = False) -> Summary:
    decisions: list[Any] = [item for item, _, _ in made]
    if repeat:
        decisions += [duplicate_of(item) for item in decisions] + decisions[::-1]
    truth = [truth_of(item, is_fraud, pattern) for item, is_fraud, pattern in made if is_fraud is not None]
    with TemporaryDirectory() as directory:
        return summarize(read_run(write_run(Path(directory) / "run", decisions, truth or None)))


@settings(deadline=None, max_examples=30)
@given(cases())
def test_counts_and_amounts_equal_plain_loops(made: list[Case]) -> None:
    summary = summary_of(made)
    assert summary.transactions == len(made)
    assert summary.late == sum(item.late for item, _, _ in made)
    assert {row.name: row.count for row in summary.enrichment} == {
        name: sum(item.enrichment == name for item, _, _ in made)
        for name in ("ok", "stale", "degraded", "not_configured")
    }
    for action_row in summary.actions:
        chosen = [item for item, _, _ in made if item.action == action_row.action]
        assert action_row.count == len(chosen)
        assert action_row.amount == pytest.approx(sum(item.amount for item in chosen))
    for flag_row in summary.flags:
        flagged = [item.action for item, _, _ in made if flag_row.name in item.flags]
        assert (flag_row.transactions, flag_row.notices) == (len(flagged), flagged.count("allow"))
        assert flag_row.alerts == len(flagged) - flagged.count("allow")
    assert {row.rule_id for row in summary.rules} == {name for item, _, _ in made for name in item.rules.hits}
    frauds = [item for item, is_fraud, _ in made if is_fraud]
    for rule_row in summary.rules:
        hit = [(item, is_fraud) for item, is_fraud, _ in made if rule_row.rule_id in item.rules.hits]
        assert rule_row.hits == len(hit)
        assert rule_row.trigger_rate == len(hit) / len(made)
        if summary.accuracy is None:
            continue
        fraud_hits = sum(is_fraud is True for _, is_fraud in hit)
        known_hits = sum(is_fraud is not None for _, is_fraud in hit)
        assert rule_row.fraud_hits == fraud_hits
        assert rule_row.detection_rate == (fraud_hits / len(frauds) if frauds else None)
        assert rule_row.precision == (fraud_hits / known_hits if known_hits else None)


@settings(deadline=None, max_examples=30)
@given(cases())
def test_outcomes_and_patterns_equal_plain_loops(made: list[Case]) -> None:
    accuracy = summary_of(made).accuracy
    known = [(item, is_fraud, pattern) for item, is_fraud, pattern in made if is_fraud is not None]
    assert (accuracy is None) == (not known)
    if accuracy is None:
        return
    assert (accuracy.labelled, accuracy.unlabelled) == (len(known), len(made) - len(known))
    for row in accuracy.losses:
        kind, verb = row.outcome.split()
        chosen = [
            item
            for item, is_fraud, _ in known
            if is_fraud == (kind == "fraud") and (item.action != "allow") == (verb == "stopped")
        ]
        assert row.count == len(chosen)
        assert row.amount == pytest.approx(sum(item.amount for item in chosen))
        assert row.blocked == sum(item.action == "hard_block" for item in chosen)
    by_pattern: dict[str, list[Decision]] = defaultdict(list)
    for item, is_fraud, pattern in known:
        if is_fraud:
            by_pattern[pattern or "(no pattern named)"].append(item)
    assert {row.pattern: (row.frauds, row.caught, row.hard_block) for row in accuracy.patterns} == {
        pattern: (
            len(items),
            sum(item.action != "allow" for item in items),
            sum(item.action == "hard_block" for item in items),
        )
        for pattern, items in by_pattern.items()
    }


@settings(deadline=None, max_examples=30)
@given(cases())
def test_detection_and_rankings_equal_scikit_learn(made: list[Case]) -> None:
    accuracy = summary_of(made).accuracy
    known = [(item, is_fraud) for item, is_fraud, _ in made if is_fraud is not None]
    if accuracy is None:
        return
    labels = np.array([is_fraud for _, is_fraud in known])
    if not labels.any() or labels.all():
        assert all(row.auc is None and row.recall_at_1_percent_fpr is None for row in accuracy.rankings)
        return
    for detection, alerting in ((accuracy.alerts, ACTIONS[1:]), (accuracy.hard_blocks, ("hard_block",))):
        alerted = np.array([item.action in alerting for item, _ in known])
        precision, recall, f1, _ = precision_recall_fscore_support(labels, alerted, average="binary", zero_division=0)
        assert (detection.precision or 0.0) == pytest.approx(precision)
        assert detection.recall == pytest.approx(recall)
        assert detection.f1 == pytest.approx(f1)
        assert detection.false_positive_rate == pytest.approx(alerted[~labels].mean())
    scores = {
        "risk score": [item.risk_score for item, _ in known],
        "model": [item.model.probability for item, _ in known],
        "rules": [item.rules.score for item, _ in known],
    }
    for ranking in accuracy.rankings:
        score = scores[ranking.score]
        assert ranking.auc == pytest.approx(roc_auc_score(labels, score))
        assert ranking.average_precision == pytest.approx(average_precision_score(labels, score))
        rates, recalls, _ = roc_curve(labels, score, drop_intermediate=False)
        assert ranking.recall_at_1_percent_fpr == pytest.approx(recalls[rates <= 0.01].max())
        assert ranking.recall_at_3_percent_fpr == pytest.approx(recalls[rates <= 0.03].max())


@settings(deadline=None, max_examples=12)
@given(cases())
def test_repeated_decisions_and_alerts_change_only_their_count(made: list[Case]) -> None:
    once, again = summary_of(made), summary_of(made, repeat=True)
    assert (again.repeated, again.duplicates) == (len(made), len(made))
    for name in ("transactions", "amount", "actions", "alerts", "flags", "rules", "accuracy", "enrichment"):
        assert getattr(again, name) == getattr(once, name)


def test_card_precision_counts_each_day_and_lists_a_user_once() -> None:
    """150 users a day for two days; only the ten users U000 to U009 are defrauded, U000 to U004 on both days.

    On both days they have the highest scores. Day one finds ten of 100; day two lists no user found before.
    """
    made: list[Case] = []
    for day in range(2):
        for user in range(150):
            is_fraud = user < (10 if day == 0 else 5)
            item = decision(
                day * 150 + user,
                user_id=f"U{user:03d}",
                event_time_ms=START_MS + day * DAY_MS + user,
                risk_score=1000 - user,
                model_probability=user / 150,
            )
            made.append((item, is_fraud, None))
    accuracy = summary_of(made).accuracy
    assert accuracy is not None
    risk, model, _ = accuracy.rankings
    assert risk.card_precision_100 == pytest.approx((0.10 + 0.0) / 2)
    assert model.card_precision_100 == pytest.approx(0.0)
    assert accuracy.best_card_precision_100 == pytest.approx((0.10 + 0.0) / 2)

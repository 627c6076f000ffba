"""Every figure of the summary, against the table in hand_made.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from reporting.activity import ActionRow, FlagRow, NamedCount
from reporting.detection import Detection
from reporting.losses import LossRow
from reporting.pattern_table import UNNAMED, PatternRow
from reporting.rule_table import RuleRow
from reporting.run_facts import LatencyMs
from reporting.run_files import read_run
from reporting.summary import Accuracy, Summary, summarize
from tests.reporting.hand_made import write_hand_made_run
from tests.reporting.made_runs import START_MS


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    return summarize(read_run(write_hand_made_run(tmp_path / "run")))


@pytest.fixture
def accuracy(summary: Summary) -> Accuracy:
    assert summary.accuracy is not None
    return summary.accuracy


def test_records_are_counted_by_kind(summary: Summary) -> None:
    assert (summary.name, summary.transactions, summary.users) == ("run", 8, 5)
    assert (summary.first_time_ms, summary.last_time_ms) == (START_MS, START_MS + 7 * 60_000)
    assert (summary.amount, summary.amount_unit) == (422.0, "EUR")
    assert (summary.duplicates, summary.repeated, summary.late, summary.stale_history) == (2, 1, 1, 1)
    assert [(row.reason, row.count) for row in summary.dead_letter_classes] == [
        ("empty record", 2),
        ("timestamp: 5 lies in the future", 1),
    ]
    assert summary.dead_letters == 3


def test_facts_of_run_json_are_in_the_summary(summary: Summary) -> None:
    assert (summary.seconds, summary.transactions_per_second) == (0.5, 16.0)
    assert summary.latency_ms == LatencyMs(1.5, 2.5, 4.25, 9.0)
    assert (summary.bundles, summary.rule_versions) == (("test-1",), (1,))


def test_actions_flags_and_enrichment(summary: Summary) -> None:
    assert summary.actions == (
        ActionRow("hard_block", 1, 1 / 8, 100.0, 1),
        ActionRow("soft_challenge", 1, 1 / 8, 50.0, 1),
        ActionRow("refer_to_analyst", 2, 2 / 8, 65.0, 1),
        ActionRow("allow", 4, 4 / 8, 207.0, 1),
    )
    assert summary.stopped == 4
    assert summary.flags == (
        FlagRow("AML", 1, 0, 1),
        FlagRow("KYC", 1, 1, 0),
        FlagRow("PCI", 1, 0, 1),
        FlagRow("AUDIT", 0, 1, 0),
    )
    assert (summary.alerts, summary.alerts_by_flag_alone, summary.alerts_on_account_changes) == (4, 0, 0)
    assert (summary.flag_notices, summary.alerts_per_day, summary.unusual_alerts) == (2, 4.0, 0)
    assert summary.enrichment == tuple(
        NamedCount(*count) for count in (("ok", 7), ("stale", 1), ("degraded", 0), ("not_configured", 0))
    )


def test_rules_are_ordered_by_hits_including_those_without(summary: Summary) -> None:
    assert summary.rules == (
        RuleRow("new_device", "because of new_device", 3, 3 / 8, 2, 2 / 4, 2 / 3),
        RuleRow("cash", "because of cash", 2, 2 / 8, 1, 1 / 4, 1 / 1),  # the truth of the second hit is not known
        RuleRow("never_hits", "", 0, 0.0, 0, 0.0, None),
    )


def test_accuracy_covers_only_labelled_transactions(accuracy: Accuracy) -> None:
    assert (accuracy.labelled, accuracy.unlabelled, accuracy.frauds) == (7, 1, 4)
    assert (accuracy.unscored, accuracy.unscored_frauds) == (2, 1)
    assert accuracy.amount_of_frauds == 375.0


def test_detection_by_any_action_and_by_hard_block(accuracy: Accuracy) -> None:
    assert accuracy.alerts == Detection("refer_to_analyst", 3, 1, 1, 2, 3 / 4, 3 / 4, 0.75, 1 / 3)
    assert accuracy.hard_blocks == Detection("hard_block", 1, 3, 0, 3, 1.0, 1 / 4, 0.4, 0.0)
    assert accuracy.by_risk_score == Detection("risk score above 500", 3, 1, 1, 2, 3 / 4, 3 / 4, 0.75, 1 / 3)
    assert accuracy.by_model == Detection("model above 500", 3, 1, 0, 3, 1.0, 3 / 4, 6 / 7, 0.0)


def test_auc_is_the_share_of_pairs_in_the_right_order(accuracy: Accuracy) -> None:
    """Risk score: frauds 950 800 600 100, others 550 300 5: of 12 pairs all but (100, 550) and (100, 300) are right.

    Probability: frauds .95 .8 .6 .1, others .2 .3 .005: the same pairs. Rules: frauds 600 300 0 0, others 550 0 0:
    right are 3 + 2 whole, 4 ties at 0 count half.
    """
    risk, model, rules = accuracy.rankings
    assert (risk.score, model.score, rules.score) == ("risk score", "model", "rules")
    assert risk.auc == pytest.approx(10 / 12)
    assert model.auc == pytest.approx(10 / 12)
    assert rules.auc == pytest.approx((5 + 4 / 2) / 12)
    assert risk.average_precision == pytest.approx((1 + 1 + 1 + 4 / 6) / 4)
    assert rules.average_precision == pytest.approx((1 + 2 / 3 + 2 * 4 / 7) / 4)
    assert risk.recall_at_1_percent_fpr == 3 / 4
    assert rules.recall_at_3_percent_fpr == 1 / 4
    assert risk.card_precision_100 is None
    assert accuracy.best_card_precision_100 is None
    squares = (0.05**2, 0.2**2, 0.4**2, 0.9**2, 0.55**2, 0.3**2, 0.005**2)
    assert accuracy.brier_score == pytest.approx(sum(squares) / 7)


def test_patterns_count_their_frauds_by_action(accuracy: Accuracy) -> None:
    burst, unnamed = accuracy.patterns
    assert burst == PatternRow("burst", 3, 1, 1, 0, 1, 350.0, 200.0)
    assert (burst.caught, burst.recall) == (2, 2 / 3)
    assert unnamed == PatternRow(UNNAMED, 1, 0, 0, 1, 0, 25.0, 0.0)


def test_losses_by_outcome(accuracy: Accuracy) -> None:
    assert accuracy.losses == (
        LossRow("fraud stopped", 3, 175.0, 1, 100.0),
        LossRow("fraud missed", 1, 200.0, 0, 0.0),
        LossRow("legitimate stopped", 1, 40.0, 0, 0.0),
        LossRow("legitimate passed", 2, 3.0, 0, 0.0),
    )
    assert (accuracy.amount_saved, accuracy.amount_lost) == (175.0, 200.0)
    assert accuracy.resolutions == ()


def test_without_truth_all_other_figures_are_unchanged(tmp_path: Path, summary: Summary) -> None:
    directory = write_hand_made_run(tmp_path / "run")
    (directory / "truth.jsonl").unlink()
    without = summarize(read_run(directory))
    assert without.accuracy is None
    assert [row.frauds for row in without.actions] == [None] * 4
    assert [(row.rule_id, row.hits, row.detection_rate, row.precision) for row in without.rules] == [
        ("new_device", 3, None, None),
        ("cash", 2, None, None),
        ("never_hits", 0, None, None),
    ]
    for name in ("transactions", "amount", "alerts", "flags", "dead_letters", "late", "latency_ms", "enrichment"):
        assert getattr(without, name) == getattr(summary, name)

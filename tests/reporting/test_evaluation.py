"""`fraud evaluate`: the figures of a run against numpy and scikit-learn, and the page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import average_precision_score, roc_auc_score

from cli.main import main
from tests.reporting.made_runs import START_MS, decision, truth_of, write_run

ROWS = 600
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """600 transactions of 120 users over 60 days, every tenth a fraud, of two patterns."""
    random = np.random.default_rng(4)
    labels = np.arange(ROWS) % 10 == 0
    scores = np.round(np.clip(random.normal(0.2 + 0.4 * labels, 0.2), 0.001, 0.999), 3)
    amounts = np.round(random.gamma(2, 50, ROWS), 2)
    made = [
        decision(
            number, user_id=f"U{number % 120}", model_probability=float(scores[number]), amount=float(amounts[number]),
            event_time_ms=START_MS + number * DAY_MS // 10,
        )
        for number in range(ROWS)
    ]  # fmt: skip
    truth = [
        truth_of(one, bool(labels[number]), ("burst" if number % 20 else "takeover") if labels[number] else None)
        for number, one in enumerate(made)
    ]
    folder = write_run(tmp_path_factory.mktemp("runs") / "evaluated", made, truth)
    result = CliRunner().invoke(main, ["evaluate", str(folder), "--threshold", "0.5", "--budget", "2"])
    assert result.exit_code == 0, result.output
    return folder, labels, scores, amounts


def test_the_json_figures_equal_scikit_learn(run) -> None:  # type: ignore[no-untyped-def]
    folder, labels, scores, amounts = run
    found = json.loads((folder / "evaluation.json").read_bytes())
    assert (found["transactions"], found["frauds"], found["customers"]) == (600, 60, 120)
    assert found["auc"]["value"] == pytest.approx(roc_auc_score(labels, scores))
    assert found["average_precision"]["value"] == pytest.approx(average_precision_score(labels, scores))
    assert found["auc"]["low"] < found["auc"]["value"] < found["auc"]["high"]
    above = scores > 0.5
    [row] = found["thresholds"]
    assert row["precision"]["value"] == pytest.approx(labels[above].mean())
    assert row["recall"]["value"] == pytest.approx(above[labels].mean())
    assert row["false_positive_rate"] == pytest.approx(above[~labels].mean())
    assert row["amount_saved"] == pytest.approx(amounts[above & labels].sum())
    assert found["budgets"][0]["users_a_day"] <= 2
    patterns = {row["pattern"]: row for row in found["patterns"]}
    takeover = labels & (np.arange(ROWS) % 20 == 0)
    assert patterns["takeover"]["frauds"] == takeover.sum() == 30
    assert patterns["takeover"]["recall_above"]["0.5"] == pytest.approx(above[takeover].mean())
    assert [row["month"] for row in found["months"]] == ["2026-01", "2026-02", "2026-03"]
    january = np.arange(ROWS) < 310
    assert found["months"][0]["transactions"] == 310
    assert found["months"][0]["average_precision"] == pytest.approx(
        average_precision_score(labels[january], scores[january])
    )


def test_the_page_shows_the_same_figures_with_two_charts(run) -> None:  # type: ignore[no-untyped-def]
    folder, labels, scores, _ = run
    page = (folder / "evaluation.html").read_text()
    assert f"{roc_auc_score(labels, scores):.3f}" in page
    assert page.count("<svg") == 2
    assert "takeover" in page
    assert "http://" not in page
    assert "https://" not in page


def test_a_run_without_truth_or_without_fraud_is_refused(tmp_path: Path) -> None:
    made = [decision(number) for number in range(5)]
    without = write_run(tmp_path / "without", made)
    result = CliRunner().invoke(main, ["evaluate", str(without)])
    assert result.exit_code == 2
    assert "no truth to measure by" in result.output
    harmless = write_run(tmp_path / "harmless", made, [truth_of(one, False) for one in made])
    result = CliRunner().invoke(main, ["evaluate", str(harmless)])
    assert result.exit_code == 2
    assert "0 frauds among 5 labelled transactions" in result.output

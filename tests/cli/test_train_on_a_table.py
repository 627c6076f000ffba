"""`fraud train` on somebody's table, over a stated period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cli.main import main
from udfs.bundle import read_manifest

MAPPING = """\
kind: transaction
fields: {transaction_id: id, user_id: who, timestamp: at, amount: amount, merchant_id: shop}
label: {is_fraud: bad, delay_days: 7}
"""
START = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4,000 payments in 20 days; every 25th is a fraud of a high amount."""
    folder = tmp_path_factory.mktemp("table")
    random = np.random.default_rng(2)
    rows = ["id,who,at,amount,shop,bad"]
    for number in range(4_000):
        bad = number % 25 == 0
        moment = START + timedelta(days=20) * number / 4_000
        amount = random.gamma(3, 100 if bad else 10)
        rows.append(
            f"T{number},U{random.integers(80)},{moment:%Y-%m-%dT%H:%M:%SZ},{amount:.2f},M{random.integers(30)},{int(bad)}"
        )
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    (folder / "mapping.yaml").write_text(MAPPING)
    return folder


def train(table: Path, out: Path, *more: str) -> Result:
    inputs = [
        "--transactions",
        str(table / "table.csv"),
        "--mapping",
        str(table / "mapping.yaml"),
        "--bundle",
        str(out),
    ]
    return CliRunner().invoke(main, ["train", *inputs, "--quick", *more])


def test_a_period_of_a_table_gives_a_bundle_with_its_model_card(table: Path, tmp_path: Path) -> None:
    result = train(table, tmp_path / "b", "--train-from", "2024-03-03", "--train-until", "2024-03-13")
    assert result.exit_code == 0, result.output
    manifest = read_manifest(tmp_path / "b")
    assert manifest.metrics["training"]["rows"] == 2_000
    assert manifest.metrics["training"]["frauds"] == 80
    assert manifest.metrics["calibration"]["scores"]["ensemble"]["average_precision"] > 0.5
    assert manifest.version in (tmp_path / "b" / "model_card.md").read_text()
    assert "learned from             2,000 transactions, 80 frauds" in result.output
    again = train(table, tmp_path / "c", "--train-from", "2024-03-03", "--train-until", "2024-03-13")
    assert again.exit_code == 0
    assert read_manifest(tmp_path / "c") == manifest


def test_labels_known_after_the_moment_of_training_are_left_out(table: Path, tmp_path: Path) -> None:
    period = ("--train-from", "2024-03-03", "--train-until", "2024-03-13", "--labels-until", "2024-03-14")
    assert train(table, tmp_path / "b", *period).exit_code == 2  # the calibration days' labels are not known yet
    period = ("--train-from", "2024-03-03", "--train-until", "2024-03-13", "--labels-until", "2024-03-18T12:00:00")
    result = train(table, tmp_path / "b", *period)
    assert result.exit_code == 0, result.output
    assert read_manifest(tmp_path / "b").metrics["training"]["rows"] < 2_000


@pytest.mark.parametrize(
    ("options", "chosen_for"),
    [
        ((), {"kind": "false_positive_rate", "rate": 0.003}),
        (("--budget-fpr", "0.05"), {"kind": "false_positive_rate", "rate": 0.05}),
        (("--budget-alerts-per-day", "2.5"), {"kind": "alerts_per_day", "alerts": 2.5}),
        (("--cost-review", "5", "--cost-stop", "40"), {"kind": "cost", "review": 5.0, "stop": 40.0}),
        (("--fixed-thresholds", "400,600,800"),
         {"kind": "fixed", "refer_above": 400, "soft_challenge_above": 600, "hard_block_above": 800}),
    ],
)  # fmt: skip
def test_thresholds_are_those_of_the_stated_budget(
    table: Path, tmp_path: Path, options: tuple[str, ...], chosen_for: dict[str, object]
) -> None:
    period = ("--train-from", "2024-03-03", "--train-until", "2024-03-13")
    result = train(table, tmp_path / "b", *period, *options)
    assert result.exit_code == 0, result.output
    decision = read_manifest(tmp_path / "b").decision
    assert decision.budget["chosen_for"] == chosen_for
    assert decision.budget["gave"]["refer"]["above"] == decision.refer_above
    assert decision.refer_above <= decision.soft_challenge_above <= decision.hard_block_above
    assert [known.rule_set for known in decision.rule_maps] == ["bank"]
    assert "refer above" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--train-from", "2024-03-03"), "--train-from and --train-until belong together"),
        (("--mapping", "other.yaml"), "1 tables and 2 mappings"),
        (("--cost-review", "5"), "--cost-review and --cost-stop belong together"),
        (("--budget-fpr", "0.01", "--budget-alerts-per-day", "5"), "give one budget"),
        (("--fixed-thresholds", "500,700"), "is not three risk scores like 500,700,900"),
        (("--fixed-thresholds", "800,700,900"), "must rise, from 0 to 1000"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_line(
    table: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    result = train(table, tmp_path / "b", *options)
    assert result.exit_code == 2
    assert message in result.output

"""`fraud train` on a table, over a given period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cli.main import main
from udfs.scoring.bundle import read_manifest

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


def test_training_on_a_period_writes_a_bundle_and_a_model_card(table: Path, tmp_path: Path) -> None:
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


def test_labels_known_after_the_time_of_training_are_not_used(table: Path, tmp_path: Path) -> None:
    period = ("--train-from", "2024-03-03", "--train-until", "2024-03-13", "--labels-until", "2024-03-14")
    assert train(table, tmp_path / "b", *period).exit_code == 2  # labels of the calibration days are not known by then
    period = ("--train-from", "2024-03-03", "--train-until", "2024-03-13", "--labels-until", "2024-03-18T12:00:00")
    result = train(table, tmp_path / "b", *period)
    assert result.exit_code == 0, result.output
    assert read_manifest(tmp_path / "b").metrics["training"]["rows"] < 2_000


def test_the_label_delay_decides_from_when_on_labels_count(table: Path, tmp_path: Path) -> None:
    """Labels of the table, which lasts for 20 days, are known at once."""
    at_once = tmp_path / "at_once.yaml"
    at_once.write_text(MAPPING.replace("delay_days: 7", "delay_days: 0"))
    last_days = ("--train-from", "2024-03-15", "--train-until", "2024-03-21", "--workers", "1")

    def trained(*options: str) -> Result:
        inputs = [
            "--transactions",
            str(table / "table.csv"),
            "--mapping",
            str(at_once),
            "--bundle",
            str(tmp_path / "b"),
        ]
        return CliRunner().invoke(main, ["train", *inputs, "--quick", *last_days, *options])

    refused = trained()
    assert refused.exit_code == 2
    assert (
        "no transaction with a known label: a label counts 7 days after its transaction (--label-delay)"
        in refused.output
    )
    result = trained("--label-delay", "0")
    assert result.exit_code == 0, result.output
    manifest = read_manifest(tmp_path / "b")
    assert manifest.metrics["training"]["rows"] == 1_200
    assert manifest.metrics["training"]["frauds"] == 48
    assert manifest.description["label_delay_days"] == 0


@pytest.mark.parametrize(
    ("options", "chosen_for"),
    [
        ((), {"kind": "false_positive_rate", "rate": 0.0025}),
        (("--budget-fpr", "0.05"), {"kind": "false_positive_rate", "rate": 0.05}),
        (("--budget-alerts-per-day", "2.5"), {"kind": "alerts_per_day", "alerts": 2.5}),
        (("--cost-review", "5", "--cost-stop", "40"), {"kind": "cost", "review": 5.0, "stop": 40.0}),
        (("--fixed-thresholds", "400,600,800"),
         {"kind": "fixed", "refer_above": 400, "soft_challenge_above": 600, "hard_block_above": 800}),
    ],
)  # fmt: skip
def test_thresholds_follow_the_given_budget(
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
        (("--fixed-thresholds", "800,700,900"), "must ascend, from 0 to 1000"),
    ],
)
def test_conflicting_options_are_refused_in_one_line(
    table: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    result = train(table, tmp_path / "b", *options)
    assert result.exit_code == 2
    assert message in result.output

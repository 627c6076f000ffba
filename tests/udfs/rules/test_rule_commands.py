"""Output and errors of `fraud rules` and `fraud stats`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from udfs.rules.population import load_population

RULES = """
name: own
version: 2
scale: [[0, 0], [50, 600]]
rules:
  - {id: large, points: 10, when: amount > 100, reason: "large: {amount:.2f}", tier: size, action: soft_challenge}
  - {id: small, points: 20, when: amount > 10, reason: small, tier: size, enabled: false}
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_valid_rule_file_passes_with_a_warning_on_the_order_of_a_tier(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(RULES)
    result = run("rules", "check", path)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "own.yaml: warning: rule small: gives more points than large, which comes first in tier size",
        "own.yaml: own version 2, 1 of 2 rules enabled: valid",
    ]


def test_each_invalid_rule_is_listed_on_one_line(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(RULES.replace("amount > 100", "amonut > 100").replace("reason: small", "reason: '{x'"))
    result = run("rules", "check", path)
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        "Error: own.yaml: rule large: unknown name 'amonut' at column 1 (did you mean 'amount'?)",
        "own.yaml: rule small: the reason has a brace that does not belong to {name} or {name:.1f} at column 1 "
        "(write {{ or }})",
    ]


def test_rules_that_cannot_or_always_hit_are_told(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(
        """
name: own
version: 1
scale: [[0, 0], [50, 600]]
rules:
  - {id: wide, points: 5, when: amount > 50, reason: x, tier: size}
  - {id: narrow, points: 10, when: amount > 100, reason: x, tier: size}
  - {id: kinds, points: 5, when: kind == "chargeback", reason: x}
  - {id: never, points: 5, when: hour_local > 23 and is_vip, reason: x}
  - {id: always, points: 5, when: amount >= 0, reason: x}
"""
    )
    result = run("rules", "check", path)
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        "own.yaml: warning: rule always: the condition is always true, whatever the known values are",
        "Error: own.yaml: rule narrow: never hits: wide, which comes first in tier size, is true whenever it is "
        "(put the strictest rule of a tier first)",
        "own.yaml: rule kinds: 'chargeback' is not a known kind at column 9 (known are purchase, refund, reversal)",
        "own.yaml: rule never: the condition is never true: no value of 'hour_local' fits it",
    ]


def test_a_file_without_rules_or_with_a_long_name_is_refused(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(f"name: {'x' * 990_000}\nversion: 1\nscale: [[0, 0], [1, 1]]\nrules: []\n")
    result = run("rules", "check", path)
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        "Error: own.yaml: name has 990000 characters, at most 100 are allowed",
        "own.yaml: a rule set needs at least one rule",
    ]


def test_a_file_that_is_not_a_rule_set_gives_a_one_line_error(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("- 1")
    result = run("rules", "check", path)
    assert (result.exit_code, result.output) == (2, "Error: own.yaml: Expected 'object', got 'array'\n")


def test_the_bank_pack_is_shown_with_points_conditions_and_reasons():
    result = run("rules", "show")
    assert result.exit_code == 0
    assert "points -> score: 0 -> 0, 75 -> 200, 120 -> 400, 150 -> 510" in result.output
    assert "  25  amount_over_5x_average  (tier amount_ratio)\n      when    amount_vs_user_avg > 5\n" in result.output
    assert "reason  amount is {amount_vs_user_avg:.1f}x this user's average" in result.output


def test_a_rule_file_is_shown_with_tier_action_and_enabled(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(RULES)
    result = run("rules", "show", "--pack", path)
    assert "  10  large  (tier size, at least soft_challenge)\n" in result.output
    assert "  20  small  (tier size, disabled)\n" in result.output


def test_an_unknown_pack_is_refused_with_the_known_ones():
    result = run("rules", "show", "--pack", "bnak")
    assert result.exit_code == 2
    assert "unknown rule pack 'bnak': expected one of bank" in result.output


@pytest.fixture
def events(tmp_path):
    path = tmp_path / "events.jsonl"
    rows = [
        {"transaction_id": f"T{n}", "user_id": "U1", "timestamp": 1_767_225_600_000 + n * 1000, "amount": n + 1.0,
         "city": "Pune", "latitude": 10.0, "longitude": 20.0}
        for n in range(20)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "broken\n")
    return path


def test_the_stats_command_reports_missing_figures_and_bad_lines(events, tmp_path):
    out = tmp_path / "made" / "statistics.json"
    result = run("stats", "--events", events, "--out", out)
    assert result.exit_code == 0
    assert f"20 transactions, 0 known frauds: {out}" in result.output
    assert "as of 2026-01-01 00:00:19 UTC" in result.output
    assert "no distance from home" in result.output
    assert "no fraud rate" in result.output
    assert "1 of 21 lines were skipped:\n  line 21: not JSON" in result.output
    assert load_population(out).statistics.snapshots[-1].amount_p95 == pytest.approx(19.05)


@pytest.mark.parametrize("until", ["2026-01-01T00:00:09.500Z", "2026-01-01T01:00:09.500+01:00", "1767225609500"])
def test_until_is_a_moment_in_iso_8601_or_epoch_milliseconds(events, tmp_path, until):
    reference = tmp_path / "reference"
    reference.mkdir()
    (reference / "users.jsonl").write_text('{"user_id": "U1", "home_latitude": 10.0, "home_longitude": 20.0}\n')
    out = tmp_path / "statistics.json"
    result = run("stats", "--events", events, "--out", out, "--until", until, "--reference", reference)
    assert result.exit_code == 0
    (figures,) = load_population(out).statistics.snapshots
    assert (figures.transactions, figures.as_of_ms, figures.km_from_home_p90) == (10, 1_767_225_609_001, 0.0)


def test_amounts_go_through_the_fx_table(events, tmp_path):
    events.write_text(
        '{"transaction_id": "T", "user_id": "U", "timestamp": 1767225600000, "amount": 100, "currency": "EUR"}'
    )
    rates, out = tmp_path / "fx.csv", tmp_path / "statistics.json"
    rates.write_text("currency,valid_from,rate\nEUR,2020-01-01,0.9\n")
    assert run("stats", "--events", events, "--out", out, "--fx-rates", rates, "--base-currency", "CHF").exit_code == 0
    statistics = load_population(out).statistics
    assert (statistics.snapshots[-1].amount_p95, statistics.base_currency) == (90.0, "CHF")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until", "yesterday"], "--until 'yesterday' is neither ISO 8601"),
        (["--until", "1767225609"], "--until: 1767225609 ms is before 1973-03-03; it looks like epoch seconds"),
        (["--until", "1767225609500000"], "in epoch milliseconds; it looks like epoch microseconds"),
        (["--until", "1767225609500000000"], "in epoch milliseconds; it looks like epoch nanoseconds"),
        (["--reference", "none"], "none: no such folder of reference files"),
        (["--fx-rates", "none.csv"], "none.csv: cannot be read"),
    ],
)
def test_invalid_arguments_give_one_line_and_write_nothing(events, tmp_path, arguments, message):
    out = tmp_path / "statistics.json"
    result = run("stats", "--events", events, "--out", out, *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert not out.exists()


def test_a_missing_file_of_events_gives_a_one_line_error(tmp_path):
    result = run("stats", "--events", tmp_path / "none.jsonl", "--out", tmp_path / "statistics.json")
    assert result.exit_code == 2
    assert "none.jsonl: cannot be read: No such file or directory" in result.output

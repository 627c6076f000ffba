"""`fraud rules` and `fraud stats` as their users meet them."""

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


def test_a_good_rule_file_is_said_to_be_good_and_a_shadowed_tier_is_noted(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(RULES)
    result = run("rules", "check", path)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "own.yaml: note: tier size: small gives more points than large, which comes first",
        "own.yaml: own version 2, 1 of 2 rules enabled: all good",
    ]


def test_every_faulty_rule_is_listed_on_a_line_of_its_own(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(RULES.replace("amount > 100", "amonut > 100").replace("reason: small", "reason: '{x'"))
    result = run("rules", "check", path)
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        "Error: own.yaml: rule large: unknown name 'amonut' at column 1 (did you mean 'amount'?)",
        "own.yaml: rule small: the reason has a brace that is no {name} or {name:.1f} at column 1 (write {{ or }})",
    ]


def test_a_file_that_is_no_rule_set_ends_in_one_line(tmp_path):
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


def test_an_own_file_is_shown_by_its_path_with_tier_action_and_whether_it_is_enabled(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(RULES)
    result = run("rules", "show", "--pack", path)
    assert "  10  large  (tier size, at least soft_challenge)\n" in result.output
    assert "  20  small  (tier size, disabled)\n" in result.output


def test_an_unknown_pack_is_refused_naming_those_there_are():
    result = run("rules", "show", "--pack", "bnak")
    assert result.exit_code == 2
    assert "no rule pack 'bnak': there are bank" in result.output


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


def test_statistics_are_written_and_told_with_what_is_missing_and_what_was_left_out(events, tmp_path):
    out = tmp_path / "made" / "statistics.json"
    result = run("stats", "--events", events, "--out", out)
    assert result.exit_code == 0
    assert f"20 transactions, 0 known frauds: {out}" in result.output
    assert "as of 2026-01-01 00:00:19 UTC" in result.output
    assert "no distance from home" in result.output
    assert "no fraud rate" in result.output
    assert "1 of 21 lines were left out:\n  line 21: not JSON" in result.output
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
        (["--reference", "none"], "none: no such folder of reference files"),
        (["--fx-rates", "none.csv"], "none.csv: cannot be read"),
    ],
)
def test_what_a_user_got_wrong_ends_in_one_line_and_writes_nothing(events, tmp_path, arguments, message):
    out = tmp_path / "statistics.json"
    result = run("stats", "--events", events, "--out", out, *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert not out.exists()


def test_a_missing_file_of_events_ends_in_one_line(tmp_path):
    result = run("stats", "--events", tmp_path / "none.jsonl", "--out", tmp_path / "statistics.json")
    assert result.exit_code == 2
    assert "none.jsonl: cannot be read: No such file or directory" in result.output

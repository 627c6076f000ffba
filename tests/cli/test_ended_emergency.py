"""An emergency that nobody approved in time is in force for no command: what was before it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from cli.main import main
from tests.cli.test_control_governance import Bank, bank

__all__ = ["bank"]

RULE = {"id": "shop", "points": 10, "when": "merchant_id in @shops", "reason": "shop", "state": "shadow"}
LASTING = {"name": "own", "version": 1, "scale": [[0, 0], [10, 650]], "rules": [RULE]}
EMERGENCY = LASTING | {"rules": [RULE, {"id": "all", "points": 10, "when": "amount > 0", "reason": "all"}]}


def fraud(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def rule_file(folder: Path, name: str, rules: dict[str, Any]) -> str:
    file = folder / name
    file.write_text(yaml.safe_dump(rules))
    return str(file)


@pytest.fixture
def ended(bank: Bank) -> Bank:
    """Rules with one rule in shadow and a list, and an emergency of two rules and another list that has ended."""
    config = ("--config", str(bank.job))
    assert fraud("lists", "add", "shops", "M1", "--type", "merchant", *config).exit_code == 0
    bank("publish", "--rules", rule_file(bank.folder, "lasting.yaml", LASTING), "--yes")
    bank("publish", "--rules", rule_file(bank.folder, "emergency.yaml", EMERGENCY), "--emergency", "--yes")
    assert fraud("lists", "add", "shops", "M2", "--emergency", *config).exit_code == 0
    bank.write(emergency_hours=1e-7)
    return bank


def published_rules(bank: Bank) -> dict[str, Any]:
    """The rule set of the newest publication."""
    record = json.loads(bank.files()[-1].read_text())
    rule_set: dict[str, Any] = record["element"]["rule_set"]
    return rule_set


def test_show_says_that_it_is_over(ended: Bank) -> None:
    lines = {line.partition(" ")[0]: line for line in ended("show").output.splitlines()}
    before = int(lines["rules"].split("version ")[1].partition(":")[0]) - 1
    assert lines["rules"].endswith(f" (over: an emergency that was not approved; version {before} is in force)")
    assert lines["list/shops"].endswith(" (over: an emergency that was not approved; version 1 is in force)")


def test_promote_and_publish_start_from_what_was_in_force_before(ended: Bank) -> None:
    config = ("--config", str(ended.job))
    promoted = fraud("rules", "promote", "shop", "--to", "live", "--yes", *config)
    assert promoted.exit_code == 0, promoted.output
    lines = promoted.output.splitlines()
    assert lines[0] == "shop: shadow -> live"
    assert ": 0 removed, 0 added, 1 changed, 0 as before" in lines[1]
    made = published_rules(ended)
    assert [rule["id"] for rule in made["rules"]] == ["shop"]
    shown = ended("publish", "--rules", rule_file(ended.folder, "again.yaml", EMERGENCY), "--yes").output
    assert ": 0 removed, 1 added, 1 changed, 0 as before" in shown
    assert published_rules(ended)["version"] == made["version"] + 1


def test_lists_go_on_from_the_entries_before(ended: Bank) -> None:
    config = ("--config", str(ended.job))
    assert fraud("lists", "show", "shops", *config).output.splitlines()[1].split()[0] == "M1"
    added = fraud("lists", "add", "shops", "M3", *config)
    assert "published list/shops version 3: 2 entries of type merchant" in added.output
    shown = fraud("lists", "show", "shops", *config).output
    assert ("M1" in shown, "M2" in shown, "M3" in shown) == (True, False, True)
    refused = fraud("lists", "delete", "shops", *config)
    assert "1 rules of own version" in refused.output


def test_promote_and_lists_can_be_proposed_for_approval(bank: Bank) -> None:
    bank.write(approvals="required")
    config = ("--config", str(bank.job))
    refused = fraud("lists", "add", "shops", "M1", "--type", "merchant", *config)
    assert refused.exit_code == 2
    assert refused.output.splitlines()[-1].endswith("`approve`), or use --emergency")
    first, second = str(bank.folder / "list.json"), str(bank.folder / "rules.json")
    proposed = fraud("lists", "add", "shops", "M1", "--type", "merchant", "--author", "alice", "--out", first, *config)
    assert "proposed list/shops version 1: 1 entries of type merchant, by alice" in proposed.output
    assert bank.files() == []
    assert "bob approved list/shops version 1" in bank("approve", first, "--yes", "--approver", "bob").output
    bank("publish", "--proposal", first, "--yes")
    bank("publish", "--rules", rule_file(bank.folder, "own.yaml", LASTING), "--emergency", "--yes")
    change = ("rules", "promote", "shop", "--to", "live", "--author", "alice", "--backtest", "b-1", *config)
    assert fraud(*change, "--yes").exit_code == 2
    assert (
        fraud(*change, "--out", second, "--store", "sqlite:///x.sqlite").output
        == "Error: give --out or --store, not both\n"
    )
    assert "proposed rules version" in fraud(*change, "--out", second).output
    question = CliRunner().invoke(main, ["control", "approve", second, "--approver", "bob", *config], input="n\n")
    assert question.exit_code == 2
    assert "1 changed, 0 as before" in question.output
    assert "approve this? [y/N]: n" in question.output
    assert "approval" not in json.loads(Path(second).read_text())[0]
    bank("approve", second, "--approver", "bob", "--yes")
    bank("publish", "--proposal", second, "--yes")
    told = bank("history").output.splitlines()[-1]
    assert "by alice, approved by bob, backtest b-1" in told

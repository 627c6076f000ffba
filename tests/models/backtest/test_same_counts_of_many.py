"""200,000 payments, scored live, in shadow and with a share of the customers: a backtest counts what each counted."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from click.testing import CliRunner

from cli.main import main
from udfs.rules.pack_files import shipped_pack
from udfs.rules.rule_set import Rule, RuleSet

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]
PAYMENTS = 200_000
VERSION = 90
SHARE = 30
OWN = (
    Rule("own_large", 40, "amount > 3 * user_avg_amount and amount > 100", "large", action="refer_to_analyst"),
    Rule("own_far", 25, "km_from_home > 200 or merchant_country != country", "far"),
    Rule("own_new_device", 30, "is_new_device and not (6 <= hour_local < 22)", "new device", action="soft_challenge"),
    Rule("own_quick", 15, "seconds_since_last < 120 and known(device_id)", "quick"),
)
NAMES = {rule.id for rule in OWN}


def rules_with(**fields: Any) -> RuleSet:
    """The bank pack with four rules more, which have these fields."""
    bank = shipped_pack("bank")
    made = tuple(msgspec.structs.replace(rule, **fields) for rule in OWN)
    return msgspec.structs.replace(bank, version=VERSION, rules=(*made, *bank.rules))


def fraud(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def decisions_of(run: Path) -> dict[str, dict[str, Any]]:
    found = {}
    with (run / "decisions.jsonl").open("rb") as lines:
        for line in lines:
            one = json.loads(line)
            if one["type"] == "decision":
                said = one.get("shadow", [])
                found[one["decision_id"]] = {
                    "user": one["user_id"], "hits": one["rules"]["hits"], "points": one["rules"]["points"],
                    "action": one["action"], "shadow": said[0] if said else None, "sets": len(said),
                }  # fmt: skip
    return found


def test_a_backtest_a_live_run_shadow_and_a_share_have_the_same_counts(tmp_path: Path) -> None:
    fraud("simulate", "--out", tmp_path / "history", "--users", 2_000, "--transactions", PAYMENTS, "--seed", 18)
    history = tmp_path / "history"
    runs = {}
    for name, rule_set in (
        ("live", rules_with()), ("shadow", rules_with(state="shadow")), ("share", rules_with(rollout=SHARE)),
    ):  # fmt: skip
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(msgspec.to_builtins(rule_set)))
        fraud(
            "score", "--input", history / "events.jsonl", "--reference", history / "reference", "--rules", file,
            "--run", tmp_path / name, "--features", "packed", "--no-report",
        )  # fmt: skip
        runs[name] = decisions_of(tmp_path / name)
    live, shadow, share = runs["live"], runs["shadow"], runs["share"]
    assert len(live) == PAYMENTS
    assert live.keys() == shadow.keys() == share.keys()

    hits = Counter(hit for one in live.values() for hit in one["hits"])
    actions = Counter(one["action"] for one in live.values())
    assert all(hits[name] > 500 for name in NAMES), hits
    assert all(one["shadow"] is None for one in live.values())

    in_shadow = Counter(hit for one in shadow.values() for hit in one["shadow"]["hits"])
    assert in_shadow == Counter({name: hits[name] for name in NAMES})
    assert Counter(one["shadow"]["action"] for one in shadow.values()) == actions
    assert not NAMES & {hit for one in shadow.values() for hit in one["hits"]}
    for name, one in live.items():
        for other in (shadow[name], share[name]):
            assert other["sets"] == 1
            assert (other["shadow"]["action"], other["shadow"]["points"]) == (one["action"], one["points"])
            assert sorted([*other["hits"], *other["shadow"]["hits"]]) == sorted(one["hits"])

    # Each customer always gets the same version of a rule, and a share of them the new one.
    counted = Counter(hit for one in share.values() for hit in one["hits"])
    for rule in NAMES:
        with_it = {one["user"] for one in share.values() if rule in one["hits"]}
        without = {one["user"] for one in share.values() if rule in one["shadow"]["hits"]}
        assert not with_it & without
        assert 0.2 < len(with_it) / len(with_it | without) < 0.4
        assert 0 < counted[rule] < hits[rule]

    def backtest(rules: str, over: str) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(
            fraud("rules", "backtest", tmp_path / f"{rules}.yaml", "--over", tmp_path / over, "--format", "json")
        )
        return report

    def count(report: dict[str, Any]) -> Counter[str]:
        return Counter({rule["id"]: rule["hits"] for rule in report["rule_figures"] if rule["hits"]})

    tried = backtest("live", over="shadow")
    assert tried["data"]["decisions"] == PAYMENTS
    assert count(tried) == hits
    assert Counter({name: number for name, number in tried["after"]["actions"].items() if number}) == actions
    of_share = backtest("share", over="live")
    assert count(of_share) == counted
    given = Counter(one["action"] for one in share.values())
    assert Counter({name: number for name, number in of_share["after"]["actions"].items() if number}) == given

    (told,) = json.loads(fraud("rules", "effectiveness", "--over", tmp_path / "shadow", "--format", "json"))["shadows"]
    frauds = {rule["id"]: (rule["hits"], rule["frauds"]) for rule in tried["rule_figures"] if rule["id"] in NAMES}
    assert {rule["id"]: (rule["hits"], rule["frauds"]) for rule in told["rules"]} == frauds
    print(f"{PAYMENTS:,} payments; actions {dict(actions)}; with a share {dict(given)}")
    for rule in sorted(NAMES):
        print(
            f"{rule}: {hits[rule]:,} hits live, in shadow and by backtest; {counted[rule]:,} with a share of {SHARE} %"
        )

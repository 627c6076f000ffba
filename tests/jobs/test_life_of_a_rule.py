"""Rules in shadow of a job of two instances, their guardrails, and what a savepoint keeps of them."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import yaml

from jobs.control.file_channel import FileChannel
from jobs.score_transactions import run, start
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import written_lines
from tests.jobs.prometheus import Scrape, free_port, reporter
from udfs.control.elements import CandidateControl, RulesControl
from udfs.rules.pack_files import shipped_pack
from udfs.rules.rule_set import Guardrails, Rule, RuleSet

EVENTS = 8_000
PATIENCE_SECONDS = 30
BANK = shipped_pack("bank")
RULE = Rule("over_20", 60, "amount > 20", "amount {amount:.2f}", action="soft_challenge")


def with_rule(version: int, **fields: Any) -> RuleSet:
    rule = msgspec.structs.replace(RULE, **fields)
    return msgspec.structs.replace(BANK, version=version, rules=(rule, *BANK.rules))


def decided(directory: Path) -> list[dict[str, Any]]:
    records = map(json.loads, written_lines(directory, "decisions"))
    return [record for record in records if record["type"] == "decision"]


def test_counts_of_shadow_are_those_of_a_live_job_of_the_same_rules(configure: Configure, tmp_path: Path) -> None:
    source = write_events(tmp_path / "events.jsonl", event_lines(EVENTS, seed=9))

    def decisions(name: str, rule_set: RuleSet) -> dict[str, dict[str, Any]]:
        rules = tmp_path / f"{name}.yaml"
        rules.write_text(yaml.safe_dump(msgspec.to_builtins(rule_set)))
        sinks = [{"kind": "files", "directory": str(tmp_path / name)}]
        run(configure(source, sinks=sinks, scoring={"rules": str(rules)}, flink={"parallelism": 2}))
        return {one["decision_id"]: one for one in decided(tmp_path / name)}

    live, shadow = decisions("live", with_rule(9)), decisions("shadow", with_rule(9, state="shadow"))
    part = decisions("part", with_rule(9, rollout=30))

    assert live.keys() == shadow.keys() == part.keys()
    hits = Counter(hit for one in live.values() for hit in one["rules"]["hits"])
    assert hits[RULE.id] > 1_000
    assert Counter(hit for one in shadow.values() for hit in one["shadow"][0]["hits"])[RULE.id] == hits[RULE.id]
    assert RULE.id not in Counter(hit for one in shadow.values() for hit in one["rules"]["hits"])
    both = Counter(hit for one in part.values() for hit in (*one["rules"]["hits"], *one["shadow"][0]["hits"]))
    assert both == hits
    for name, one in live.items():
        for other in (shadow[name], part[name]):
            assert (other["shadow"][0]["action"], other["shadow"][0]["points"]) == (
                one["action"],
                one["rules"]["points"],
            )


def test_a_crossed_guardrail_and_a_candidate_outlast_a_savepoint(configure: Configure, tmp_path: Path) -> None:
    source = write_events(tmp_path / "events.jsonl", event_lines(60_000, seed=5))
    directory, port = tmp_path / "control", free_port()
    directory.mkdir()
    channel = FileChannel(directory)
    control = {"kind": "file", "path": str(directory), "poll_interval_ms": 20}

    job = start(configure(source, control=control, flink={"parallelism": 2, "extra": {**PROMPT, **reporter(port)}}))
    wait_for_records(job, 500)
    channel.publish(CandidateControl(version=3, set="other", rule_set=BANK))
    channel.publish(RulesControl(with_rule(90, rollout=50, guardrails=Guardrails(500, hit_rate_max=0.1))))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while Scrape(port).totals("rule_guardrail_trips", "rule") != {RULE.id: 1}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    wait_for_records(job, job.counts().records + 3_000)
    savepoint = job.stop_with_savepoint(str(tmp_path / "savepoints"))
    before = decided(tmp_path / "out")
    for file in directory.iterdir():
        file.unlink()
    restored = {"restore_from": savepoint, "allow_non_restored": True}
    run(configure(source, flink={"parallelism": 1}, state=restored))

    after = {one["decision_id"]: one for one in decided(tmp_path / "out")}
    for one in before:
        after.pop(one["decision_id"])
    assert len(after) > 1_000
    for one in after.values():
        assert one["control_versions"] == {"guardrail/over_20": 90, "rules": 90}
        assert [(told["set"], told["version"]) for told in one["shadow"]] == [("bank", 90), ("other", 3)]
        assert RULE.id not in one["rules"]["hits"]
    tripped = [one for one in before if "guardrail/over_20" in one["control_versions"]]
    by_rule = [one for one in before if one["control_versions"] == {"rules": 90}]
    hits = sum(RULE.id in one["rules"]["hits"] for one in by_rule)
    assert tripped
    assert hits > 50  # the limit: more than 0.1 of 500 payments
    assert all(RULE.id not in one["rules"]["hits"] for one in tripped)

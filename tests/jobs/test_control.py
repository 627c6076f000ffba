"""Rules that change while the job runs, and stay changed after a restore."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from jobs.failures import JobFailed
from jobs.score_transactions import run, start
from tests.jobs.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import written_lines
from udfs.control import RulesControl
from udfs.rules.rule_set import Rule, RuleSet

EVENTS = 30_000
NEW_VERSION = 1_000
REASON = "every payment is suspicious today"
SUSPECT_ALL = RuleSet("test", NEW_VERSION, ((0, 0), (10, 1000)), (Rule("all", 10, "amount >= 0", REASON),))


def put(directory: Path, name: str, element: bytes) -> None:
    """A file appears in a watched directory at once, or else Flink may read half of it."""
    hidden = directory / f".{name}"
    hidden.write_bytes(element + b"\n")
    hidden.rename(directory / name)


def versions(lines: list[bytes]) -> list[int]:
    return [json.loads(line)["rules"]["version"] for line in lines if json.loads(line)["type"] == "decision"]


def test_a_new_rule_set_is_in_force_at_once_and_after_a_restore(configure: Configure, tmp_path: Path) -> None:
    source = write_events(tmp_path / "events.jsonl", event_lines(EVENTS, seed=5))
    control = tmp_path / "control"
    control.mkdir()
    flink = {"parallelism": 2, "extra": PROMPT}

    job = start(configure(source, flink=flink, control={"kind": "file", "path": str(control), "poll_interval_ms": 20}))
    wait_for_records(job, 500)
    put(control, "nonsense", b'{"kind": "rules", "rule_set": {"version": 7}}')
    put(control, "suspect-all", msgspec.json.encode(RulesControl(SUSPECT_ALL)))
    wait_for_records(job, job.counts().records + 5_000)
    savepoint = job.stop_with_savepoint(str(tmp_path / "savepoints"))
    before = written_lines(tmp_path / "out", "decisions")

    with pytest.raises(JobFailed, match=r"drop its state with state\.allow_non_restored: true"):
        run(configure(source, flink=flink, state={"restore_from": savepoint}))
    run(configure(source, flink=flink, state={"restore_from": savepoint, "allow_non_restored": True}))

    assert set(versions(before)) == {1, NEW_VERSION}
    after = list(set(written_lines(tmp_path / "out", "decisions")) - set(before))
    assert len(after) > 1_000
    assert set(versions(after)) == {NEW_VERSION}
    suspected = [json.loads(line) for line in after if json.loads(line)["type"] == "decision"]
    assert {decision["action"] for decision in suspected} == {"hard_block"}
    assert all(REASON in [reason["text"] for reason in decision["reasons"]] for decision in suspected)
    assert {json.dumps(decision["control_versions"]) for decision in suspected} == {f'{{"rules": {NEW_VERSION}}}'}
    [letter] = map(json.loads, written_lines(tmp_path / "out", "dead-letters"))  # one, though two instances saw it
    assert letter["reason"].startswith("control element refused: ")
    assert letter["origin"]["source"] == "control"

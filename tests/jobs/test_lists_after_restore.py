"""Named lists that were changed live decide on after a restore from a savepoint or a checkpoint, also at another
parallelism, when the control stream does not have the changes any more."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.control.file_channel import FileChannel
from jobs.runtime.running import RunningJob
from jobs.score_transactions import run, start
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import written_lines
from tests.jobs.prometheus import Scrape, free_port, reporter
from udfs.control.elements import ListControl, RulesControl
from udfs.rules.named_lists import ListEntry
from udfs.rules.rule_set import Rule, RuleSet

EVENTS = 120_000
PATIENCE_SECONDS = 60
SCALE = ((0, 0), (10, 650))
START = RuleSet("start", 5, SCALE, (Rule("watched", 10, "user_id in @watched", "watched"),))
PUBLISHED = RuleSet("start", 6, SCALE, (*START.rules, Rule("shop", 10, "merchant_id in @shops", "shop")))
BEFORE, WATCHED = ("U00001", "U00002"), ("U00002", "U00007", "U00008")
SHOPS = ("M003", "M070")


def entries(values: tuple[str, ...]) -> tuple[ListEntry, ...]:
    return tuple(ListEntry(value, owner="fraud-team", reason="ring") for value in values)


FIRST = (
    ListControl(version=2, name="watched", type="user", entries=entries(WATCHED)),
    ListControl(version=1, name="shops", type="merchant", entries=entries(SHOPS)),
    ListControl(version=1, name="gone", type="city", entries=entries(("Oslo",))),
)
SECOND = (RulesControl(PUBLISHED), ListControl(version=2, name="gone", type="city", deleted=True))
"""Elements that are published together arrive in any order."""


def decisions_of(directory: Path) -> dict[str, dict[str, Any]]:
    records = map(json.loads, written_lines(directory, "decisions"))
    return {record["decision_id"]: record for record in records if record["type"] == "decision"}


def expected(decision: dict[str, Any], watched: tuple[str, ...], shops: tuple[str, ...]) -> list[str]:
    return ["watched"] * (decision["user_id"] in watched) + ["shop"] * (decision["merchant_id"] in shops)


@pytest.mark.parametrize(
    ("backend", "parallelisms", "kind"),
    [("hashmap", (1, 2), "savepoint"), ("rocksdb", (2, 1), "checkpoint")],
)
def test_lists_changed_live_decide_after_a_restore(
    configure: Configure, tmp_path: Path, backend: str, parallelisms: tuple[int, int], kind: str
) -> None:
    source = write_events(tmp_path / "events.jsonl", event_lines(EVENTS, seed=12))
    directory, lists, port = tmp_path / "control", tmp_path / "lists", free_port()
    directory.mkdir()
    lists.mkdir()
    (lists / "watched.yaml").write_text(yaml.safe_dump({
        "name": "watched", "type": "user", "version": 1, "entries": list(BEFORE)
    }))  # fmt: skip
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "name: start\nversion: 5\nscale: [[0, 0], [10, 650]]\n"
        "rules: [{id: watched, points: 10, when: user_id in @watched, reason: watched}]\n"
    )
    scoring = {"rules": str(rules), "lists": str(lists)}
    state: dict[str, Any] = {"backend": backend}
    if kind == "checkpoint":
        state |= {"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 200}

    def stopped(job: RunningJob) -> dict[str, Any]:
        """Where to restore from: the state when some more records have been decided."""
        wait_for_records(job, job.counts().records + 3_000)
        if kind == "savepoint":
            return {"restore_from": job.stop_with_savepoint(str(tmp_path / "savepoints")), "allow_non_restored": True}
        done = len(written_lines(tmp_path / "out", "decisions"))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(written_lines(tmp_path / "out", "decisions")) < done + 1_000:  # written files come with a checkpoint
            assert time.monotonic() < deadline, "there is no checkpoint"
            time.sleep(0.05)
        job.cancel()
        return {"restore_from": "newest", "allow_non_restored": True}

    control = {"kind": "file", "path": str(directory), "poll_interval_ms": 20}
    flink = {"parallelism": parallelisms[0], "extra": {**PROMPT, **reporter(port)}}
    job = start(configure(source, scoring=scoring, state=state, flink=flink, control=control))
    wait_for_records(job, 500)
    channel = FileChannel(directory)
    applied = 0
    for elements in (FIRST, SECOND):
        for element in elements:
            channel.publish(element)
        applied += len(elements) * parallelisms[0]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (counts := Scrape(port).totals("outcome_control_elements", "outcome")).get("applied") != applied:
            assert time.monotonic() < deadline, counts
            time.sleep(0.05)
    restored = stopped(job)
    for file in directory.iterdir():
        file.unlink()
    before = decisions_of(tmp_path / "out")
    assert before
    assert len(before) < EVENTS * 0.95
    run(configure(source, scoring=scoring, state=state | restored, flink={"parallelism": parallelisms[1]}))

    at_first = [one for one in before.values() if one["rules"]["lists"] == {"watched": 1}]
    assert at_first
    for one in at_first:
        assert one["rules"]["hits"] == expected(one, BEFORE, ())
    after = [one for name, one in decisions_of(tmp_path / "out").items() if name not in before]
    assert len(after) > 1_000
    for one in after:
        assert one["rules"]["lists"] == {"shops": 1, "watched": 2}
        assert one["rules"]["version"] == PUBLISHED.version
        assert one["rules"]["hits"] == expected(one, WATCHED, SHOPS)
    hits = [hit for one in after for hit in one["rules"]["hits"]]
    assert hits.count("watched") > 10
    assert hits.count("shop") > 10

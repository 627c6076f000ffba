"""Published control elements apply soon on all instances, and after a restore."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from jobs.control.file_channel import FileChannel
from jobs.runtime.failures import JobFailed
from jobs.score_transactions import run, start
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import written_lines
from tests.jobs.prometheus import Scrape, free_port, reporter
from tests.jobs.tiny_bundle import renamed_bundle
from udfs.control.elements import BlockListControl, BundleControl, RulesControl, ThresholdsControl
from udfs.rules.rule_set import Rule, RuleSet

EVENTS = 60_000
REASON = "every payment is suspicious today"
SUSPECT_ALL = RuleSet("test", 1_000, ((0, 0), (10, 650)), (Rule("all", 10, "amount >= 0", REASON),))
BLOCKED = "U00007"
HOSTILE = [b"nonsense", b"[" * 100_000, b'{"kind": "rules", "rule_set": {"version": 7}}']
PUBLISHED_WITHIN_SECONDS = 3.0  # usually below 1, but here a backlog is drained and other tests may run beside
PATIENCE_SECONDS = 30


def put(directory: Path, name: str, element: bytes) -> None:
    """Move a complete file into a watched directory; Flink could read a partially written one."""
    hidden = directory / f".{name}"
    hidden.write_bytes(element + b"\n")
    hidden.rename(directory / name)


def scored(lines: list[bytes]) -> list[dict]:  # type: ignore[type-arg]
    return [record for record in map(json.loads, lines) if record["type"] == "decision"]


def test_published_elements_apply_soon_and_after_a_restore(configure: Configure, bundle: Path, tmp_path: Path) -> None:
    source = write_events(tmp_path / "events.jsonl", event_lines(EVENTS, seed=5))
    directory = tmp_path / "control"
    directory.mkdir()
    channel, port = FileChannel(directory), free_port()
    another = tmp_path / "another"
    swap = BundleControl(version=3, path=str(another), bundle=renamed_bundle(bundle, another))
    elements = {
        "rules": RulesControl(SUSPECT_ALL),
        "thresholds": ThresholdsControl(version=4, refer_to_analyst=0, soft_challenge=1, hard_block=1000),
        "block-list": BlockListControl(version=9, type="user", value=BLOCKED, reason_code="SANCTION"),
        "bundle": swap,
    }
    versions = {kind: element.version for kind, element in elements.items()}
    control = {"kind": "file", "path": str(directory), "poll_interval_ms": 20}
    flink = {"parallelism": 2, "extra": PROMPT}

    job = start(configure(source, flink={**flink, "extra": {**PROMPT, **reporter(port)}}, control=control))
    wait_for_records(job, 500)
    for number, element in enumerate(HOSTILE):
        put(directory, f"hostile-{number}", element)
    for kind, element in elements.items():
        published = time.monotonic()
        channel.publish(element)
        while Scrape(port).values("control_version", control=kind.replace("-", "_")) != [element.version] * 2:
            assert time.monotonic() < published + PATIENCE_SECONDS
            time.sleep(0.05)
        took = time.monotonic() - published
        print(f"{kind} in force on both instances after {took:.2f} s")
        assert took < PUBLISHED_WITHIN_SECONDS, kind
    channel.publish(ThresholdsControl(version=3, refer_to_analyst=1, soft_challenge=2, hard_block=3))
    channel.publish(BundleControl(version=8, path=str(tmp_path / "nothing"), bundle=swap.bundle))
    wait_for_records(job, job.counts().records + 3_000)
    assert Scrape(port).totals("outcome_control_elements", "outcome") == {"applied": 8, "ignored": 2, "refused": 8}
    savepoint = job.stop_with_savepoint(str(tmp_path / "savepoints"))
    before = written_lines(tmp_path / "out", "decisions")
    assert len(before) < EVENTS * 0.9

    restored = {"restore_from": savepoint, "allow_non_restored": True}
    with pytest.raises(JobFailed, match=r"drop its state with state\.allow_non_restored: true"):
        run(configure(source, flink=flink, state={"restore_from": savepoint}))
    another.rename(tmp_path / "elsewhere")
    with pytest.raises(
        JobFailed, match=r"control element bundle of the saved state cannot be applied: .*no such bundle"
    ):
        run(configure(source, flink=flink, state=restored))
    (tmp_path / "elsewhere").rename(another)
    run(configure(source, flink=flink, state=restored))

    assert scored(before)[0]["control_versions"] == {}
    after = scored(list(set(written_lines(tmp_path / "out", "decisions")) - set(before)))
    assert len(after) > 1_000
    assert all(decision["control_versions"] == versions for decision in after)
    assert {decision["model"]["bundle"] for decision in after} == {swap.bundle}
    assert {decision["rules"]["score"] for decision in after} == {650}
    for decision in after:
        expected = "hard_block" if decision["user_id"] == BLOCKED else "soft_challenge"
        assert decision["action"] == expected
        assert ("AML" in decision["flags"]) == (decision["user_id"] == BLOCKED)
    letters = [json.loads(line) for line in written_lines(tmp_path / "out", "dead-letters")]
    alone = [letter for letter in letters if "refused by instance" in letter["reason"]]
    assert len(letters) - len(alone) == len(HOSTILE)  # one each, though two instances saw it
    assert {letter["reason"][:39] for letter in alone} == {
        f"control element refused by instance {instance}: " for instance in (0, 1)
    }
    assert {letter["origin"]["source"] for letter in letters} == {"control"}

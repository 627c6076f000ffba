"""Signed and approved elements on a real topic: what a job takes and refuses, over a kill, and what the log tells."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner
from kafka import KafkaProducer

from cli.main import main
from jobs.config.job import JobConfig
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.live_changes import decisions_on, payments
from tests.kafka.outcomes import wait_until_true
from tests.kafka.test_crash import processes
from tests.kafka.topics import Topics
from udfs.control.envelope import decode_record

PAYMENTS = 400
PATIENCE_SECONDS = 300
EMERGENCY_SECONDS = 40
SOON_SECONDS = 3
UNSIGNED = {"kind": "thresholds", "version": 900, "refer_to_analyst": 1000, "soft_challenge": 1000, "hard_block": 1000}


class Staff:
    """`fraud control` by persons with keys, for a job of a configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "job.yaml"
        self.trusted = [
            self.control("keygen", str(folder / f"{person}.pem"), "--person", person).strip()
            for person in ("ann", "ben")
        ]

    def use(self, config: JobConfig) -> JobConfig:
        self.file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
        return config

    def control(self, *arguments: str) -> str:
        result = CliRunner().invoke(main, ["control", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    def __call__(self, *arguments: str, by: str | None = None) -> str:
        signed = () if by is None else ("--sign-with", str(self.folder / f"{by}.pem"))
        return self.control(*arguments, "--config", str(self.file), *signed)


def test_a_job_takes_what_two_people_signed_and_an_emergency_runs_out(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path
) -> None:
    staff = Staff(tmp_path)
    control: dict[str, Any] = {
        "kind": "kafka", "connection": {"bootstrap_servers": topics.servers}, "topic": f"{topics.prefix}control",
        "trusted_keys": staff.trusted, "approvals": "required", "emergency_hours": EMERGENCY_SECONDS / 3_600,
    }  # fmt: skip
    state = {
        "checkpoint_dir": str(tmp_path / "checkpoints"),
        "checkpoint_interval_ms": 500,
        "restore_from": "newest-or-none",
    }
    config = staff.use(
        configure_kafka(source={"until": "never"}, control=control, state=state, flink={"parallelism": 2})
    )
    result = CliRunner().invoke(main, ["topics", "create", "--config", str(staff.file)])
    assert result.exit_code == 0, result.output
    parts = iter(payments(parts=5, each=PAYMENTS))

    def decided() -> dict[str, int]:
        """Sends some payments; the version of the thresholds that they all were decided by."""
        part = next(parts)
        topics.send_events(part)
        wait_until_true(lambda: len(decisions_on(topics, part)) >= PAYMENTS, PATIENCE_SECONDS, "decisions")
        versions = {json.dumps(one["control_versions"], sort_keys=True) for one in decisions_on(topics, part)}
        assert len(versions) == 1
        return json.loads(versions.pop())  # type: ignore[no-any-return]

    with processes([config], tmp_path / "processes") as kill:
        assert decided() == {}
        proposal = str(tmp_path / "proposal.json")
        staff("propose", "--thresholds", "0,1,1000", "--backtest", "b1", "--out", proposal, by="ann")
        staff.control("approve", proposal, "--yes", "--approver", "ben", "--sign-with", str(tmp_path / "ben.pem"))
        staff("publish", "--proposal", proposal, "--yes")
        producer = KafkaProducer(bootstrap_servers=topics.servers)
        first = topics.read(control["topic"])[0]
        for key, value in ((b"thresholds", json.dumps(UNSIGNED).encode()), (b"again", first.value)):
            producer.send(control["topic"], value, key).get(timeout=30)
        producer.close()
        time.sleep(SOON_SECONDS)
        assert decided() == {"thresholds": 1}
        staff("publish", "--thresholds", "0,1,999", "--emergency", "--yes", by="ann")
        began = time.monotonic()
        time.sleep(SOON_SECONDS)
        assert decided() == {"thresholds": 2}
        time.sleep(1)  # a checkpoint
        kill()
    with processes([config], tmp_path / "again"):
        time.sleep(max(0.0, EMERGENCY_SECONDS + 1 - (time.monotonic() - began)))
        assert decided() == {"thresholds": 1}
        staff("publish", "--thresholds", "0,1,998", "--emergency", "--yes", by="ann")
        staff("approve", "--key", "thresholds", by="ben")
        time.sleep(SOON_SECONDS)
        assert decided() == {"thresholds": 3}

    letters = topics.values(topics.dead_letters)
    assert [json.loads(letter)["version"] for letter in letters] == [900]
    told = staff("history")
    outcomes = [line.split("  ")[2] for line in told.splitlines()]
    assert outcomes == ["accepted", "rejected", "repeated", "accepted", "accepted", "approved"]
    assert "rejected  thresholds version 900, thresholds version 900 is not signed" in told
    verified = staff("verify")
    assert "4 entries, each follows the one before it" in verified


def test_publishers_at_the_same_moment_are_all_in_the_chain(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path
) -> None:
    """Processes of their own, since one reads, links and sends while others do the same."""
    import subprocess
    import sys

    control = {"kind": "kafka", "connection": {"bootstrap_servers": topics.servers}, "topic": f"{topics.prefix}control"}
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(configure_kafka(control=control).model_dump(mode="json")))
    assert CliRunner().invoke(main, ["topics", "create", "--config", str(file)]).exit_code == 0
    command = [sys.executable, "-m", "cli.main", "control", "publish", "--config", str(file), "--yes"]
    changes = (["--thresholds", "1,2,3"], ["--block", "user:U1"], ["--unblock", "card:C1"])
    running = [subprocess.Popen([*command, *change], stdout=subprocess.PIPE, text=True) for change in changes]
    for process in running:
        process.communicate(timeout=120)
        assert process.returncode == 0
    result = CliRunner().invoke(main, ["control", "verify", "--config", str(file)])
    assert result.exit_code == 0, result.output
    assert "3 entries, each follows the one before it" in result.output
    keys = {
        record.element.key
        for record in map(decode_record, topics.values(control["topic"]))
        if record.element is not None
    }
    assert keys == {"thresholds", "block-list/user:U1", "block-list/card:C1"}

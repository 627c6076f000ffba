"""Elements published to a control topic change a running job from Kafka to Kafka, and stay after a restore."""

from __future__ import annotations

import json
import time
from pathlib import Path

import yaml
from click.testing import CliRunner

from cli.main import main
from jobs.score_transactions import start
from tests.jobs.event_stream import event_lines
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.outcomes import wait_until
from tests.kafka.topics import Topics

EVENTS = 400
PATIENCE_SECONDS = 30


def test_what_is_published_to_the_topic_is_in_force_and_stays_after_a_restore(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path
) -> None:
    connection = {"bootstrap_servers": topics.servers}
    control = {"kind": "kafka", "connection": connection, "topic": f"{topics.prefix}control"}

    def config(**sections: object) -> object:
        flink = {"parallelism": 2}
        return configure_kafka(source={"until": "never"}, flink=flink, control=control, **sections)

    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config().model_dump(mode="json")))  # type: ignore[attr-defined]

    def fraud(*arguments: str) -> str:
        result = CliRunner().invoke(main, [*arguments, "--config", str(file)])
        assert result.exit_code == 0, result.output
        return result.output

    def decided(count: int) -> list[dict]:  # type: ignore[type-arg]
        wait_until(lambda: topics.size(topics.decisions) >= count, job, PATIENCE_SECONDS, "decisions")
        records = [json.loads(value) for value in topics.values(topics.decisions)]
        return [record for record in records if record["type"] == "decision"]

    lines = [line for line in event_lines(3 * EVENTS, seed=8) if b'"type"' not in line]
    unique = list({json.loads(line)["transaction_id"]: line for line in lines}.values())
    parts = [unique[number::3] for number in range(3)]
    assert "made, 1 partitions" in fraud("topics", "create")

    job = start(config())  # type: ignore[arg-type]
    topics.send_events(parts[0])
    first = decided(len(parts[0]))
    fraud("control", "publish", "--thresholds", "0,1,2")
    fraud("control", "publish", "--block", "user:U00007", "--reason", "SANCTION")
    time.sleep(1)  # the promise
    topics.send_events(parts[1])
    second = decided(len(unique) - len(parts[2]))[len(first) :]
    savepoint = job.stop_with_savepoint(str(tmp_path / "savepoints"))
    job = start(config(state={"restore_from": savepoint}))  # type: ignore[arg-type]
    topics.send_events(parts[2])
    decided(len(unique))
    job.cancel()

    decisions = {one["transaction_id"]: one for one in decided_records(topics)}
    ids = [[json.loads(line)["transaction_id"] for line in part] for part in parts]
    assert all(decisions[one]["control_versions"] == {} for one in ids[0])
    changed = [decisions[one] for one in ids[1] + ids[2]]
    assert len(second) == len(ids[1])
    assert all(one["control_versions"] == {"block-list": 1, "thresholds": 1} for one in changed)
    assert {one["action"] for one in changed if one["risk_score"] > 2} == {"hard_block"}
    blocked = [one for one in changed if one["user_id"] == "U00007"]
    assert blocked
    assert all("AML" in one["flags"] and one["action"] == "hard_block" for one in blocked)
    shown = fraud("control", "show")
    assert "block-list/user:U00007 version 1: blocked, SANCTION" in shown
    assert "thresholds version 1: refer to analyst above 0, soft challenge above 1, hard block above 2" in shown


def decided_records(topics: Topics) -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(value) for value in topics.values(topics.decisions)]

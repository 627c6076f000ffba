"""Makes a savepoint of a whole job of one version of the program, with the events before and after it.

    deploy/servers/kafka/start.sh out/broker 9092
    PYTHONPATH=CHECKOUT_OF_THAT_VERSION .venv/bin/python tests/golden/make_savepoint.py NAME 127.0.0.1:9092

The job reads `NAME.events` and `NAME.control` of the broker, whose positions the savepoint holds, until it has decided on
the first part of the events, and is stopped. Writes tests/golden/savepoints/NAME.tar.xz, which stands for what that version
saved and is never made again: tests/kafka/test_released_savepoints.py restores it. A release adds one. This program uses
only what all versions have in common.
"""

from __future__ import annotations

import json
import sys
import tarfile
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

FOLDER = Path(__file__).parent / "savepoints"
PARTITIONS = 4
BEFORE, AFTER, REPEATED = 1_500, 600, 30
IDLE_SECONDS = 5.0
LARGEST_RECORD = 2 << 20
RULES = {
    "name": "published", "version": 1_000, "scale": [[0, 0], [10, 650]],
    "rules": [{"id": "all", "points": 10, "when": "amount >= 500", "reason": "a large payment"}],
}  # fmt: skip
CONTROL = {
    "rules": {"kind": "rules", "rule_set": RULES},
    "thresholds": {
        "kind": "thresholds", "version": 7, "refer_to_analyst": 200, "soft_challenge": 600, "hard_block": 990
    },
    "block-list/user:U00007": {
        "kind": "block-list", "version": 3, "type": "user", "value": "U00007", "reason_code": "SANCTION"
    },
}  # fmt: skip


def events() -> tuple[list[bytes], list[bytes]]:
    """Events before and after the savepoint; among the latter are repeats of the former."""
    from tests.jobs.event_stream import event_lines

    lines = event_lines(BEFORE + AFTER, seed=21, step_ms=60_000)
    before, after = lines[:BEFORE], lines[BEFORE:]
    random = Random(21)
    transactions = [line for line in before if b'"type"' not in line]
    for line in random.sample(transactions[-600:], REPEATED):
        after.insert(random.randrange(len(after)), line)
    return before, after


def send(servers: str, topic: str, records: list[tuple[bytes, bytes]]) -> None:
    producer = KafkaProducer(bootstrap_servers=servers, linger_ms=20)
    for key, value in records:
        producer.send(topic, value, key)
    producer.flush()
    producer.close()


def size(consumer: KafkaConsumer, topic: str) -> int:
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    return sum(consumer.end_offsets(partitions).values())


def wait_until_idle(servers: str, topic: str) -> int:
    """Returns the number of records when none was added for IDLE_SECONDS."""
    consumer = KafkaConsumer(bootstrap_servers=servers)
    last, since = 0, time.monotonic()
    while not last or time.monotonic() - since < IDLE_SECONDS:
        now = size(consumer, topic)
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.2)
    consumer.close()
    return last


def answers(servers: str, topic: str) -> dict[str, list[object]]:
    """Action and score of the first decision on each transaction."""
    consumer = KafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest", enable_auto_commit=False)
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    found: dict[str, list[object]] = {}
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for records in consumer.poll(timeout_ms=500).values():
            for record in map(json.loads, (one.value for one in records)):
                if record.get("type", "decision") == "decision":
                    found[record["transaction_id"]] = [record["action"], record["risk_score"]]
    consumer.close()
    return found


def main(name: str, servers: str) -> None:
    from jobs.score_transactions import load_config, start

    target = FOLDER / f"{name}.tar.xz"
    if target.exists():
        sys.exit(f"{target} exists: what a version has saved is never made again")
    admin = KafkaAdminClient(bootstrap_servers=servers)
    outputs = ("decisions", "alerts", "flags", "dead-letters")
    for topic, partitions in {**dict.fromkeys(("events", *outputs), PARTITIONS), "control": 1}.items():
        settings = {
            "num_partitions": partitions,
            "replication_factor": 1,
            "configs": {"max.message.bytes": str(LARGEST_RECORD)},
        }
        admin.create_topics({f"{name}.{topic}": settings})
    admin.close()
    before, after = events()
    send(servers, f"{name}.events", [(json.loads(line)["user_id"].encode(), line) for line in before])
    send(servers, f"{name}.control", [(key.encode(), json.dumps(one).encode()) for key, one in CONTROL.items()])
    with TemporaryDirectory() as folder:
        work = Path(folder)
        connection = {"bootstrap_servers": servers}
        tree = {
            "source": {"kind": "kafka", "connection": connection, "topics": [f"{name}.events"]},
            "sinks": [{"kind": "kafka", "connection": connection, "topic_prefix": f"{name}."}],
            "control": {"kind": "kafka", "connection": connection, "topic": f"{name}.control"},
            "flink": {"log_directory": str(work / "logs")},
        }
        file = work / "job.yaml"  # JSON is YAML
        file.write_text(json.dumps(tree))
        job = start(load_config(file))
        decisions = wait_until_idle(servers, f"{name}.decisions")
        saved = Path(job.stop_with_savepoint(str(work / "savepoints")))
        (work / "before.jsonl").write_bytes(b"\n".join(before))
        (work / "after.jsonl").write_bytes(b"\n".join(after))
        (work / "answers.json").write_text(json.dumps(answers(servers, f"{name}.decisions")))
        FOLDER.mkdir(exist_ok=True)
        with tarfile.open(target, "w:xz") as archive:
            archive.add(saved, "savepoint")
            for part in ("before.jsonl", "after.jsonl", "answers.json"):
                archive.add(work / part, part)
    print(f"{decisions} decisions on {len(before)} events, then a savepoint: {target}, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])

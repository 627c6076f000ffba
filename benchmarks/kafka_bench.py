"""Test environment of the Kafka benchmarks: servers, simulated events, job configuration and topics."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.processes import kafka_broker, python, redis_server

PARTITIONS = 4
UNLIMITED_RATE = 1e9


class Testbed(NamedTuple):
    """Servers and files of a benchmark. `redis_port` is None where profiles are in the scorer's memory."""

    work: Path
    servers: str
    redis_port: int | None
    redis_pid: int | None
    backlog: Path
    live: Path
    reference: Path

    @property
    def store(self) -> str:
        return "memory" if self.redis_port is None else "redis"


@contextmanager
def start_testbed(work: Path, backlog: int, live: int, users: int) -> Iterator[Testbed]:
    """Starts the servers and simulates transactions to two files, a backlog and live traffic; stops the servers on exit."""
    with kafka_broker(work / "kafka") as servers, redis_server(work) as redis:
        redis_port, redis_pid = redis or (None, None)
        testbed = Testbed(
            work, servers, redis_port, redis_pid, work / "backlog.jsonl", work / "live.jsonl", work / "reference"
        )
        simulate_events(testbed, backlog, live, users)
        if redis_port is not None:
            config = write_config(testbed, "load")
            load = python("cli.main", "load", str(testbed.reference), "--config", str(config))
            subprocess.run(load, check=True, stdout=subprocess.DEVNULL)
        yield testbed


def write_config(testbed: Testbed, name: str, parallelism: int = 1, **overrides: Any) -> Path:
    """Writes the configuration of a job with all features, the bank pack, the shipped bundle, RocksDB and checkpoints
    every 5 s.

    Topics have the prefix `name`; events are read from `name`.events unless `source` overrides it. `overrides` are
    sections whose keys replace the defaults; `sink` is that of Kafka, `more_sinks` a list of others.
    """
    connection = {"bootstrap_servers": testbed.servers}
    tree: dict[str, Any] = {
        "source": {"kind": "kafka", "connection": connection, "topics": [f"{name}.events"]},
        "sinks": [
            {"kind": "kafka", "connection": connection, "topic_prefix": f"{name}."} | overrides.pop("sink", {}),
            *overrides.pop("more_sinks", []),
        ],
        "scoring": {"reference": str(testbed.reference)},
        "state": {
            "backend": "rocksdb",
            "checkpoint_dir": str(testbed.work / name / "checkpoints"),
            "checkpoint_interval_ms": 5_000,
        },
        "flink": {
            "log_directory": str(testbed.work / name / "logs"),
            "parallelism": parallelism,
            "restart_attempts": 20,
        },
    }
    if testbed.redis_port is not None:
        tree["store"] = {"kind": "redis", "host": "127.0.0.1", "port": testbed.redis_port, "holds_histories": True}
    for section, values in overrides.items():
        tree[section] = tree.get(section, {}) | values
    path = testbed.work / f"{name}.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def make_topics(config: Path) -> None:
    """Creates the job's topics with PARTITIONS partitions, as `fraud topics create` does."""
    from jobs.config.loading import load_config
    from jobs.kafka.topics import create_topics, topics_of

    create_topics(topics_of(load_config(config)), PARTITIONS, None)


def send_all(servers: str, topic: str, events: Path) -> None:
    """Sends a file at maximum rate, keyed by user; blocks until all is acknowledged, else raises RuntimeError."""
    from cli.kafka_producing import produce
    from jobs.config.kafka import KafkaConnection

    connection = KafkaConnection(bootstrap_servers=servers)
    delivery = produce(connection, topic, lambda: events.read_bytes().splitlines(), UNLIMITED_RATE, None, False, False)
    if delivery.error is not None:
        raise RuntimeError(f"{events} was not sent as a whole: {delivery.error}")


def simulate_events(testbed: Testbed, backlog: int, live: int, users: int) -> None:
    """Simulates transactions to the testbed's two files, and the histories of the backlog to its reference folder."""
    from models.entity_history import aggregate_entities, write_history
    from simulator.config import SimulatorConfig
    from simulator.files import write
    from simulator.generate import simulate
    from udfs.entities.buckets import BucketSettings

    count = backlog + live
    config = SimulatorConfig(
        users=users,
        days=max(2, round(count / users / 2)),
        transactions=count,
        seed=3,
        with_labels=False,
        duplicate_share=0.0,
        late_share=0.0,
    )
    write(simulate(config), testbed.work)
    events = testbed.work / "events.jsonl"
    with events.open("rb") as file:
        transactions = (line for line in file if json.loads(line)["type"] == "transaction")
        testbed.backlog.write_bytes(b"".join(islice(transactions, backlog)))
        testbed.live.write_bytes(b"".join(transactions))
    history = aggregate_entities(testbed.backlog, BucketSettings(), progress=lambda done, total: None)
    write_history(history, testbed.reference / "entity_history.jsonl")

"""The stage of the benchmarks with Kafka: servers, events, the job's configuration, and the backlog in the topic."""

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
ENDLESS_RATE = 1e9


class Stage(NamedTuple):
    """All that a run needs. `redis_port` None: profiles are in the scorer's memory."""

    work: Path
    servers: str
    redis_port: int | None
    backlog: Path
    live: Path
    reference: Path

    @property
    def store(self) -> str:
        return "memory" if self.redis_port is None else "redis"


@contextmanager
def stage(work: Path, backlog: int, live: int, users: int) -> Iterator[Stage]:
    """Servers that run, and simulated transactions in two files: a backlog, and what comes after it."""
    with kafka_broker(work / "kafka") as servers, redis_server(work) as redis_port:
        made = Stage(work, servers, redis_port, work / "backlog.jsonl", work / "live.jsonl", work / "reference")
        _simulate(made, backlog, live, users)
        if redis_port is not None:
            config = write_config(made, "load")
            load = python("cli.main", "load", str(made.reference), "--config", str(config))
            subprocess.run(load, check=True, stdout=subprocess.DEVNULL)
        yield made


def write_config(made: Stage, name: str, parallelism: int = 1, **laid_over: dict[str, Any]) -> Path:
    """The job with everything on: all features, the bank pack, the shipped bundle, RocksDB, checkpoints each 5 s.

    Topics are named after `name`; the events come from a topic of their own, or from that of `source`.
    """
    connection = {"bootstrap_servers": made.servers}
    tree: dict[str, Any] = {
        "source": {"kind": "kafka", "connection": connection, "topics": [f"{name}.events"]},
        "sinks": [{"kind": "kafka", "connection": connection, "topic_prefix": f"{name}."} | laid_over.pop("sink", {})],
        "scoring": {"reference": str(made.reference)},
        "state": {
            "backend": "rocksdb",
            "checkpoint_dir": str(made.work / name / "checkpoints"),
            "checkpoint_interval_ms": 5_000,
        },
        "flink": {"log_directory": str(made.work / name / "logs"), "parallelism": parallelism, "restart_attempts": 20},
    }
    if made.redis_port is not None:
        tree["store"] = {"kind": "redis", "host": "127.0.0.1", "port": made.redis_port, "holds_histories": True}
    for section, values in laid_over.items():
        tree[section] = tree.get(section, {}) | values
    path = made.work / f"{name}.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def make_topics(config: Path) -> None:
    """Topics of four partitions, as `fraud topics create` makes them."""
    from jobs.config_file import load_config
    from jobs.kafka_topics import create_topics, topics_of

    create_topics(topics_of(load_config(config)), PARTITIONS, None)


def send_all(servers: str, topic: str, events: Path) -> None:
    """Send a file as fast as may be, keyed by user, and wait until all is acknowledged. Raises RuntimeError otherwise."""
    from cli.kafka_producing import produce
    from jobs.kafka_settings import KafkaConnection

    connection = KafkaConnection(bootstrap_servers=servers)
    delivery = produce(connection, topic, lambda: events.read_bytes().splitlines(), ENDLESS_RATE, None, False, False)
    if delivery.error is not None:
        raise RuntimeError(f"{events} was not sent as a whole: {delivery.error}")


def _simulate(made: Stage, backlog: int, live: int, users: int) -> None:
    from models.entity_history import aggregate_entities, write_history
    from simulator.config import SimulatorConfig
    from simulator.files import write
    from simulator.generate import simulate
    from udfs.entity_buckets import BucketSettings

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
    write(simulate(config), made.work)
    events = made.work / "events.jsonl"
    with events.open("rb") as file:
        transactions = (line for line in file if json.loads(line)["type"] == "transaction")
        made.backlog.write_bytes(b"".join(islice(transactions, backlog)))
        made.live.write_bytes(b"".join(transactions))
    history = aggregate_entities(made.backlog, BucketSettings(), progress=lambda done, total: None)
    write_history(history, made.reference / "entity_history.jsonl")

"""The intake of a job's topics, from a real broker."""

from __future__ import annotations

import json
import time
from pathlib import Path
from threading import Event

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions

from console.store import intake_kafka
from console.store.errors import SourceChanged
from console.store.held import held_by_job
from console.store.intake_kafka import KafkaIntake, kafka_intakes, topics_of
from console.store.rebuild import rebuild
from console.store.store import DecisionStore
from jobs.config.loading import parse_config
from tests.console.store.killing import run_with_kills
from tests.console.store.real_run import FILES, write_real_run
from tests.console.store.tallies import tally
from tests.kafka.conftest import PARTITIONS, make_topics
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import Broker


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("run")
    write_real_run(directory, users=60, days=4)
    return directory


@pytest.fixture
def topics(broker: Broker) -> Topics:
    return make_topics(broker)


def kinds_of(topics: Topics) -> dict[str, str]:
    return {
        topics.decisions: "decisions", topics.alerts: "alerts", topics.flags: "flags",
        topics.dead_letters: "dead-letters", topics.events: "events",
    }  # fmt: skip


def produce(topics: Topics, run: Path, only: str | None = None) -> None:
    """The run's records as a job writes them: by user, dead letters as raw bytes with headers."""
    import base64

    producer = Producer({"bootstrap.servers": topics.servers})
    for topic, kind in kinds_of(topics).items():
        if only not in (None, kind):
            continue
        path = run / "simulated" / "events.jsonl" if kind == "events" else run / FILES[kind]
        for number, line in enumerate(path.read_bytes().splitlines()):
            if kind == "dead-letters":
                letter = json.loads(line)
                headers = [("reason", letter["reason"].encode()), ("topic", b"events"), ("partition", b"1"),
                           ("offset", b"%d" % number)]  # fmt: skip
                producer.produce(topic, base64.b64decode(letter["payload_base64"]), headers=headers)
            else:
                try:
                    user = json.loads(line)["user_id"]
                except ValueError:
                    user = "none"
                producer.produce(topic, line, key=user.encode())
            producer.poll(0)
    producer.flush()


def expected(run: Path) -> dict[str, int]:
    store = DecisionStore.open(f"sqlite:///{run / 'expected.sqlite'}")
    from console.store.intake_run import read_run

    read_run(store, run)
    counts = tally(store)
    store.close()
    names = ("decisions", "marks", "reason_texts", "alerts", "events", "dead_letters", "bundles", "rule_sets")
    return {name: counts[name] for name in names}


def counted(store: DecisionStore, run: Path) -> dict[str, int]:
    counts = tally(store)
    return {name: counts[name] for name in expected(run)}


def intake_of(store: DecisionStore, topics: Topics) -> KafkaIntake:
    return KafkaIntake(store, {"bootstrap.servers": topics.servers}, kinds_of(topics))  # type: ignore[arg-type]


def test_all_topics_are_read_and_repeats_of_a_restarted_job_change_nothing(
    store: DecisionStore, topics: Topics, run: Path
) -> None:
    produce(topics, run)
    intake = intake_of(store, topics)
    intake.run(Event(), until_end=True)
    assert counted(store, run) == expected(run)
    assert sum(sum(store.position(source).values()) for source in store.sources()) == sum(
        topics.size(topic) for topic in topics.names()
    )
    assert intake.lag() == 0
    produce(topics, run)
    intake.run(Event(), until_end=True)
    intake.close()
    assert counted(store, run) == expected(run)
    letter = store.dead_letters().items[0]
    assert (letter.origin.source, letter.origin.partition) == ("events", "1")
    assert letter.recorded_ms > 1_700_000_000_000


def test_a_killed_intake_loses_and_doubles_nothing(url: str, topics: Topics, run: Path) -> None:
    produce(topics, run)
    killed = run_with_kills(["kafka", url, topics.servers, json.dumps(kinds_of(topics))], kills=6, longest_seconds=1.2)
    assert killed >= 4
    store = DecisionStore.open(url)
    assert counted(store, run) == expected(run)
    store.close()


def test_partitions_that_are_added_are_read_too(
    open_store: object, topics: Topics, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_kafka, "NEW_PARTITIONS_SECONDS", 0.0)
    store = DecisionStore.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    produce(topics, run, only="alerts")
    intake = intake_of(store, topics)
    intake.run(Event(), until_end=True)
    admin = AdminClient({"bootstrap.servers": topics.servers})
    for future in admin.create_partitions([NewPartitions(topics.decisions, PARTITIONS + 3)]).values():
        future.result(30)
    produce(topics, run, only="decisions")
    for _ in range(100):
        intake.run(Event(), until_end=True)
        if tally(store)["decisions"] == expected(run)["decisions"]:
            break
    intake.close()
    assert tally(store)["decisions"] == expected(run)["decisions"]
    assert max(store.position(f"kafka:{topics.decisions}")) >= PARTITIONS
    store.close()


def test_records_that_retention_has_removed_are_said_and_skipped_only_if_told(
    topics: Topics, run: Path, tmp_path: Path
) -> None:
    from confluent_kafka import TopicPartition

    store = DecisionStore.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    produce(topics, run, only="alerts")
    intake = intake_of(store, topics)
    intake.run(Event(), until_end=True)
    intake.close()
    produce(topics, run, only="alerts")
    produce(topics, run, only="alerts")
    admin = AdminClient({"bootstrap.servers": topics.servers})
    places = store.position(f"kafka:{topics.alerts}")
    removed = {number: place + 3 for number, place in places.items() if place > 3}
    assert removed
    for future in admin.delete_records([TopicPartition(topics.alerts, n, to) for n, to in removed.items()]).values():
        future.result(30)
    intake = intake_of(store, topics)
    with pytest.raises(SourceChanged, match=r"--skip-missing"):
        intake.run(Event(), until_end=True)
    intake.close()
    patient = KafkaIntake(store, {"bootstrap.servers": topics.servers}, kinds_of(topics), skip_missing=True)  # type: ignore[arg-type]
    patient.run(Event(), until_end=True)
    patient.close()
    assert sum(store.position(f"kafka:{topics.alerts}").values()) == topics.size(topics.alerts)

    def read_anew(emptied: DecisionStore) -> int:
        anew = intake_of(emptied, topics)
        count = anew.run(Event(), until_end=True)
        anew.close()
        return count

    assert rebuild(store, read_anew) == topics.size(topics.alerts) - sum(removed.values())
    assert tally(store)["alerts"] > 0
    store.close()


def test_a_jobs_configuration_names_the_topics_and_what_they_hold_of_an_erased_user(
    broker: Broker, topics: Topics, bundle: Path, run: Path, tmp_path: Path
) -> None:
    config = parse_config(
        {
            "source": {"kind": "kafka", "connection": {"bootstrap_servers": broker.servers}, "topics": [topics.events]},
            "sinks": [
                {"kind": "kafka", "connection": {"bootstrap_servers": broker.servers}, "topic_prefix": topics.prefix}
            ],
            "scoring": {"bundle": str(bundle)},
        }
    )
    assert [of for _, of in topics_of(config)] == [kinds_of(topics)]
    day = 86_400_000
    kept_a_week = ConfigResource(
        ConfigResource.Type.TOPIC, topics.events,
        incremental_configs=[ConfigEntry("retention.ms", str(7 * day), incremental_operation=AlterConfigOpType.SET)],
    )  # fmt: skip
    admin = AdminClient({"bootstrap.servers": broker.servers})
    for future in admin.incremental_alter_configs([kept_a_week]).values():
        future.result(30)
    deadline = time.monotonic() + 20
    held: dict[str, int | None] = {}
    while held.get(f"Kafka topic {topics.events}") is None and time.monotonic() < deadline:
        held = {one.where: one.until_ms for one in held_by_job(config, 1_000, is_published=False)}
    for_ever = dict.fromkeys((f"Kafka topic {topic}" for topic in topics.names()), None)
    assert held == for_ever | {
        f"Kafka topic {topics.events}": 1_000 + 7 * day,
        "the job's state": 1_000 + config.state.ttl_days * day,
        "savepoints": None,
        "the entity aggregates job, if there is one": 1_000 + 8 * day,
        "profiles and block lists that you loaded": None,
    }
    produce(topics, run)
    store = DecisionStore.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    (intake,) = kafka_intakes(store, config)
    intake.run(Event(), until_end=True)
    intake.close()
    assert counted(store, run) == expected(run)
    store.close()

"""The intake of a job whose events are foreign JSON: the store has the events that the mapping makes of them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from threading import Event

import msgspec
import pytest

from console.store.intake_kafka import kafka_intakes
from console.store.rows import Batch
from console.store.store import DecisionStore
from jobs.config.job import JobConfig
from jobs.config.loading import parse_config
from jobs.kafka.erasures import erasure_payload, publish_erasure
from tests.console.store.tallies import tally
from tests.jobs.foreign_stream import AT, BROKEN, converted_lines, foreign_lines, write_mapping
from tests.kafka.conftest import make_topics
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import Broker
from udfs.records.codec import decode_event
from udfs.records.events import Erasure
from udfs.records.key_path import record_with, steps_of, value_at


@pytest.fixture
def topics(broker: Broker) -> Topics:
    return make_topics(broker)


def job_of(topics: Topics, bundle: Path, mapping: Path) -> JobConfig:
    connection = {"bootstrap_servers": topics.servers}
    return parse_config(
        {
            "source": {
                "kind": "kafka", "connection": connection, "topics": [topics.events], "mapping": str(mapping),
            },
            "sinks": [{"kind": "kafka", "connection": connection, "topic_prefix": topics.prefix}],
            "scoring": {"bundle": str(bundle)},
        }
    )  # fmt: skip


def take(store: DecisionStore, config: JobConfig) -> None:
    (intake,) = kafka_intakes(store, config)
    intake.run(Event(), until_end=True)
    intake.close()


def test_foreign_events_are_kept_as_the_mapping_makes_them_and_erased(
    store: DecisionStore, topics: Topics, bundle: Path, tmp_path: Path
) -> None:
    foreign = foreign_lines(300)
    config = job_of(topics, bundle, write_mapping(tmp_path))
    topics.send((json.loads(line)["card"]["owner"].encode(), line) for line in foreign)
    topics.send((b"anything", raw) for raw in BROKEN)  # of these the job makes dead letters
    take(store, config)
    expected = open_expected(tmp_path)
    expected.write(Batch(events=[decode_event(line) for line in converted_lines(tmp_path, foreign)]))
    assert tally(store)["events"] == tally(expected)["events"] > 200
    users = sorted({json.loads(line)["card"]["owner"] for line in foreign})
    for user in users:
        assert store.timeline(user, limit=500) == expected.timeline(user, limit=500)

    person = users[0]
    erasure = Erasure(event_id="E1", user_id=person, timestamp=time.time_ns() // 1_000_000)
    assert publish_erasure(config, erasure) == [topics.events]
    assert len({one.partition for one in topics.read(topics.events) if one.key == person.encode()}) == 1
    take(store, config)
    expected.erase_user(person)
    assert tally(store)["events"] == tally(expected)["events"]
    assert store.audit_log().items[0].subject == "E1"
    expected.close()


def open_expected(tmp_path: Path) -> DecisionStore:
    return DecisionStore.open(f"sqlite:///{tmp_path / 'expected.sqlite'}")


def test_a_foreign_dead_letter_names_its_user_and_goes_with_the_erasure(
    store: DecisionStore, topics: Topics, bundle: Path, tmp_path: Path
) -> None:
    from confluent_kafka import Producer

    config = job_of(topics, bundle, write_mapping(tmp_path))
    producer = Producer({"bootstrap.servers": topics.servers})
    for owner in ("U1", 2, None, {"odd": 1}):
        letter = json.dumps({"card": {"owner": owner}, "cents": "?"}).encode()
        producer.produce(topics.dead_letters, letter, headers=[("reason", b"column cents")])
    producer.flush()
    take(store, config)
    letters = store.dead_letters(limit=10).items
    assert sorted(str(one.user_id) for one in letters) == ["2", "None", "None", "U1"]
    assert store.erase_user("2").counts["dead_letters"] == 1


@pytest.mark.parametrize(
    ("path", "record"),
    [
        ("$.user_id", {}),
        ("$.card.owner", {"card": {"owner": "U1"}}),
        ("$['user id']", {"user id": "U1"}),
        ("$.parties[1].id", {"parties": [None, {"id": "U1"}]}),
    ],
)
def test_an_erasure_has_the_user_also_where_the_source_is_keyed(path: str, record: dict[str, object]) -> None:
    erasure = Erasure(event_id="E1", user_id="U1", timestamp=AT)
    payload = erasure_payload(erasure, path)
    assert json.loads(payload) == {"type": "erasure", "event_id": "E1", "user_id": "U1", "timestamp": AT, **record}
    assert decode_event(payload) == erasure
    assert value_at(msgspec.json.decode(payload), steps_of(path)) == "U1"
    assert value_at(record_with(7, steps_of(path)), steps_of(path)) == 7
    assert value_at({"card": 1, "parties": {}}, steps_of(path)) is None

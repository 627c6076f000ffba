"""Records in each of Kafka's compressions are read, and outputs are written in each."""

from __future__ import annotations

import json

import pytest
from confluent_kafka import Producer

from jobs.score_transactions import run
from tests.jobs.event_stream import event_lines
from tests.jobs.outcomes import replayed
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.outcomes import counted
from tests.kafka.topics import Topics

EVENTS = 300
CODECS = ("gzip", "snappy", "lz4", "zstd")


@pytest.mark.parametrize("codec", CODECS)
def test_a_compression_is_read_and_written(configure_kafka: ConfigureKafka, topics: Topics, codec: str) -> None:
    lines = event_lines(EVENTS, seed=12)
    producer = Producer({"bootstrap.servers": topics.servers, "compression.type": codec, "linger.ms": 200})
    for line in lines:
        producer.produce(topics.events, line, json.loads(line)["user_id"].encode())
    assert producer.flush(30) == 0
    config = configure_kafka(sink={"compression": codec})

    run(config)

    expected = counted(replayed(config, topics.values(topics.events))["decisions"])
    assert expected.total() > EVENTS / 2
    assert counted(topics.values(topics.decisions)) == expected

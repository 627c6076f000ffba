"""Events are refused at once while no broker can be reached."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from confluent_kafka import KafkaError

from console.answers.broker_state import BrokerState
from console.answers.kafka_events import KafkaEvents
from console.answers.port import Unavailable
from tests.console.api.serving import wait_for

LOGIN = json.dumps({"type": "login", "event_id": "E1", "user_id": "U1", "timestamp": 1_767_225_600_000}).encode()


def test_one_event_tries_from_time_to_time_until_one_is_taken() -> None:
    clock = [100.0]
    brokers = BrokerState(lambda: clock[0])
    brokers.on_error(KafkaError(KafkaError._TRANSPORT))  # one of several
    assert [brokers.refusal(), brokers.refusal()] == [None, None]
    brokers.on_error(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    assert "broker" in str(brokers.refusal())
    clock[0] += 5.0
    assert brokers.refusal() is None
    assert brokers.refusal() is not None
    brokers.on_taken()
    assert [brokers.refusal(), brokers.refusal()] == [None, None]


def test_events_are_refused_at_once_without_brokers() -> None:
    events = KafkaEvents("events", {"bootstrap.servers": "127.0.0.1:9"})
    waits = []

    def refused() -> bool:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="Kafka") as told:
            asyncio.run(events.accept(LOGIN))
        waits.append(time.monotonic() - began)
        assert told.value.retry_after_seconds == 2
        return waits[-1] < 0.1

    try:
        wait_for(refused, 20)
        assert max(waits) < 3
    finally:
        events._producer.purge()
        events.close()

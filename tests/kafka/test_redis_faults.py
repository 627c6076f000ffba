"""The job over a Redis that is paused, killed, turned into a black hole and brought back while payments go on.

    well ... paused ... well ... killed ... black hole ... well (started again, empty, filled)

Users seen while Redis was well are known for as long as the test lasts: in a fault theirs is `stale`, and a user never
seen before is `degraded`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer

from jobs.runtime.running import RunningJob
from jobs.score_transactions import start
from tests.contracts.store_factories import SETTINGS
from tests.jobs.event_stream import START_MS
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.outcomes import wait_until
from tests.kafka.topics import Topics
from tests.servers.black_hole import black_hole
from tests.servers.redis_server import RedisServer
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.profiles import UserProfile
from udfs.stores.opening import open_store
from udfs.stores.port import LOADED, Loaded, StoredRecord
from udfs.stores.settings import RedisSettings

KNOWN_USERS = 400
PAYMENTS = 5_000
NEW_USER_EVERY = 50
FRESH_MS = 200


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


def fill(server: RedisServer) -> None:
    store = open_store(RedisSettings(port=server.port, timeout_ms=10_000), SETTINGS, SYSTEM_CLOCKS)
    users: dict[str, StoredRecord] = {
        f"user:U{n}": UserProfile(user_id=f"U{n}", kyc_level=n) for n in range(KNOWN_USERS)
    }
    store.put_many(users | {LOADED: Loaded(at_ms=0)}, None)


class Payments:
    """Sends payments and waits for the decisions on them."""

    def __init__(self, topics: Topics, job: RunningJob) -> None:
        self._topics = topics
        self._job = job
        self.sent = 0
        self._decisions = KafkaConsumer(
            topics.decisions,
            bootstrap_servers=topics.servers,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=8 << 20,
        )

    def decide(self, count: int) -> list[dict[str, Any]]:
        """So many more payments, one in NEW_USER_EVERY by a user never seen: their decisions, as they came."""
        numbers = range(self.sent, self.sent + count)
        self._topics.send_events(
            json.dumps(
                {
                    "transaction_id": f"T{n}",
                    "user_id": f"U{n % KNOWN_USERS}" if n % NEW_USER_EVERY else f"N{n}",
                    "timestamp": START_MS + n * 50,
                    "amount": 9,
                }
            ).encode()
            for n in numbers
        )
        self.sent += count
        decided: list[dict[str, Any]] = []

        def all_came() -> bool:
            for records in self._decisions.poll(timeout_ms=200, max_records=5_000).values():
                decided.extend(json.loads(record.value) | {"at_ms": record.timestamp} for record in records)
            return len(decided) >= count

        wait_until(all_came, self._job, 120, "decisions")
        assert sorted(decision["transaction_id"] for decision in decided) == sorted(f"T{n}" for n in numbers)
        return decided

    def until_well(self) -> None:
        """The breaker tries again in a second, the cache reads again what is not fresh."""
        deadline = time.monotonic() + 60
        while {decision["enrichment"] for decision in self.decide(NEW_USER_EVERY)} != {"ok"}:
            assert time.monotonic() < deadline, "Redis is back, and is not used"


def is_known(decision: dict[str, Any]) -> bool:
    return str(decision["user_id"]).startswith("U")


def assert_well(decisions: list[dict[str, Any]]) -> None:
    assert {decision["enrichment"] for decision in decisions} == {"ok"}
    for decision in decisions:
        stored = int(decision["user_id"][1:]) if is_known(decision) else None
        assert decision["features"]["kyc_level"] == stored


def assert_without_redis(decisions: list[dict[str, Any]]) -> None:
    """What was read before goes on to be used, and is said to be stale; what never was is said to be missing."""
    for decision in decisions:
        known = is_known(decision)
        assert decision["enrichment"] == ("stale" if known else "degraded")
        assert decision["features"]["kyc_level"] == (int(decision["user_id"][1:]) if known else None)


def rate(decisions: list[dict[str, Any]]) -> float:
    """Decisions a second, by the times at which they were written."""
    times = sorted(decision["at_ms"] for decision in decisions)
    return 1_000 * len(times) / (times[-1] - times[0])


def test_without_redis_the_job_is_as_fast_and_decisions_are_degraded(
    configure_kafka: ConfigureKafka, topics: Topics, server: RedisServer
) -> None:
    fill(server)
    job = start(
        configure_kafka(
            source={"until": "never"},
            scoring={"log_features": True},
            store={"kind": "redis", "port": server.port, "fresh_ms": FRESH_MS},
            online_features={"kind": "store"},
        )
    )
    payments = Payments(topics, job)

    def in_a_fault() -> float:
        time.sleep(FRESH_MS / 1000)
        decisions = payments.decide(PAYMENTS)
        assert_without_redis(decisions)
        return rate(decisions)

    try:
        assert_well(payments.decide(PAYMENTS))  # the JVM warms up
        well = payments.decide(PAYMENTS)
        assert_well(well)
        server.pause()
        paused = in_a_fault()
        server.resume()
        payments.until_well()
        assert_well(payments.decide(2_000))
        server.kill()
        killed = in_a_fault()
        with black_hole(server.port):
            swallowed = in_a_fault()
        server.start()
        fill(server)
        payments.until_well()
        last = payments.decide(2_000)
        assert_well(last)
        assert min(paused, killed, swallowed) > rate(well) / 2
        assert topics.read(topics.dead_letters) == []

        online = open_store(RedisSettings(port=server.port, timeout_ms=5_000), SETTINGS, SYSTEM_CLOCKS)
        newest = max(last, key=lambda decision: int(decision["event_time_ms"]))
        wait_until(lambda: online.online_features(newest["user_id"]) is not None, job, 10, "online features")
        found = online.online_features(newest["user_id"])
        assert found is not None
        assert found.event_time_ms == newest["event_time_ms"]
        assert found.velocity_score == newest["features"]["velocity_score"]
    finally:
        job.cancel()

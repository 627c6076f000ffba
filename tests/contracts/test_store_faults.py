"""A remote store that is paused, killed, swallowed by a black hole, and brought back: look-ups stay fast and honest.

up: ok ... down: stale while what is cached may be used, degraded for the rest ... up: ok within a moment
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.contracts.store_factories import SETTINGS, redis_server, redis_settings
from tests.servers.black_hole import black_hole
from tests.servers.dynamodb_local import CREDENTIALS, DynamoDBLocal
from tests.servers.processes import ServerProcess
from tests.servers.redis_server import RedisServer
from tests.udfs.stores.lookups import DAY, NOW, LookUps
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.profiles import DomainFeed, IpFeed
from udfs.stores.dynamodb_tables import make_tables
from udfs.stores.opening import open_for_scoring, open_store
from udfs.stores.port import OnlineFeatures, StoredRecord, StoreError
from udfs.stores.publisher import OnlineFeaturePublisher
from udfs.stores.settings import (
    CacheSettings,
    DynamoDBSettings,
    OnlineFeatureSettings,
    RedisSettings,
    RemoteStoreSettings,
)

CACHE = CacheSettings(fresh_ms=100, stale_ms=1_500, open_ms=300)
CONTENT: dict[str, StoredRecord] = {
    "ip:U1": IpFeed(ip_address="U1", ip_risk_score=12.0),
    "domain:m1": DomainFeed(email_domain="m1", registered_at=NOW - 40 * DAY),
}
KEYS = ["ip:U1", "domain:m1", "device:none"]
VALUES = [12, 40, None]
SLOWEST_S = 0.6  # one time-out and what a busy machine adds to it
SECOND_S = 3  # one second, and what a busy machine adds to it
INTERRUPTED = 3  # look-ups of a test in which a busy machine may have done something else for longer
FEATURES = {"txn_count_5m": 1.0, "avg_amount_1h": 2.0, "foreign_country_count_1d": float("nan"), "velocity_score": 2.0}


class Bench:
    """A server, the settings to reach it, and look-ups in it. The IP address `U1` has a level, others have none."""

    def __init__(self, server: ServerProcess, settings: RemoteStoreSettings, port: int) -> None:
        self.server = server
        self.settings = settings
        self.port = port
        self.fill()
        self.store = open_store(settings, SETTINGS, SYSTEM_CLOCKS)
        self.lookups = LookUps(self.store, CACHE, SYSTEM_CLOCKS.monotonic_ms)
        self.took_s: list[float] = []

    def fill(self) -> None:
        if isinstance(self.settings, DynamoDBSettings):
            list(make_tables(self.settings))
        patient = replace(self.settings, timeout_ms=10_000, connect_timeout_ms=10_000)
        open_store(patient, SETTINGS, SYSTEM_CLOCKS).put_many(CONTENT, None)

    def lookup(self, keys: Sequence[str]) -> tuple[list[int | None], str]:
        start = time.monotonic()
        found = self.lookups.levels(*keys)
        self.took_s.append(time.monotonic() - start)
        return found

    @contextmanager
    def broken_by(self, fault: Callable[[Bench], AbstractContextManager[Any]]) -> Iterator[None]:
        """The server as it is with a fault; afterwards it runs again with its content, whatever failed meanwhile."""
        try:
            with fault(self):
                yield
        finally:
            if fault is paused:
                self.server.resume()
            else:
                self.server.start()
                self.fill()

    def until(self, keys: Sequence[str], status: str) -> list[int | None]:
        deadline = time.monotonic() + 10
        while True:
            values, got = self.lookup(keys)
            if got == status:
                return values
            assert time.monotonic() < deadline, f"{got}, never {status}"
            time.sleep(0.02)


@pytest.fixture(scope="module", params=["redis", "dynamodb"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    directory = tmp_path_factory.mktemp("server")
    settings: RemoteStoreSettings
    server: Any
    if request.param == "redis":
        server = RedisServer(directory)
        settings = RedisSettings(port=server.port)
    else:
        server = DynamoDBLocal(directory)
        settings = DynamoDBSettings(region="us-east-1", endpoint=server.endpoint, timeout_ms=200, patience_ms=200)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        server.start()
        try:
            yield Bench(server, settings, server.port)
        finally:
            server.stop()


def paused(bench: Bench) -> AbstractContextManager[Any]:
    bench.server.pause()
    return nullcontext()


def killed(bench: Bench) -> AbstractContextManager[Any]:
    bench.server.kill()
    return nullcontext()


def swallowed(bench: Bench) -> AbstractContextManager[Any]:
    bench.server.kill()
    return black_hole(bench.port)


@pytest.mark.parametrize("fault", [paused, killed, swallowed])
def test_lookups_stay_fast_and_report_their_status(
    bench: Bench, fault: Callable[[Bench], AbstractContextManager[Any]]
) -> None:
    bench.took_s.clear()
    assert bench.until(KEYS, "ok") == VALUES
    with bench.broken_by(fault):
        assert bench.until(KEYS, "stale") == VALUES
        assert bench.lookup(["device:new", "ip:U1"]) == ([None, VALUES[0]], "degraded")
        start, calls = time.monotonic(), 0
        while time.monotonic() - start < 1:
            assert bench.lookup(["ip:U1", f"device:new{calls}"])[1] == "degraded"
            calls += 1
        assert calls > 500, f"{calls} look-ups a second while the store is down"
        assert bench.until(KEYS, "degraded") == [None, None, None]
    assert bench.until(KEYS, "ok") == VALUES
    assert bench.lookup(["domain:m1"]) == ([VALUES[1]], "ok")
    assert bench.lookups.source.counters.failures > 0
    assert sum(took > SLOWEST_S for took in bench.took_s) <= INTERRUPTED, sorted(bench.took_s)[-10:]


def test_a_publisher_survives_an_outage_and_counts_dropped_users(bench: Bench) -> None:
    publisher = OnlineFeaturePublisher(
        open_store(bench.settings, SETTINGS, SYSTEM_CLOCKS), OnlineFeatureSettings(), SYSTEM_CLOCKS.monotonic_ms
    )
    counters = publisher.counters
    _wait_until(lambda: _publishes(publisher, "before"))  # a cold server's first answers may take too long
    dropped, failures = counters.dropped, counters.failures
    with bench.broken_by(paused):
        start = time.monotonic()
        for n in range(1_000):
            publisher.offer(f"during{n}", 2_000, FEATURES)
        assert time.monotonic() - start < 2, "an offer waits for nothing"
        _wait_until(lambda: counters.dropped == dropped + 1_000)
    _wait_until(lambda: _publishes(publisher, "after"))
    publisher.close()
    assert counters.failures > failures
    reader = open_store(replace(bench.settings, timeout_ms=5_000), SETTINGS, SYSTEM_CLOCKS)
    for user in ("before", "after"):
        assert reader.online_features(user) == OnlineFeatures(user, 3_000, 1.0, 2.0, None, 2.0)


def test_published_features_are_readable_within_a_second(bench: Bench) -> None:
    store = open_store(replace(bench.settings, timeout_ms=5_000), SETTINGS, SYSTEM_CLOCKS)
    publisher = OnlineFeaturePublisher(store, OnlineFeatureSettings(), SYSTEM_CLOCKS.monotonic_ms, store.close)
    store.online_features("Q1")  # the first call connects
    start = time.monotonic()
    for event_time_ms in (5_000, 7_000, 6_000):
        publisher.offer("Q1", event_time_ms, FEATURES)
    while (found := store.online_features("Q1")) is None:
        assert time.monotonic() - start < SECOND_S
        time.sleep(0.01)
    assert found.event_time_ms == 7_000
    publisher.close()
    assert publisher.counters.published == 1


def test_users_beyond_the_bound_are_dropped_and_counted(bench: Bench) -> None:
    store = open_store(replace(bench.settings, timeout_ms=5_000), SETTINGS, SYSTEM_CLOCKS)
    settings = OnlineFeatureSettings(max_waiting_users=10, flush_interval_ms=60_000)
    publisher = OnlineFeaturePublisher(store, settings, SYSTEM_CLOCKS.monotonic_ms)
    for n in range(25):
        publisher.offer(f"B{n % 15}", n, FEATURES)
    publisher.close()
    assert (publisher.counters.published, publisher.counters.dropped) == (10, 5)


@pytest.mark.parametrize(
    "value", [b"", b"\xc1", b"{}", b"\x80", b"\x81\xa7user_id\x01", b"\x91" * 5_000, b"\xff" * 99], ids=repr
)
def test_a_stored_value_that_is_no_record_counts_as_missing_and_degrades(value: bytes) -> None:
    settings = redis_settings()
    redis_server().client().set(f"{settings.namespace}device:bad", value)
    store = open_store(settings, SETTINGS, SYSTEM_CLOCKS)
    store.put_many(CONTENT, None)
    lookups = LookUps(store, CacheSettings(), SYSTEM_CLOCKS.monotonic_ms)
    for _ in range(3):
        assert lookups.levels("device:bad", "ip:U1") == ([None, VALUES[0]], "degraded")
        assert lookups.levels("ip:U1", "domain:m1") == (VALUES[:2], "ok")
    counters = lookups.source.counters
    assert (counters.unreadable, counters.failures) == (1, 0)


def test_wrong_credentials_fail_the_start_but_a_dead_server_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RedisServer(tmp_path, "--requirepass", "planted-s3cret")
    server.start()
    try:
        settings = RedisSettings(port=server.port, password_variable="OUR_PASSWORD")
        with pytest.raises(StoreError, match="environment variable OUR_PASSWORD"):
            open_store(settings, SETTINGS, SYSTEM_CLOCKS)
        monkeypatch.setenv("OUR_PASSWORD", "wrong-s3cret")
        with pytest.raises(StoreError, match=r"access denied: .*check username, password") as told:
            open_for_scoring(settings, SETTINGS, SYSTEM_CLOCKS)
        assert "s3cret" not in str(told.value)
        monkeypatch.setenv("OUR_PASSWORD", "planted-s3cret")
        open_for_scoring(settings, SETTINGS, SYSTEM_CLOCKS).put_many(CONTENT, None)
    finally:
        server.stop()
    dead = open_for_scoring(settings, SETTINGS, SYSTEM_CLOCKS)
    assert LookUps(dead, CACHE, SYSTEM_CLOCKS.monotonic_ms).levels("ip:U1") == ([None], "degraded")


def _publishes(publisher: OnlineFeaturePublisher, user_id: str) -> bool:
    before = publisher.counters.published
    publisher.offer(user_id, 3_000, FEATURES)
    time.sleep(0.2)
    return publisher.counters.published > before


def _wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come"
        time.sleep(0.02)

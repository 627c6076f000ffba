"""Cost of enrichment on the scorer's thread, by store and cache hit rate: `python -m benchmarks.enrichment`.

One thread learns payments in batches as the scorer does, each of a user with a device and a merchant: over a real Redis,
over DynamoDB Local, and over no records for comparison. A payment's user is in the cache with the given hit rate; a second
measurement uses expiring records, with and without read-ahead. Writes out/bench_enrichment.json.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import click
from msgspec.structs import replace

from udfs.core.learner import Learner, LearnerSettings
from udfs.entities.buckets import BucketSettings
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.profiles import DeviceProfile, MerchantProfile, UserProfile
from udfs.state.user_log import MemoryUserLogs
from udfs.stores.dynamodb_tables import make_tables
from udfs.stores.memory import MemoryStore
from udfs.stores.opening import open_for_scoring, open_store
from udfs.stores.port import StoredRecord
from udfs.stores.record_source import MemorySource, RecordSource, RemoteSource
from udfs.stores.settings import CacheSettings, DynamoDBSettings, RedisSettings, RemoteStoreSettings

PROJECT = Path(__file__).parents[1]
USERS, MERCHANTS = 6_000, 500
HIT_RATES = (1.0, 0.99, 0.95)
SECONDS = 3.0
BATCH = 32
KNOWN = 2_016
"""Users that are looked up before the measurement."""
START_MS = 1_767_225_600_000


def content() -> dict[str, StoredRecord]:
    users = {f"user:U{n}": UserProfile(user_id=f"U{n}", home_country="DE", kyc_level=2) for n in range(USERS)}
    merchants = {f"merchant:M{n}": MerchantProfile(merchant_id=f"M{n}", category="5411") for n in range(MERCHANTS)}
    devices = {f"device:D{n}": DeviceProfile(device_id=f"D{n}", registered_at=1) for n in range(USERS)}
    return {**users, **merchants, **devices}


class Payments:
    """Batches of payments, each by a user with a device and a merchant, to a learner over a store or without records."""

    def __init__(self, source: RecordSource, cache: CacheSettings | None) -> None:
        logs = MemoryUserLogs()

        def select(_: int, key: str) -> None:
            logs.set_current_key(key)

        self.statuses = {"ok": 0, "stale": 0, "degraded": 0}
        self._learner = Learner(LearnerSettings(cache=cache), source, logs, select)
        self._sent = 0

    def learn(self, users: list[int]) -> None:
        """One batch: the stores' records of all users are looked up together."""
        keys = [f"U{n}" for n in users]
        payloads: list[bytes | None] = []
        for n in users:
            self._sent += 1
            payloads.append(
                b'{"transaction_id":"T%d","user_id":"U%d","timestamp":%d,"amount":1,"merchant_id":"M%d","device_id":"D%d"}'
                % (self._sent, n, START_MS + self._sent, n % MERCHANTS, n)
            )
        for outcome in self._learner.learn(keys, payloads, [None] * len(keys)):
            self.statuses[outcome[3]] += 1


def opened(settings: RemoteStoreSettings, cache: CacheSettings) -> RemoteSource:
    store = open_for_scoring(settings, BucketSettings(), SYSTEM_CLOCKS)
    return RemoteSource(store, cache, SYSTEM_CLOCKS.monotonic_ms, store.close)


def measured(payments: Payments, hit_rate: float, known: int) -> dict[str, float]:
    """Wall-clock and CPU microseconds per payment; a miss is a user and device that were not looked up before."""
    random = Random(1)
    unseen, calls = known, 0
    cpu_ns, start_ns = time.process_time_ns(), time.perf_counter_ns()
    while time.perf_counter_ns() - start_ns < SECONDS * 1e9:
        users = []
        for _ in range(BATCH):
            is_hit = random.random() < hit_rate
            unseen += not is_hit
            users.append(random.randrange(known) if is_hit else unseen)
        payments.learn(users)
        calls += BATCH
    wall_us = (time.perf_counter_ns() - start_ns) / calls / 1_000
    cpu_us = (time.process_time_ns() - cpu_ns) / calls / 1_000
    return {"wall_us": round(wall_us, 2), "cpu_us": round(cpu_us, 2)}


def without_store(hit_rate: float) -> dict[str, float]:
    """The same payments over a store in memory that is empty."""
    return measured(Payments(MemorySource(MemoryStore({})), None), hit_rate, KNOWN)


def by_hit_rate(settings: RemoteStoreSettings, hit_rate: float, warm: bool = True) -> dict[str, float]:
    """Without `warm` every look-up is a miss, as with a store that is unavailable from the start."""
    cache = CacheSettings(entries=1_000_000)
    source = opened(settings, cache)
    payments = Payments(source, cache)
    for n in range(0, KNOWN if warm else 0, BATCH):
        payments.learn([*range(n, n + BATCH)])
    before = source.counters.failures
    payments.statuses.update(dict.fromkeys(payments.statuses, 0))
    found = measured(payments, hit_rate, KNOWN)
    source.close()
    not_ok = payments.statuses["stale"] + payments.statuses["degraded"]
    return {**found, "failures": source.counters.failures - before, "not_ok": not_ok}


def with_expiry(settings: RemoteStoreSettings, refresh_ahead_ms: int) -> dict[str, float]:
    """Wall-clock microseconds of single payments at 4,000 a second by 500 users whose records expire after 1 s."""
    cache = CacheSettings(fresh_ms=1_000, refresh_ahead_ms=refresh_ahead_ms)
    source = opened(settings, cache)
    payments = Payments(source, cache)
    random = Random(1)
    payments.learn([*range(500)])
    misses = source.counters.misses
    took_us: list[float] = []
    begin = due = time.perf_counter()
    while due - begin < 2 * SECONDS:
        due += 1 / 4_000
        if (early := due - time.perf_counter()) > 0:
            time.sleep(early)
        start_ns = time.perf_counter_ns()
        payments.learn([random.randrange(500)])
        took_us.append((time.perf_counter_ns() - start_ns) / 1_000)
    source.close()
    took_us.sort()
    return {
        "mean_us": round(sum(took_us) / len(took_us), 1),
        "p50_us": round(took_us[len(took_us) // 2], 1),
        "p99_us": round(took_us[len(took_us) * 99 // 100], 1),
        "p99_9_us": round(took_us[len(took_us) * 999 // 1000], 1),
        "keys_read": source.counters.misses - misses,
        "keys_read_ahead": source.counters.refreshed,
    }


def start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def fetched(server: str) -> str:
    script = str(PROJECT / "deploy" / "servers" / server / "fetch.py")
    return subprocess.run([sys.executable, script], check=True, capture_output=True, text=True).stdout.split()[-1]


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/bench_enrichment.json"), show_default=True)
@click.option("--redis-port", default=16_379, show_default=True)
@click.option("--dynamodb-port", default=18_000, show_default=True)
def main(out: Path, redis_port: int, dynamodb_port: int) -> None:
    """Start Redis and DynamoDB Local on the given ports and measure look-ups."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    jars = fetched("dynamodb")
    server = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner"
    java = ["java", f"-Djava.library.path={jars}", "-cp", f"{jars}/*", server, "-inMemory", "-sharedDb"]
    processes = [
        start([fetched("redis"), "--port", str(redis_port), "--bind", "127.0.0.1", "--save", ""]),
        start([*java, "-disableTelemetry", "-port", str(dynamodb_port)]),
    ]
    try:
        time.sleep(4)
        redis = RedisSettings(port=redis_port)
        dynamodb = DynamoDBSettings(region="us-east-1", endpoint=f"http://127.0.0.1:{dynamodb_port}")
        patient = replace(dynamodb, timeout_ms=10_000, patience_ms=10_000)
        list(make_tables(patient))
        results: dict[str, Any] = {"no store": {f"hit rate {rate}": without_store(rate) for rate in HIT_RATES}}
        for name, settings, filler in (("redis", redis, redis), ("dynamodb", patient, patient)):
            open_store(replace(filler, timeout_ms=10_000), BucketSettings(), SYSTEM_CLOCKS).put_many(content(), None)
            results[name] = {f"hit rate {rate}": by_hit_rate(settings, rate) for rate in HIT_RATES}
            if name == "redis":
                processes[0].send_signal(signal.SIGSTOP)
                results[name]["paused, hit rate 0.95"] = by_hit_rate(settings, 0.95, warm=False)
                processes[0].send_signal(signal.SIGCONT)
            results[name]["expiring"] = with_expiry(settings, 0)
            results[name]["expiring, read ahead"] = with_expiry(settings, 400)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=2) + "\n")
    click.echo(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()

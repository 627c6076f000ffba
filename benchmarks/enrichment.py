"""What enrichment costs the scorer's thread, by store and hit rate: `python -m benchmarks.enrichment`.

One thread looks up three keys a transaction (user, merchant, device) as the scorer does, over a real Redis and a DynamoDB
Local. Each transaction's user is in the cache with the probability that is named; beside it stands the same for
entries that grow old, with and without reading ahead. Writes out/bench_enrichment.json.
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

from udfs.entity_buckets import BucketSettings
from udfs.profiles import DeviceProfile, MerchantProfile, UserProfile
from udfs.stores.cache import CachedEnrichment
from udfs.stores.dynamodb_tables import make_tables
from udfs.stores.opening import open_store
from udfs.stores.port import StoredRecord
from udfs.stores.settings import CacheSettings, DynamoDBSettings, RedisSettings, RemoteStoreSettings
from udfs.system_clocks import SYSTEM_CLOCKS

PROJECT = Path(__file__).parents[1]
USERS, MERCHANTS = 6_000, 500
HIT_RATES = (1.0, 0.99, 0.95)
SECONDS = 3.0
SCORING_US = 65.0
"""What the rest of a transaction costs (docs/performance.md): for throughput with everything else there."""


def content() -> dict[str, StoredRecord]:
    users = {f"user:U{n}": UserProfile(user_id=f"U{n}", home_country="DE", kyc_level=2) for n in range(USERS)}
    merchants = {f"merchant:M{n}": MerchantProfile(merchant_id=f"M{n}", category="5411") for n in range(MERCHANTS)}
    devices = {f"device:D{n}": DeviceProfile(device_id=f"D{n}", registered_at=1) for n in range(USERS)}
    return {**users, **merchants, **devices}


def by_hit_rate(settings: RemoteStoreSettings, hit_rate: float, warm: bool = True) -> dict[str, float]:
    """Microseconds of wall clock and of CPU a look-up, where a miss is a user and a device that nobody asked for yet.

    Without `warm` every look-up is a miss: a store that is down from the start."""
    random = Random(1)
    store = open_store(settings, BucketSettings(), SYSTEM_CLOCKS)
    enrichment = CachedEnrichment(store, CacheSettings(entries=1_000_000), SYSTEM_CLOCKS.monotonic_ms)
    known = 2_000
    for n in range(known if warm else 0):
        enrichment.lookup([f"user:U{n}", f"merchant:M{n % MERCHANTS}", f"device:D{n}"])
    before = enrichment.counters.failures
    unseen, calls, statuses = known, 0, {"ok": 0, "stale": 0, "degraded": 0}
    cpu_ns, start_ns = time.process_time_ns(), time.perf_counter_ns()
    while time.perf_counter_ns() - start_ns < SECONDS * 1e9:
        if random.random() < hit_rate:
            n = random.randrange(known)
        else:
            unseen += 1
            n = unseen
        statuses[enrichment.lookup([f"user:U{n}", f"merchant:M{n % MERCHANTS}", f"device:D{n}"])[1]] += 1
        calls += 1
    wall_us = (time.perf_counter_ns() - start_ns) / calls / 1_000
    cpu_us = (time.process_time_ns() - cpu_ns) / calls / 1_000
    enrichment.close()
    return {
        "wall_us": round(wall_us, 2),
        "cpu_us": round(cpu_us, 2),
        "tx_per_s_with_scoring": round(1e6 / (wall_us + SCORING_US)),
        "failures": enrichment.counters.failures - before,
        "not_ok": statuses["stale"] + statuses["degraded"],
    }


def growing_old(settings: RemoteStoreSettings, refresh_ahead_ms: int) -> dict[str, float]:
    """A steady 4,000 tx/s over 500 users whose entries are fresh for 1 s: every look-up's wall clock."""
    store = open_store(settings, BucketSettings(), SYSTEM_CLOCKS)
    cache = CacheSettings(fresh_ms=1_000, refresh_ahead_ms=refresh_ahead_ms)
    enrichment = CachedEnrichment(store, cache, SYSTEM_CLOCKS.monotonic_ms)
    random = Random(1)
    for n in range(500):
        enrichment.lookup([f"user:U{n}", f"device:D{n}"])
    enrichment.counters.hits = enrichment.counters.misses = 0
    took_us: list[float] = []
    begin = due = time.perf_counter()
    while due - begin < 2 * SECONDS:
        due += 1 / 4_000
        if (early := due - time.perf_counter()) > 0:
            time.sleep(early)
        n = random.randrange(500)
        start_ns = time.perf_counter_ns()
        enrichment.lookup([f"user:U{n}", f"device:D{n}"])
        took_us.append((time.perf_counter_ns() - start_ns) / 1_000)
    enrichment.close()
    took_us.sort()
    counters = enrichment.counters
    return {
        "mean_us": round(sum(took_us) / len(took_us), 1),
        "p50_us": round(took_us[len(took_us) // 2], 1),
        "p99_us": round(took_us[len(took_us) * 99 // 100], 1),
        "p99_9_us": round(took_us[len(took_us) * 999 // 1000], 1),
        "hit_share": round(counters.hits / (counters.hits + counters.misses), 4),
        "read_ahead": counters.refreshed,
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
    """Measure look-ups over Redis and DynamoDB Local, which are started on the given ports."""
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
        results: dict[str, Any] = {}
        for name, settings, filler in (("redis", redis, redis), ("dynamodb", patient, patient)):
            open_store(replace(filler, timeout_ms=10_000), BucketSettings(), SYSTEM_CLOCKS).put_many(content(), None)
            results[name] = {f"hit rate {rate}": by_hit_rate(settings, rate) for rate in HIT_RATES}
            if name == "redis":
                processes[0].send_signal(signal.SIGSTOP)
                results[name]["paused, hit rate 0.95"] = by_hit_rate(settings, 0.95, warm=False)
                processes[0].send_signal(signal.SIGCONT)
            results[name]["growing old"] = growing_old(settings, 0)
            results[name]["growing old, read ahead"] = growing_old(settings, 400)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=2) + "\n")
    click.echo(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()

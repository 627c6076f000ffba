"""Kafka to Kafka: throughput of one slot and latency in open loop, `make bench-kafka`.

The fully configured job drains a backlog and then receives events at constant rates from another process. The same run
measures a JVM pass-through (same source and sink with SQL in between, the lower bound) and a plain Python consumer with
XGBoost (the simplest alternative). Writes JSON, and a table to docs/performance.md.

Throughput is decisions per second by write times, after a warm-up. Latency is from the time an event was due to be sent
to the CreateTime of its decision's record, in whole milliseconds.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.kafka_bench import PARTITIONS, Testbed, make_topics, send_all, start_testbed, write_config
from benchmarks.kafka_log import KafkaLog, delays_ms, percentiles, steady_rate
from benchmarks.machine import describe_machine, machine
from benchmarks.performance_page import write_table
from benchmarks.processes import PROJECT, Running, python, running, stop_all_when_terminated, wait_until

WARM_UP_SHARE = 0.5
"""Share of a backlog that is not measured: operator start-up and JIT compilation in the JVMs of the broker and the job."""
WARM_UP_SECONDS = 30
"""Seconds at each rate that are not measured: single records run other code paths of Kafka and Flink than a backlog, and
their JIT compilation delays the job by 50 to 150 ms at a time."""
JOB, FLOOR, PLAIN = "job", "pass-through", "plain"
SINK = "sink."
PLAIN_SECONDS = 12
TIMEOUT_SECONDS = 240


@click.command(name="latency")
@click.option(
    "--backlog", default=300_000, show_default=True, help="Transactions to drain; the later half is measured."
)
@click.option("--users", default=10_000, show_default=True, help="Simulated users.")
@click.option("--rate", "rates", multiple=True, type=int, default=(1_000, 3_000), show_default=True)
@click.option("--seconds", default=20, show_default=True, help="Measured seconds at each rate, after 30 s of warm-up.")
@click.option("--only", type=click.Choice([JOB, FLOOR, PLAIN]), help="Measure one system; the page is not written.")
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Override a key of the job's config; `sink` is its Kafka sink.",
)
@click.option("--java", default="", help="Flags of the job's JVM.")
@click.option("--json", "out", type=click.Path(path_type=Path), default=Path("out/bench_kafka.json"), show_default=True)
@click.option("--page", type=click.Path(path_type=Path), default=Path("docs/performance.md"), show_default=True)
def main(
    backlog: int,
    users: int,
    rates: tuple[int, ...],
    seconds: int,
    only: str | None,
    options: tuple[str, ...],
    java: str,
    out: Path,
    page: Path,
) -> None:
    """Measure and print; write the figures as JSON and to the page."""
    stop_all_when_terminated()
    found: dict[str, Any] = {"machine": machine()}
    click.echo(describe_machine(found["machine"]))
    with TemporaryDirectory() as folder:
        live = sum(rate * (seconds + WARM_UP_SECONDS) for rate in rates)
        with start_testbed(Path(folder), backlog, live, users) as testbed:
            found |= {"store": testbed.store, "backlog": backlog, "users": users}
            click.echo(f"backlog: {backlog:,} transactions of {users:,} users; profiles in {testbed.store}")
            send_backlog(testbed)
            if only in (None, FLOOR):
                found[FLOOR] = measure_pass_through(testbed)
                report(FLOOR, found[FLOOR])
            if only in (None, PLAIN):
                found[PLAIN] = measure_plain(testbed)
                report(PLAIN, found[PLAIN])
            if only in (None, JOB):
                found[JOB] = measure_job(testbed, rates, seconds, options, java)
                report(JOB, found[JOB])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n")
    click.echo(f"figures: {out}")
    if only is None and not options and not java:
        write_table(page, found)
        click.echo(f"table: {page}")


def send_backlog(testbed: Testbed) -> None:
    """Sends the backlog to the job's topic, from which all systems read."""
    make_topics(write_config(testbed, JOB))
    send_all(testbed.servers, f"{JOB}.events", testbed.backlog)


def measure_job(
    testbed: Testbed, rates: tuple[int, ...], seconds: int, options: tuple[str, ...], java: str
) -> dict[str, Any]:
    """Drain rate and latency of the scoring job in a MiniCluster in its own process."""
    pairs = _pairs(options)
    sink = {name.removeprefix(SINK): value for name, value in pairs if name.startswith(SINK)}
    config = write_config(testbed, JOB, sink=sink)
    environment = {
        f"FRAUD__{name.replace('.', '__').upper()}": value for name, value in pairs if not name.startswith(SINK)
    }
    if java:
        environment["JAVA_TOOL_OPTIONS"] = java
    command = python("jobs.score_transactions", "--config", str(config))
    log = KafkaLog(testbed.servers)
    topic = f"{JOB}.decisions"
    found: dict[str, Any] = {"options": list(options), "java": java}
    with running(command, testbed.work / "job.log", **environment) as job:
        found["drain_per_second"] = _drain(log, topic, _lines(testbed.backlog), job)
        events = testbed.live.read_bytes().splitlines(keepends=True)
        for rate in rates:
            count = rate * (seconds + WARM_UP_SECONDS)
            part = testbed.work / f"live-{rate}.jsonl"
            part.write_bytes(b"".join(events[:count]))
            del events[:count]
            found[str(rate)] = _latency(testbed, log, topic, part, rate, job)
    log.close()
    return found


def measure_pass_through(testbed: Testbed) -> dict[str, Any]:
    """Drain rate of the same source and sink with SQL in between."""
    config = write_config(testbed, FLOOR, source={"topics": [f"{JOB}.events"]})
    make_topics(config)
    log = KafkaLog(testbed.servers)
    with running(python("benchmarks.pass_through", str(config)), testbed.work / f"{FLOOR}.log") as job:
        rate = _drain(log, f"{FLOOR}.decisions", _lines(testbed.backlog), job)
    log.close()
    return {"drain_per_second": rate}


def measure_plain(testbed: Testbed) -> dict[str, Any]:
    """Drain rate of the plain consumer over PLAIN_SECONDS of the same backlog."""
    from kafka import KafkaAdminClient

    target = f"{PLAIN}.decisions"
    admin = KafkaAdminClient(bootstrap_servers=testbed.servers)
    admin.create_topics({target: {"num_partitions": PARTITIONS, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    log = KafkaLog(testbed.servers)
    command = python("benchmarks.plain_consumer", testbed.servers, f"{JOB}.events", target)
    with running(command, testbed.work / "plain.log") as loop:
        wait_until(lambda: log.size(target) > 0, 60, "decisions of the plain consumer", loop)
        _wait_for_plain(log, target, _lines(testbed.backlog), loop)
    rate = steady_rate([record.timestamp for record in log.records(target)], WARM_UP_SHARE)
    log.close()
    return {"drain_per_second": rate}


def _wait_for_plain(log: KafkaLog, topic: str, total: int, loop: Running) -> None:
    try:
        wait_until(lambda: log.size(topic) >= total, PLAIN_SECONDS, "end", loop)
    except TimeoutError:  # part of the backlog is enough
        return


def _drain(log: KafkaLog, topic: str, count: int, job: Running) -> float:
    wait_until(lambda: log.size(topic) >= count, TIMEOUT_SECONDS, f"{count:,} records in {topic}", job)
    return steady_rate([record.timestamp for record in log.records(topic)], WARM_UP_SHARE)


def _latency(testbed: Testbed, log: KafkaLog, topic: str, events: Path, rate: int, job: Running) -> dict[str, Any]:
    before, count = log.offsets(topic), _lines(events)
    target = sum(before.values()) + count
    produce = python("cli.main", "produce", "--servers", testbed.servers, "--topic", f"{JOB}.events")
    produce += ["--events", str(events), "--rate", str(rate), "--timestamps", "now", "--linger-ms", "0"]
    sent = subprocess.run(produce, capture_output=True, text=True, check=True, cwd=PROJECT)
    wait_until(lambda: log.size(topic) >= target, 60, "last decisions", job)
    delays = delays_ms(log.records(topic, before), WARM_UP_SECONDS * 1_000)
    return {**percentiles(delays), "transactions": len(delays), "sender": sent.stdout.splitlines()}


def report(name: str, figures: dict[str, Any]) -> None:
    """Prints throughput and latencies of one system."""
    click.echo(f"{name}: {figures['drain_per_second']:,.0f} transactions/s")
    for rate, latency in figures.items():
        if isinstance(latency, dict):
            shown = ", ".join(f"{key} {latency[key]:,}" for key in ("p50", "p95", "p99", "p99.9", "max"))
            click.echo(f"  at {int(rate):,}/s: {shown} ms   [{latency['sender'][-1]}]")


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _pairs(options: tuple[str, ...]) -> list[tuple[str, str]]:
    found = []
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise click.UsageError(f"--set {option}: expected SECTION.KEY=VALUE")
        found.append((name, value))
    return found


if __name__ == "__main__":
    main()

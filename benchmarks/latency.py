"""Kafka to Kafka: throughput of one slot and latency in open loop, `make bench-kafka`.

The job with everything on drains a backlog and then, warm from it, gets events at set rates from another process. In the
same run stand the JVM's pass-through (the same source and sink, SQL between them: the floor) and a plain consumer with
XGBoost (what one would write first). Writes JSON, and a table into docs/performance.md.

Throughput is decisions a second by the times at which they were written, after a warm-up. Latency is from the moment that an
event was due to be sent to the time of its decision's record (CreateTime), which Kafka counts in whole milliseconds.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.kafka_bench import PARTITIONS, Stage, make_topics, send_all, stage, write_config
from benchmarks.kafka_log import KafkaLog, delays_ms, percentiles, steady_rate
from benchmarks.machine import in_words, machine
from benchmarks.performance_page import write_table
from benchmarks.processes import PROJECT, Running, python, running, stop_all_when_terminated, wait_until

WARM_UP_SHARE = 0.5
"""Of a backlog: start-up of the operator, and the half minute in which the compilers of both JVMs, the broker's and the
job's, take as much of the two cores as the job."""
WARM_UP_SECONDS = 30
"""At a rate: single records take other ways through Kafka's and Flink's code than a backlog does, and while a compiler works
on them the job waits for a core by 50 to 150 ms at a time."""
JOB, FLOOR, PLAIN = "job", "pass-through", "plain"
PLAIN_SECONDS = 12
PATIENCE_SECONDS = 240


@click.command(name="latency")
@click.option(
    "--backlog", default=300_000, show_default=True, help="Transactions to drain; the later half is measured."
)
@click.option("--users", default=10_000, show_default=True, help="Simulated users.")
@click.option("--rate", "rates", multiple=True, type=int, default=(1_000, 3_000), show_default=True)
@click.option("--seconds", default=20, show_default=True, help="Of measuring at each rate, after 30 of warm-up.")
@click.option("--only", type=click.Choice([JOB, FLOOR, PLAIN]), help="One system only; the page is not written.")
@click.option("--set", "options", multiple=True, metavar="SECTION.KEY=VALUE", help="Over the job's config; to compare.")
@click.option("--java", default="", help="Flags of the job's JVM; to compare.")
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
    """Measure and print; the figures are also written as JSON and into the page."""
    stop_all_when_terminated()
    found: dict[str, Any] = {"machine": machine()}
    click.echo(in_words(found["machine"]))
    with TemporaryDirectory() as folder:
        live = sum(rate * (seconds + WARM_UP_SECONDS) for rate in rates)
        with stage(Path(folder), backlog, live, users) as made:
            found |= {"store": made.store, "backlog": backlog, "users": users}
            click.echo(f"{backlog:,} transactions of {users:,} users are waiting; profiles in {made.store}")
            send_backlog(made)
            if only in (None, FLOOR):
                found[FLOOR] = measure_pass_through(made)
                report(FLOOR, found[FLOOR])
            if only in (None, PLAIN):
                found[PLAIN] = measure_plain(made)
                report(PLAIN, found[PLAIN])
            if only in (None, JOB):
                found[JOB] = measure_job(made, rates, seconds, options, java)
                report(JOB, found[JOB])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n")
    click.echo(f"figures: {out}")
    if only is None and not options and not java:
        write_table(page, found)
        click.echo(f"table: {page}")


def send_backlog(made: Stage) -> None:
    """The backlog into the job's topic, from which all systems read it."""
    make_topics(write_config(made, JOB))
    send_all(made.servers, f"{JOB}.events", made.backlog)


def measure_job(
    made: Stage, rates: tuple[int, ...], seconds: int, options: tuple[str, ...], java: str
) -> dict[str, Any]:
    """Drain rate and latency of the scoring job in a MiniCluster of a process of its own."""
    config = write_config(made, JOB)
    over = {f"FRAUD__{name.replace('.', '__').upper()}": value for name, value in _pairs(options)}
    if java:
        over["JAVA_TOOL_OPTIONS"] = java
    command = python("jobs.score_transactions", "--config", str(config))
    log = KafkaLog(made.servers)
    topic = f"{JOB}.decisions"
    found: dict[str, Any] = {"options": list(options), "java": java}
    with running(command, made.work / "job.log", **over) as job:
        found["drain_per_second"] = _drain(log, topic, _lines(made.backlog), job)
        events = made.live.read_bytes().splitlines(keepends=True)
        for rate in rates:
            count = rate * (seconds + WARM_UP_SECONDS)
            part = made.work / f"live-{rate}.jsonl"
            part.write_bytes(b"".join(events[:count]))
            del events[:count]
            found[str(rate)] = _latency(made, log, topic, part, rate, job)
    log.close()
    return found


def measure_pass_through(made: Stage) -> dict[str, Any]:
    """Drain rate of the same source and sink with SQL between them."""
    config = write_config(made, FLOOR, source={"topics": [f"{JOB}.events"]})
    make_topics(config)
    log = KafkaLog(made.servers)
    with running(python("benchmarks.pass_through", str(config)), made.work / f"{FLOOR}.log") as job:
        rate = _drain(log, f"{FLOOR}.decisions", _lines(made.backlog), job)
    log.close()
    return {"drain_per_second": rate}


def measure_plain(made: Stage) -> dict[str, Any]:
    """Rate of the plain consumer, over some seconds of the same backlog."""
    from kafka import KafkaAdminClient

    target = f"{PLAIN}.decisions"
    admin = KafkaAdminClient(bootstrap_servers=made.servers)
    admin.create_topics({target: {"num_partitions": PARTITIONS, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    log = KafkaLog(made.servers)
    command = python("benchmarks.plain_consumer", made.servers, f"{JOB}.events", target)
    with running(command, made.work / "plain.log") as loop:
        wait_until(lambda: log.size(target) > 0, 60, "decisions of the plain consumer", loop)
        _wait_a_while(log, target, _lines(made.backlog), loop)
    rate = steady_rate([record.timestamp for record in log.records(target)], WARM_UP_SHARE)
    log.close()
    return {"drain_per_second": rate}


def _wait_a_while(log: KafkaLog, topic: str, all_of_them: int, loop: Running) -> None:
    try:
        wait_until(lambda: log.size(topic) >= all_of_them, PLAIN_SECONDS, "end", loop)
    except TimeoutError:  # it need not get to the end
        return


def _drain(log: KafkaLog, topic: str, count: int, job: Running) -> float:
    wait_until(lambda: log.size(topic) >= count, PATIENCE_SECONDS, f"{count:,} records in {topic}", job)
    return steady_rate([record.timestamp for record in log.records(topic)], WARM_UP_SHARE)


def _latency(made: Stage, log: KafkaLog, topic: str, events: Path, rate: int, job: Running) -> dict[str, Any]:
    before, count = log.offsets(topic), _lines(events)
    target = sum(before.values()) + count
    produce = python("cli.main", "produce", "--servers", made.servers, "--topic", f"{JOB}.events")
    produce += ["--events", str(events), "--rate", str(rate), "--timestamps", "now"]
    sent = subprocess.run(produce, capture_output=True, text=True, check=True, cwd=PROJECT)
    wait_until(lambda: log.size(topic) >= target, 60, "last decisions", job)
    delays = delays_ms(log.records(topic, before), WARM_UP_SECONDS * 1_000)
    return {**percentiles(delays), "transactions": len(delays), "sender": sent.stdout.splitlines()}


def report(name: str, figures: dict[str, Any]) -> None:
    """What was found, in a few lines."""
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
            raise click.UsageError(f"--set {option}: say SECTION.KEY=VALUE")
        found.append((name, value))
    return found


if __name__ == "__main__":
    main()

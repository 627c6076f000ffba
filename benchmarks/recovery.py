"""Recovery matrix: faults while events arrive, and what is lost, repeated or different after them. `make recovery`

Each cell runs the fully configured job from Kafka to Kafka with a remote store, under a constant rate, and does one fault
at one moment, with a state backend and a delivery guarantee. Afterwards every transaction must have a decision, repeated
decisions must be equal byte by byte (with exactly-once there must be none for a consumer that reads committed records), and
the decisions of one user in fifty must equal a replay in plain Python, which knows no fault. With SNS every alert must also
be among its messages. The time to recover is the longest time between two decisions, by their records' times; a server or
process that is paused or gone is so for 8 s. Exit code 1 where a cell fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import click
from rich.console import Console

from benchmarks.kafka_bench import make_topics, write_config
from benchmarks.kafka_log import KafkaLog
from benchmarks.machine import describe_machine, machine
from benchmarks.processes import PROJECT, ProcessEnded, python, stop_all_when_terminated
from benchmarks.recovery_cells import EXACTLY_ONCE, MOMENTS, Cell, all_cells
from benchmarks.recovery_clock import clock_environment
from benchmarks.recovery_faults import FAULTS, ON_CLUSTER, WITH_CLOCK, Scene, wait_for_moment
from benchmarks.recovery_jobs import Cluster, ClusterJob, Job, LocalJob
from benchmarks.recovery_servers import AlertQueue, Servers, alerts_without_message, small_disk, start_servers
from benchmarks.soak_verification import Verdict, verify

SECONDS = 24.0
FAULT_AFTER_SECONDS = 6.0
USERS = 2_000
DISK_MEGABYTES = 64
PATIENCE_SECONDS = 300
IDLE_SECONDS = 8.0
"""A run is over when no decision was written for so long and each transaction has one."""
LONGEST_IDLE_SECONDS = 180.0
"""A run is over when no decision was written for so long, whatever is missing."""
FAILURES = (TimeoutError, ProcessEnded, RuntimeError, LookupError, OSError, subprocess.SubprocessError)


class Result(NamedTuple):
    """`alerts_lost`: alerts of the topic that SNS's queue does not hold; None without SNS. `error`: why no verdict."""

    verdict: Verdict | None
    recovery_seconds: float
    alerts_lost: int | None = None
    error: str | None = None

    def is_good(self, cell: Cell) -> bool:
        """Nothing lost or different; and nothing repeated where that is promised."""
        if self.verdict is None:
            return False
        is_once = cell.guarantee != EXACTLY_ONCE or self.verdict.repeated == 0
        return self.verdict.is_good and is_once and not self.alerts_lost


@click.command(name="recovery", help=__doc__)
@click.option("--fault", "faults", multiple=True, type=click.Choice(list(FAULTS)), help="Only these faults.")
@click.option("--moment", "moments", multiple=True, type=click.Choice(MOMENTS), help="Only these moments.")
@click.option("--backend", "backends", multiple=True, type=click.Choice(("hashmap", "rocksdb")), help="Only these.")
@click.option("--guarantee", "guarantees", multiple=True, type=click.Choice(("at-least-once", "exactly-once")))
@click.option("--rate", default=1_000, show_default=True, help="Events per second.")
@click.option("--json", "out", type=click.Path(path_type=Path), default=Path("out/recovery.json"), show_default=True)
@click.option("--resume", is_flag=True, help="Keep the good cells of the file of figures, and run only the others.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep logs and configurations in this folder.")
def main(
    faults: tuple[str, ...],
    moments: tuple[str, ...],
    backends: tuple[str, ...],
    guarantees: tuple[str, ...],
    rate: int,
    out: Path,
    resume: bool,
    keep: Path | None,
) -> None:
    stop_all_when_terminated()
    console = Console()
    found = machine()
    console.print(describe_machine(found))
    chosen = [
        cell
        for cell in all_cells()
        if (not faults or cell.fault in faults)
        and (not moments or cell.moment in moments)
        and (not backends or cell.backend in backends)
        and (not guarantees or cell.guarantee in guarantees)
    ]
    known = json.loads(out.read_text())["cells"] if resume and out.exists() else []
    trees: dict[Cell, dict[str, Any]] = {cell_of(tree): tree for tree in known if tree["is_good"]}
    chosen = [cell for cell in chosen if cell not in trees]
    out.parent.mkdir(parents=True, exist_ok=True)
    with _working_directory(keep) as work, _servers(work, rate, chosen) as servers:
        for number, cell in enumerate(chosen, 1):
            result = run_cell(servers, cell, f"cell{number}", rate)
            trees[cell] = as_tree(cell, result)
            console.print(
                f"{number}/{len(chosen)} {cell.describe()}: {in_words(result)}", highlight=False, soft_wrap=True
            )
            in_order = [trees[one] for one in all_cells() if one in trees]
            out.write_text(json.dumps({"machine": found, "rate": rate, "cells": in_order}, indent=2) + "\n")
    failed = [cell.describe() for cell, tree in trees.items() if not tree["is_good"]]
    console.print(
        f"{len(trees) - len(failed)} of {len(trees)} cells are good: {out}; python -m benchmarks.recovery_page"
    )
    for line in failed:
        console.print(f"failed: {line}")
    sys.exit(1 if failed else 0)


def _servers(work: Path, rate: int, chosen: list[Cell]) -> AbstractContextManager[Servers]:
    with_aws = any("DynamoDB" in cell.fault or "SNS" in cell.fault for cell in chosen)
    return start_servers(work, round(rate * SECONDS), USERS, with_aws)


def run_cell(servers: Servers, cell: Cell, name: str, rate: int) -> Result:
    """Runs one cell; what keeps it from its end is its result's error."""
    try:
        return _run(servers, cell, name, rate)
    except FAILURES as error:
        return Result(None, 0.0, error=" ".join(f"{type(error).__name__}: {error}".split()))


def _run(servers: Servers, cell: Cell, name: str, rate: int) -> Result:
    testbed = servers.testbed
    is_once = cell.guarantee == EXACTLY_ONCE
    with ExitStack() as stack:
        checkpoints = testbed.work / name / "checkpoints"
        disk = None
        if cell.fault == "disk of checkpoints full":
            disk = stack.enter_context(small_disk(testbed.work / name / "disk", DISK_MEGABYTES))
            checkpoints = disk.directory / "checkpoints"
        queue = AlertQueue(servers) if "SNS" in cell.fault else None
        config = _write_config(servers, cell, name, checkpoints, queue)
        make_topics(config)
        log = KafkaLog(testbed.servers, only_committed=is_once)
        stack.callback(log.close)
        clock_file = testbed.work / name / "clock"
        job = _job(stack, servers, cell, config, name, clock_file)
        job.start()
        send = python("cli.main", "produce", "--servers", testbed.servers, "--topic", f"{name}.events")
        send += ["--events", str(testbed.live), "--rate", str(rate)]
        sender = subprocess.Popen(send, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=PROJECT, text=True)
        stack.callback(sender.kill)
        time.sleep(FAULT_AFTER_SECONDS)
        wait_for_moment(cell.moment, job)
        FAULTS[cell.fault](Scene(servers, job, config, name, cell.moment, disk, clock_file))
        _, errors = sender.communicate(timeout=SECONDS + PATIENCE_SECONDS)
        if sender.returncode:
            raise RuntimeError(f"events were not sent as a whole: {errors.strip()[-300:]}")
        _wait_for_the_end(log, f"{name}.decisions", job, len(testbed.live.read_bytes().splitlines()))
        job.end()
        verdict = verify(log, config, f"{name}.events", f"{name}.decisions", f"{name}.dead-letters")
        gap_ms = log.longest_gap_ms(f"{name}.decisions")
        lost = None
        if queue is not None:
            alerts = [record.value for record in log.records(f"{name}.alerts")]
            lost = alerts_without_message(alerts, queue.take_all())
        return Result(verdict, gap_ms / 1_000, lost)


def _write_config(servers: Servers, cell: Cell, name: str, checkpoints: Path, queue: AlertQueue | None) -> Path:
    """The job's configuration. What the fault is about is reached through its link where that is cut."""
    testbed = servers.testbed
    more: dict[str, Any] = {}
    kafka = servers.kafka_through_link if cell.fault == "network to the broker" else testbed.servers
    connection = {"bootstrap_servers": kafka}
    if cell.fault == "network to Redis":
        testbed = testbed._replace(redis_port=servers.redis.link.port)
    if "DynamoDB" in cell.fault:
        testbed = testbed._replace(redis_port=None)
        more["store"] = servers.dynamodb_store()
    once = {"guarantee": EXACTLY_ONCE, "transactional_id_prefix": name} if cell.guarantee == EXACTLY_ONCE else {}
    sns = [] if queue is None else [{"kind": "sns", "topic_arn": queue.topic_arn, "endpoint": servers.sns_endpoint}]
    return write_config(
        testbed,
        name,
        parallelism=1,
        source={"connection": connection},
        sink={"connection": connection, **once},
        more_sinks=sns,
        scoring={"log_features": "none"},
        state={"backend": cell.backend, "checkpoint_dir": str(checkpoints), "checkpoint_interval_ms": 2_000},
        **more,
    )


def _job(stack: ExitStack, servers: Servers, cell: Cell, config: Path, name: str, clock_file: Path) -> Job:
    work = servers.testbed.work
    if cell.fault in ON_CLUSTER:
        cluster = Cluster(work / name / "cluster")
        stack.callback(cluster.stop)
        cluster.start()
        return ClusterJob(config, cluster)
    environment: dict[str, str] = {}
    if cell.fault in WITH_CLOCK:
        clock_file.parent.mkdir(parents=True, exist_ok=True)
        environment = clock_environment(clock_file)
    job = LocalJob(config, work / name / "logs", environment)
    stack.callback(job.end)
    return job


def in_words(result: Result) -> str:
    if result.verdict is None:
        return f"failed: {result.error}"
    verdict = result.verdict
    return (
        f"{verdict.missing} lost, {verdict.repeated} repeated, "
        f"{verdict.different_repeats + verdict.different_from_replay} different of {verdict.decisions:,}; "
        f"{verdict.not_ok:,} without the store, {result.recovery_seconds:.1f} s without a decision"
        + ("" if result.alerts_lost is None else f", {result.alerts_lost} alerts lost")
    )


def cell_of(tree: dict[str, Any]) -> Cell:
    """The cell of `as_tree`."""
    return Cell(*(tree[name] for name in Cell._fields))


def as_tree(cell: Cell, result: Result) -> dict[str, Any]:
    return {
        **cell._asdict(),
        **(result.verdict._asdict() if result.verdict else {}),
        "recovery_seconds": result.recovery_seconds,
        "alerts_lost": result.alerts_lost,
        "error": result.error,
        "is_good": result.is_good(cell),
    }


@contextmanager
def _working_directory(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with TemporaryDirectory() as folder:
            yield Path(folder)
    else:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()


def _wait_for_the_end(log: KafkaLog, topic: str, job: Job, transactions: int) -> None:
    """Raises ProcessEnded where the job has ended."""
    size, since, looked_at = -1, time.monotonic(), -1
    while time.monotonic() - since < LONGEST_IDLE_SECONDS:
        job.require_alive()
        if (now := log.size(topic)) != size:
            size, since = now, time.monotonic()
        if time.monotonic() - since > IDLE_SECONDS and looked_at != size:
            looked_at = size
            decided = {json.loads(record.value)["transaction_id"] for record in log.records(topic)}
            if len(decided) >= transactions:
                return
        time.sleep(0.5)


if __name__ == "__main__":
    main()

"""Recovery matrix: faults while events arrive, and what is lost, repeated or different after them. `make recovery`

Each cell runs the fully configured job from Kafka to Kafka with Redis, under a constant rate, and does one fault at one
moment, with a state backend and a delivery guarantee. Afterwards every transaction must have a decision, repeated decisions
must be equal byte by byte (with exactly-once there must be none for a consumer that reads committed records), and the
decisions of one user in fifty must equal a replay in plain Python. The time to recover is the longest time without a
decision. Exit code 1 where a cell fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.table import Table

from benchmarks.kafka_bench import Testbed, make_topics, start_testbed, write_config
from benchmarks.kafka_log import KafkaLog
from benchmarks.machine import describe_machine, machine
from benchmarks.processes import PROJECT, Running, python, start, stop_all_when_terminated, wait_until
from benchmarks.recovery_faults import FAULTS, LOG_LINES, Moment, Scene, wait_for_moment
from benchmarks.soak_verification import Verdict, verify

BACKENDS = ("hashmap", "rocksdb")
GUARANTEES = ("at-least-once", "exactly-once")
KILLED = ("process killed", "broker killed")
MOMENTS: tuple[Moment, ...] = ("steady", "checkpoint", "commit")
SECONDS = 30.0
FAULT_AFTER_SECONDS = 8.0
USERS = 2_000
IDLE_SECONDS = 8.0
"""A run is over when no decision was written for so long after the last event was sent."""


class Cell(NamedTuple):
    fault: str
    moment: Moment
    backend: str
    guarantee: str

    def describe(self) -> str:
        return f"{self.fault}, {self.moment}, {self.backend}, {self.guarantee}"


class Result(NamedTuple):
    verdict: Verdict
    recovery_seconds: float

    def is_good(self, cell: Cell) -> bool:
        """Nothing lost or different; and nothing repeated where that is promised."""
        is_once = cell.guarantee == "at-least-once" or self.verdict.repeated == 0
        return self.verdict.is_good and is_once


def all_cells() -> list[Cell]:
    """All faults steadily; those of the job's process at the other moments, too."""
    steady: tuple[Moment, ...] = ("steady",)
    cells = [Cell(*names) for names in product(FAULTS, steady, BACKENDS, GUARANTEES)]
    return cells + [Cell(*names) for names in product(KILLED, LOG_LINES, BACKENDS, GUARANTEES)]


@click.command(name="recovery", help=__doc__)
@click.option("--fault", "faults", multiple=True, type=click.Choice(list(FAULTS)), help="Only these faults.")
@click.option("--moment", "moments", multiple=True, type=click.Choice(MOMENTS), help="Only these moments.")
@click.option("--backend", "backends", multiple=True, type=click.Choice(BACKENDS), help="Only these backends.")
@click.option("--guarantee", "guarantees", multiple=True, type=click.Choice(GUARANTEES), help="Only these guarantees.")
@click.option("--rate", default=1_000, show_default=True, help="Events per second.")
@click.option("--json", "out", type=click.Path(path_type=Path), default=Path("out/recovery.json"), show_default=True)
def main(
    faults: tuple[str, ...],
    moments: tuple[str, ...],
    backends: tuple[str, ...],
    guarantees: tuple[str, ...],
    rate: int,
    out: Path,
) -> None:
    stop_all_when_terminated()
    console = Console()
    console.print(describe_machine(machine()))
    chosen = [
        cell
        for cell in all_cells()
        if (not faults or cell.fault in faults)
        and (not moments or cell.moment in moments)
        and (not backends or cell.backend in backends)
        and (not guarantees or cell.guarantee in guarantees)
    ]
    results: list[tuple[Cell, Result]] = []
    with TemporaryDirectory() as folder, start_testbed(Path(folder), 1, round(rate * SECONDS), USERS) as testbed:
        for number, cell in enumerate(chosen, 1):
            result = run_cell(testbed, cell, f"cell{number}", rate)
            results.append((cell, result))
            verdict = result.verdict
            console.print(
                f"{number}/{len(chosen)} {cell.describe()}: {verdict.missing} lost, {verdict.repeated} repeated, "
                f"{verdict.different_repeats + verdict.different_from_replay} different, "
                f"{result.recovery_seconds:.1f} s without a decision"
            )
    console.print(table_of(results))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([as_tree(cell, result) for cell, result in results], indent=2) + "\n")
    console.print(f"figures: {out}")
    sys.exit(0 if all(result.is_good(cell) for cell, result in results) else 1)


def run_cell(testbed: Testbed, cell: Cell, name: str, rate: int) -> Result:
    """Raises TimeoutError if the job does not start, or does not go on after the fault."""
    is_once = cell.guarantee == "exactly-once"
    config = write_config(
        testbed,
        name,
        scoring={"log_features": "none"},
        state={"backend": cell.backend, "checkpoint_interval_ms": 2_000},
        sink={"guarantee": "exactly-once", "transactional_id_prefix": name} if is_once else {},
    )
    make_topics(config)
    log = KafkaLog(testbed.servers, only_committed=is_once)
    flink_log = testbed.work / name / "logs" / "flink.log"

    def begin(**environment: str) -> Running:
        return start(
            python("jobs.score_transactions", "--config", str(config)), testbed.work / "job.log", **environment
        )

    job = begin()
    try:
        wait_until(lambda: flink_log.exists() and "RUNNING" in flink_log.read_text(errors="replace"), 120, "job", job)
        send = python("cli.main", "produce", "--servers", testbed.servers, "--topic", f"{name}.events")
        send += ["--events", str(testbed.live), "--rate", str(rate)]
        sender = subprocess.Popen(send, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=PROJECT)
        time.sleep(FAULT_AFTER_SECONDS)
        wait_for_moment(cell.moment, flink_log)
        newest = {"FRAUD__STATE__RESTORE_FROM": "newest-or-none"}
        scene = Scene(testbed, job, lambda: begin(**newest), testbed.redis_pid)
        job = FAULTS[cell.fault](scene)
        sender.wait()
        _wait_until_idle(log, f"{name}.decisions", job)
    finally:
        job.kill()
    verdict = verify(log, config, f"{name}.events", f"{name}.decisions", f"{name}.dead-letters")
    gap_ms = log.longest_gap_ms(f"{name}.decisions")
    log.close()
    return Result(verdict, gap_ms / 1_000)


def table_of(results: list[tuple[Cell, Result]]) -> Table:
    table = Table("fault", "moment", "state", "guarantee", "lost", "different", "repeated", "s without a decision")
    for cell, result in results:
        verdict = result.verdict
        different = verdict.different_repeats + verdict.different_from_replay
        counts = (verdict.missing, different, verdict.repeated)
        table.add_row(*cell, *(f"{count:,}" for count in counts), f"{result.recovery_seconds:.1f}")
    return table


def as_tree(cell: Cell, result: Result) -> dict[str, Any]:
    return {
        **cell._asdict(),
        **result.verdict._asdict(),
        "recovery_seconds": result.recovery_seconds,
        "is_good": result.is_good(cell),
    }


def _wait_until_idle(log: KafkaLog, topic: str, job: Running) -> None:
    last = [-1, time.monotonic()]

    def is_idle() -> bool:
        size = log.size(topic)
        if size != last[0]:
            last[:] = [size, time.monotonic()]
        return size > 0 and time.monotonic() - last[1] > IDLE_SECONDS

    wait_until(is_idle, 240, "end of the decisions", job, every=0.5)


if __name__ == "__main__":
    main()

"""Soak test: the job runs under load and is killed repeatedly; checks for lost decisions and memory growth. `make soak`.

A separate process sends events at a constant rate. Event time runs faster than wall-clock time (ten days in each 200,000
events), so that window contents are replaced as in a job that runs for months. Once per interval, at a random time, the
job's process is killed by SIGKILL and restarted from its newest complete checkpoint, as a supervisor would. At the end
every transaction must have a decision, repeated decisions must be equal byte by byte, and the decisions of one user in
fifty must equal a replay in plain Python. (Failure of a TaskManager: tests/cluster/test_lost_task_manager.py.)
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.kafka_bench import make_topics, start_testbed, write_config
from benchmarks.kafka_log import KafkaLog
from benchmarks.machine import describe_machine, machine
from benchmarks.memory import MemoryMonitor, ProcessMemory
from benchmarks.processes import PROJECT, Running, python, start, stop_all_when_terminated, wait_until
from benchmarks.soak_verification import verify

NAME = "soak"
LARGEST_ROUND = 200_000
"""Maximum number of simulated events; they are then repeated with new ids and later timestamps."""
FLAT_SHARE = 1.25
"""Maximum ratio of the last run's peak memory to the median of all runs; peaks vary with the run's length."""

IN_FLIGHT_SECONDS = 0.5
"""Wait after a kill, until records in flight have reached the topics."""


@click.command(name="soak")
@click.option("--minutes", default=15.0, show_default=True)
@click.option("--rate", default=2_000, show_default=True, help="Events per second.")
@click.option(
    "--kill-every", default=120.0, show_default=True, help="Interval in seconds with one kill each; 0 for none."
)
@click.option("--users", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Seed of the times of the kills.")
@click.option("--json", "out", type=click.Path(path_type=Path), default=Path("out/soak.json"), show_default=True)
def main(minutes: float, rate: int, kill_every: float, users: int, seed: int, out: Path) -> None:
    """Run, verify and print the result; exit code 1 where decisions are missing or different."""
    stop_all_when_terminated()
    found: dict[str, Any] = {"machine": machine(), "minutes": minutes, "rate": rate, "kill_every_seconds": kill_every}
    click.echo(describe_machine(found["machine"]))
    events = min(LARGEST_ROUND, round(rate * minutes * 60))
    with TemporaryDirectory() as folder, ExitStack() as stack, start_testbed(Path(folder), 1, events, users) as testbed:
        config = write_config(testbed, NAME, scoring={"log_features": "none"})  # features would fill the disk
        make_topics(config)
        log = KafkaLog(testbed.servers)
        send = python("cli.main", "produce", "--servers", testbed.servers, "--topic", f"{NAME}.events", "--repeat")
        send += ["--events", str(testbed.live), "--rate", str(rate), "--seconds", str(minutes * 60)]
        job, watch = _start(testbed.work, config, restored=False)
        try:
            wait_until(lambda: "RUNNING" in _flink_log(testbed.work), 120, "running job", job)
            sender = subprocess.Popen(send, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT)
            stack.callback(sender.kill)
            lives, waits = [], []
            sending_since = time.monotonic()
            for kill_after in _kill_times(minutes * 60, kill_every, Random(seed)):
                if _has_ended(sender, sending_since + kill_after - time.monotonic()):
                    break
                lives.append(watch.end())
                job.kill()
                killed = time.monotonic()
                time.sleep(IN_FLIGHT_SECONDS)
                before = log.size(f"{NAME}.decisions")
                job, watch = _start(testbed.work, config, restored=True)
                wait_until(lambda at=before: log.size(f"{NAME}.decisions") > at, 120, "decisions", job)  # type: ignore[misc]
                waits.append(time.monotonic() - killed)
                click.echo(f"killed after {lives[-1].seconds:.0f} s; recovered after {waits[-1]:.1f} s")
            sender_output, _ = sender.communicate()
            click.echo(sender_output.strip())
            _wait_for_last_decision(log, job)
            lives.append(watch.end())
        finally:
            job.kill()
        verdict = verify(log, config, f"{NAME}.events", f"{NAME}.decisions", f"{NAME}.dead-letters")
        log.close()
    found |= {
        "store": testbed.store,
        "kills": len(waits),
        "seconds_until_decisions_again": waits,
        "lives": [life._asdict() for life in lives],
        "memory_is_flat": memory_is_flat(lives),
        "sender": sender_output.splitlines(),
        **verdict._asdict(),
        "nothing_lost": verdict.is_good,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n")
    report(found, lives)
    click.echo(f"figures: {out}")
    sys.exit(0 if verdict.is_good and sender.returncode == 0 else 1)


def memory_is_flat(lives: list[ProcessMemory]) -> bool:
    """True where the last run's peak is at most FLAT_SHARE times the median peak."""
    peaks = sorted(life.peak_mib for life in lives)
    return lives[-1].peak_mib <= FLAT_SHARE * peaks[len(peaks) // 2]


def report(found: dict[str, Any], lives: list[ProcessMemory]) -> None:
    """Prints a summary."""
    click.echo(
        f"{found['transactions']:,} transactions, {found['kills']} kills: {found['missing']} without a decision, "
        f"{found['repeated']:,} repeated decisions, {found['different_repeats']} of them different, "
        f"{found['degraded_then_not']} different by enrichment ({found['not_ok']:,} decisions stale or degraded); "
        f"{found['replayed']:,} compared with a replay, "
        f"{found['different_from_replay']} different; {found['dead_letters']} dead letters"
    )
    peaks = ", ".join(f"{life.peak_mib:,.0f}" for life in lives)
    growth = ", ".join(
        "-" if life.growth_mib_per_minute is None else f"{life.growth_mib_per_minute:+.1f}" for life in lives
    )
    click.echo(
        f"memory by run: peak {peaks} MiB; growth {growth} MiB per minute after 45 s; flat: {found['memory_is_flat']}"
    )


def _start(work: Path, config: Path, restored: bool) -> tuple[Running, MemoryMonitor]:
    environment = {"FRAUD__STATE__RESTORE_FROM": str(work / NAME / "checkpoints")} if restored else {}
    job = start(python("jobs.score_transactions", "--config", str(config)), work / "job.log", **environment)
    return job, MemoryMonitor(job.process.pid)


def _flink_log(work: Path) -> str:
    log = work / NAME / "logs" / "flink.log"
    return log.read_text(errors="replace") if log.exists() else ""


def _kill_times(seconds: float, every: float, random: Random) -> list[float]:
    """Seconds from the start to each kill: a random time at 30 % to 90 % of each interval."""
    return [(number + random.uniform(0.3, 0.9)) * every for number in range(int(seconds // every))] if every else []


def _has_ended(sender: subprocess.Popen[str], seconds: float) -> bool:
    try:
        sender.wait(max(seconds, 0.01))
    except subprocess.TimeoutExpired:
        return False
    return True


def _wait_for_last_decision(log: KafkaLog, job: Running) -> None:
    """Waits until no decision has been written for 8 s; their number is not known in advance."""
    last = [-1, time.monotonic()]

    def is_idle() -> bool:
        size = log.size(f"{NAME}.decisions")
        if size != last[0]:
            last[:] = [size, time.monotonic()]
        return time.monotonic() - last[1] > 8

    wait_until(is_idle, 300, "end of the decisions", job, every=1)


if __name__ == "__main__":
    main()

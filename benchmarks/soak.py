"""Soak test: the job runs under load while faults come at random; checks for lost decisions and memory growth. `make soak`

A separate process sends events at a constant rate. Event time runs faster than wall-clock time (ten days in each 200,000
events), so that window contents are replaced as in a job that runs for months. Once per interval, at a random time, a fault
is drawn by the seed: the job's process, broker or Redis killed, the latter two paused, or the network to them silent. The
process is only killed in the first third of the time, so that its last life is long enough to tell whether its memory grows.
At the end every transaction must have a decision, repeated decisions must be equal byte by byte, and the decisions of one
user in fifty must equal a replay in plain Python.
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
from typing import Any, NamedTuple

import click

from benchmarks.kafka_bench import make_topics, write_config
from benchmarks.kafka_log import KafkaLog
from benchmarks.machine import describe_machine, machine
from benchmarks.memory import MemoryMonitor, ProcessMemory
from benchmarks.processes import PROJECT, python, stop_all_when_terminated, wait_until
from benchmarks.recovery_faults import FAULTS, Scene
from benchmarks.recovery_jobs import LocalJob
from benchmarks.recovery_servers import Servers, start_servers
from benchmarks.soak_verification import verify

NAME = "soak"
LARGEST_ROUND = 200_000
"""Maximum number of simulated events; they are then repeated with new ids and later timestamps."""
KILL = "process killed"
OTHERS = (
    "broker killed", "broker paused", "network to the broker", "Redis killed", "Redis paused", "network to Redis"
)  # fmt: skip
KILLS_UNTIL = 1 / 3
"""Share of the time in which the process may be killed."""
FLAT_PER_HOUR = 0.05
"""Maximum growth of the memory of the last life after its warm-up, as a share of its mean."""


class Planned(NamedTuple):
    at_seconds: float
    fault: str


class Happened(NamedTuple):
    """`recovered_seconds`: from the beginning of the fault to the next decision after its end."""

    at_seconds: float
    fault: str
    recovered_seconds: float


@click.command(name="soak")
@click.option("--minutes", default=30.0, show_default=True)
@click.option("--rate", default=1_000, show_default=True, help="Events per second.")
@click.option("--fault-every", default=90.0, show_default=True, help="Interval in seconds with one fault; 0 for none.")
@click.option("--users", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Seed of the faults and their times.")
@click.option("--json", "out", type=click.Path(path_type=Path), default=Path("out/soak.json"), show_default=True)
def main(minutes: float, rate: int, fault_every: float, users: int, seed: int, out: Path) -> None:
    """Run, verify and print the result; exit code 1 where decisions are missing or different, or memory grows."""
    stop_all_when_terminated()
    seconds = minutes * 60
    found: dict[str, Any] = {"machine": machine(), "minutes": minutes, "rate": rate, "seed": seed}
    click.echo(describe_machine(found["machine"]))
    events = min(LARGEST_ROUND, round(rate * seconds))
    with TemporaryDirectory() as folder, ExitStack() as stack:
        servers = stack.enter_context(start_servers(Path(folder), events, users, with_aws=False))
        config = _write_config(servers)
        make_topics(config)
        log = KafkaLog(servers.testbed.servers)
        stack.callback(log.close)
        job = LocalJob(config, servers.testbed.work / NAME / "logs", {})
        stack.callback(job.end)
        job.start()
        watch = MemoryMonitor(job.group)
        send = python(
            "cli.main", "produce", "--servers", servers.testbed.servers, "--topic", f"{NAME}.events", "--repeat"
        )
        send += ["--events", str(servers.testbed.live), "--rate", str(rate), "--seconds", str(seconds)]
        sender = subprocess.Popen(send, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT)
        stack.callback(sender.kill)
        lives: list[ProcessMemory] = []
        happened: list[Happened] = []
        since = time.monotonic()
        for planned in plan(seconds, fault_every, Random(seed)):
            if _has_ended(sender, since + planned.at_seconds - time.monotonic()):
                break
            if planned.fault == KILL:
                lives.append(watch.end())
            begin = time.monotonic()
            FAULTS[planned.fault](Scene(servers, job, config, NAME, "steady", None, config))
            if planned.fault == KILL:
                watch = MemoryMonitor(job.group)
            before = log.size(f"{NAME}.decisions")
            wait_until(lambda at=before: log.size(f"{NAME}.decisions") > at, 180, "decisions")  # type: ignore[misc]
            job.require_alive()
            happened.append(Happened(begin - since, planned.fault, time.monotonic() - begin))
            click.echo("after {:.0f} s: {}; decisions again after {:.1f} s".format(*happened[-1]))
        sender_output, _ = sender.communicate()
        click.echo(sender_output.strip())
        _wait_for_last_decision(log, job)
        lives.append(watch.end())
        job.end()
        verdict = verify(log, config, f"{NAME}.events", f"{NAME}.decisions", f"{NAME}.dead-letters")
    found |= {
        "faults": [one._asdict() for one in happened],
        "lives": [life._asdict() for life in lives],
        "growth_per_hour": growth_per_hour(lives[-1]),
        "sender": sender_output.splitlines(),
        **verdict._asdict(),
        "nothing_lost": verdict.is_good,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n")
    report(found, lives)
    click.echo(f"figures: {out}")
    growth = found["growth_per_hour"]
    sys.exit(0 if verdict.is_good and sender.returncode == 0 and (growth is None or growth < FLAT_PER_HOUR) else 1)


def plan(seconds: float, every: float, random: Random) -> list[Planned]:
    """One fault an interval, at a random time of its first half, of which each can last for a while."""
    if not every:
        return []
    planned = []
    for number in range(int(seconds // every)):
        at = (number + random.uniform(0.1, 0.5)) * every
        kinds = (KILL, *OTHERS) if at < seconds * KILLS_UNTIL else OTHERS
        planned.append(Planned(at, random.choice(kinds)))
    return planned


def growth_per_hour(life: ProcessMemory) -> float | None:
    """Growth an hour as a share of the mean after the warm-up; None for a short life."""
    if life.growth_mib_per_minute is None or life.mean_mib is None:
        return None
    return life.growth_mib_per_minute * 60 / life.mean_mib


def report(found: dict[str, Any], lives: list[ProcessMemory]) -> None:
    """Prints a summary."""
    click.echo(
        f"{found['transactions']:,} transactions, {len(found['faults'])} faults: {found['missing']} without a decision, "
        f"{found['repeated']:,} repeated decisions, {found['different_repeats']} of them different, "
        f"{found['degraded_then_not']} different by enrichment ({found['not_ok']:,} decisions stale or degraded); "
        f"{found['replayed']:,} compared with a replay, "
        f"{found['different_from_replay']} different; {found['dead_letters']} dead letters"
    )
    for life in lives:
        growth = growth_per_hour(life)
        click.echo(
            f"memory in {life.seconds:,.0f} s: peak {life.peak_mib:,.0f} MiB"
            + ("" if growth is None else f"; after the warm-up {life.mean_mib:,.0f} MiB, {growth:+.1%} an hour")
        )


def _write_config(servers: Servers) -> Path:
    """Everything on but the features in the decisions, which would fill the disk; Kafka and Redis through their links."""
    connection = {"bootstrap_servers": servers.kafka_through_link}
    return write_config(
        servers.testbed._replace(redis_port=servers.redis.link.port),
        NAME,
        source={"connection": connection},
        sink={"connection": connection},
        scoring={"log_features": "none"},
    )


def _has_ended(sender: subprocess.Popen[str], seconds: float) -> bool:
    try:
        sender.wait(max(seconds, 0.01))
    except subprocess.TimeoutExpired:
        return False
    return True


def _wait_for_last_decision(log: KafkaLog, job: LocalJob) -> None:
    """Waits until no decision has been written for 8 s; their number is not known in advance."""
    last = [-1, time.monotonic()]

    def is_idle() -> bool:
        job.require_alive()
        size = log.size(f"{NAME}.decisions")
        if size != last[0]:
            last[:] = [size, time.monotonic()]
        return time.monotonic() - last[1] > 8

    wait_until(is_idle, 300, "end of the decisions", every=1)


if __name__ == "__main__":
    main()

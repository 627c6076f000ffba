"""The job under load for a while, killed again and again: is nothing lost, and does memory stay? `make soak`.

Events come at a steady rate from a process of their own. Their own time runs faster, ten days in each 200,000 of them: what
the windows hold comes and goes, as in a job that runs for months, and memory has to stay. At random moments, one in each
interval, the whole job process dies by SIGKILL and is started again from its newest complete checkpoint, as a supervisor
would. At the end every transaction must have its decision, decisions that are there twice must be the same bytes, and those
of one user in fifty must be what plain Python decides from all their events. (A TaskManager's death:
tests/cluster/test_lost_task_manager.py.)
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

from benchmarks.kafka_bench import make_topics, stage, write_config
from benchmarks.kafka_log import KafkaLog
from benchmarks.machine import in_words, machine
from benchmarks.memory import Life, Watch
from benchmarks.nothing_lost import verify
from benchmarks.processes import PROJECT, Running, python, start, stop_all_when_terminated, wait_until

NAME = "soak"
LARGEST_ROUND = 200_000
"""So many simulated events, then the same again under new ids, days later."""
FLAT_SHARE = 1.25
"""The last life's peak may be this much above the median of all: a life's memory depends on when it ended."""

IN_FLIGHT_SECONDS = 0.5
"""Until what a killed job had sent is in its topics."""


@click.command(name="soak")
@click.option("--minutes", default=15.0, show_default=True)
@click.option("--rate", default=2_000, show_default=True, help="Events a second.")
@click.option("--kill-every", default=120.0, show_default=True, help="Seconds; one kill within each. 0: none.")
@click.option("--users", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of the moments of the kills.")
@click.option("--json", "out", type=click.Path(path_type=Path), default=Path("out/soak.json"), show_default=True)
def main(minutes: float, rate: int, kill_every: float, users: int, seed: int, out: Path) -> None:
    """Run, verify, and print what was found; exit code 1 if anything was lost, or was not the same twice."""
    stop_all_when_terminated()
    found: dict[str, Any] = {"machine": machine(), "minutes": minutes, "rate": rate, "kill_every_seconds": kill_every}
    click.echo(in_words(found["machine"]))
    events = min(LARGEST_ROUND, round(rate * minutes * 60))
    with TemporaryDirectory() as folder, ExitStack() as stack, stage(Path(folder), 1, events, users) as made:
        config = write_config(made, NAME, scoring={"log_features": False})  # a soak's features would fill the disk
        make_topics(config)
        log = KafkaLog(made.servers)
        send = python("cli.main", "produce", "--servers", made.servers, "--topic", f"{NAME}.events", "--repeat")
        send += ["--events", str(made.live), "--rate", str(rate), "--seconds", str(minutes * 60)]
        job, watch = _start(made.work, config, restored=False)
        try:
            wait_until(lambda: "RUNNING" in _flink_log(made.work), 120, "running job", job)
            sender = subprocess.Popen(send, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT)
            stack.callback(sender.kill)
            lives, waits = [], []
            sending_since = time.monotonic()
            for moment in _moments(minutes * 60, kill_every, Random(seed)):
                if _ended(sender, sending_since + moment - time.monotonic()):
                    break
                lives.append(watch.end())
                job.kill()
                killed = time.monotonic()
                time.sleep(IN_FLIGHT_SECONDS)
                before = log.size(f"{NAME}.decisions")
                job, watch = _start(made.work, config, restored=True)
                wait_until(lambda at=before: log.size(f"{NAME}.decisions") > at, 120, "decisions", job)  # type: ignore[misc]
                waits.append(time.monotonic() - killed)
                click.echo(f"killed after {lives[-1].seconds:.0f} s; decisions again after {waits[-1]:.1f} s")
            told, _ = sender.communicate()
            click.echo(told.strip())
            _wait_for_silence(log, job)
            lives.append(watch.end())
        finally:
            job.kill()
        verdict = verify(log, config, f"{NAME}.events", f"{NAME}.decisions", f"{NAME}.dead-letters")
        log.close()
    found |= {
        "store": made.store,
        "kills": len(waits),
        "seconds_until_decisions_again": waits,
        "lives": [life._asdict() for life in lives],
        "memory_is_flat": memory_is_flat(lives),
        "sender": told.splitlines(),
        **verdict._asdict(),
        "nothing_lost": verdict.is_good,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n")
    report(found, lives)
    click.echo(f"figures: {out}")
    sys.exit(0 if verdict.is_good and sender.returncode == 0 else 1)


def memory_is_flat(lives: list[Life]) -> bool:
    """Is the peak of the last life near the median of all peaks? Growth within a life is reported beside it."""
    peaks = sorted(life.peak_mib for life in lives)
    return lives[-1].peak_mib <= FLAT_SHARE * peaks[len(peaks) // 2]


def report(found: dict[str, Any], lives: list[Life]) -> None:
    """A few lines for people."""
    click.echo(
        f"{found['transactions']:,} transactions, {found['kills']} kills: {found['missing']} without a decision, "
        f"{found['repeated']:,} decisions twice, {found['different_repeats']} of them different, "
        f"{found['degraded_then_not']} with and without the store's values ({found['not_ok']:,} of all without); "
        f"{found['replayed']:,} compared with a replay, "
        f"{found['different_from_replay']} different; {found['dead_letters']} dead letters"
    )
    peaks = ", ".join(f"{life.peak_mib:,.0f}" for life in lives)
    growth = ", ".join(
        "-" if life.growth_mib_per_minute is None else f"{life.growth_mib_per_minute:+.1f}" for life in lives
    )
    click.echo(
        f"memory by life: peak {peaks} MiB; growth {growth} MiB a minute after 45 s; flat: {found['memory_is_flat']}"
    )


def _start(work: Path, config: Path, restored: bool) -> tuple[Running, Watch]:
    environment = {"FRAUD__STATE__RESTORE_FROM": str(work / NAME / "checkpoints")} if restored else {}
    job = start(python("jobs.score_transactions", "--config", str(config)), work / "job.log", **environment)
    return job, Watch(job.process.pid)


def _flink_log(work: Path) -> str:
    log = work / NAME / "logs" / "flink.log"
    return log.read_text(errors="replace") if log.exists() else ""


def _moments(seconds: float, every: float, random: Random) -> list[float]:
    """Seconds after the start of each kill: a random moment of each interval, none so late that nothing follows."""
    return [(number + random.uniform(0.3, 0.9)) * every for number in range(int(seconds // every))] if every else []


def _ended(sender: subprocess.Popen[str], seconds: float) -> bool:
    try:
        sender.wait(max(seconds, 0.01))
    except subprocess.TimeoutExpired:
        return False
    return True


def _wait_for_silence(log: KafkaLog, job: Running) -> None:
    """Until no decision has come for some seconds: how many there will be is not known before."""
    last = [-1, time.monotonic()]

    def silent() -> bool:
        size = log.size(f"{NAME}.decisions")
        if size != last[0]:
            last[:] = [size, time.monotonic()]
        return time.monotonic() - last[1] > 8

    wait_until(silent, 300, "end of the decisions", job, every=1)


if __name__ == "__main__":
    main()

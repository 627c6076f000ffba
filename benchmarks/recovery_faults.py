"""Faults of the recovery matrix: what is done to a running job and its servers, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from benchmarks.kafka_bench import Testbed
from benchmarks.processes import KAFKA, Running

SECONDS_AWAY = 8.0
"""How long a server or the job is paused or gone."""

Moment = Literal["steady", "checkpoint", "commit"]
"""steady: at a given time; checkpoint: as soon as one is triggered; commit: as soon as one is complete, while its
transactions are committed."""
LOG_LINES: dict[Moment, str] = {"checkpoint": "Triggering checkpoint", "commit": "Completed checkpoint"}


class Scene(NamedTuple):
    """What a fault acts on. `restart` starts the job again from its newest checkpoint, as a supervisor does."""

    testbed: Testbed
    job: Running
    restart: Callable[[], Running]
    redis_pid: int | None


Fault = Callable[[Scene], Running]
"""Does the fault and gives the job that runs after it."""


def kill_process(scene: Scene) -> Running:
    scene.job.kill()
    return scene.restart()


def pause_process(scene: Scene) -> Running:
    os.killpg(scene.job.process.pid, signal.SIGSTOP)
    time.sleep(SECONDS_AWAY)
    os.killpg(scene.job.process.pid, signal.SIGCONT)
    return scene.job


def kill_broker(scene: Scene) -> Running:
    os.kill(_broker(scene), signal.SIGKILL)
    time.sleep(SECONDS_AWAY)
    command = [str(KAFKA / "start.sh"), str(_kafka(scene))]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    return scene.job


def pause_broker(scene: Scene) -> Running:
    """Its connections stay open and answer nothing, as behind a network that drops packets."""
    return _pause(_broker(scene), scene)


def pause_redis(scene: Scene) -> Running:
    """Look-ups time out; decisions are made without the store's values and say so."""
    return scene.job if scene.redis_pid is None else _pause(scene.redis_pid, scene)


FAULTS: dict[str, Fault] = {
    "process killed": kill_process,
    "process paused": pause_process,
    "broker killed": kill_broker,
    "broker silent": pause_broker,
    "Redis silent": pause_redis,
}


def wait_for_moment(moment: Moment, log: Path, timeout_s: float = 60) -> None:
    """Return when the job's log gets the next line of the moment; at once for `steady`. Raises TimeoutError."""
    if moment == "steady":
        return
    line, deadline = LOG_LINES[moment].encode(), time.monotonic() + timeout_s
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        while True:
            if line in file.read():
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"no line {LOG_LINES[moment]!r} in {log} within {timeout_s:.0f} s")
            time.sleep(0.005)


def _pause(pid: int, scene: Scene) -> Running:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(SECONDS_AWAY)
    os.kill(pid, signal.SIGCONT)
    return scene.job


def _kafka(scene: Scene) -> Path:
    return scene.testbed.work / "kafka"


def _broker(scene: Scene) -> int:
    return int((_kafka(scene) / "pid").read_text())

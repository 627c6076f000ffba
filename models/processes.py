"""Runs the same function on several processes, one shard of the users each, with progress and error handling."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import TypeVar, cast

from models.event_files import Progress, no_progress
from models.user_shard import UserShard

Task = TypeVar("Task")
Result = TypeVar("Result")
Work = Callable[[Task, UserShard, Progress], Result]
"""A module-level function and a picklable task: both are sent to a spawned Python process."""


class WorkerDied(RuntimeError):
    """A worker process ended without a result, usually because it was out of memory."""


def cores() -> int:
    """Number of cores available to this process."""
    return len(os.sched_getaffinity(0))


def on_processes(work: Work[Task, Result], task: Task, workers: int, progress: Progress = no_progress) -> list[Result]:
    """Run `work(task, shard, progress)` for each of `workers` shards of the users; results are in shard order.

    With one worker it runs in this process. Blocks until all workers end. Raises the error of a worker, or WorkerDied;
    the other workers are then terminated.
    """
    if workers == 1:
        return [work(task, UserShard(), progress)]
    context = get_context("spawn")  # fork could copy locks held by other threads
    results: dict[int, Result] = {}
    done = [0] * workers
    total = 0
    waiting: dict[Connection, int] = {}
    processes = []
    try:
        for number in range(workers):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_run, args=(work, task, UserShard(number, workers), sender), daemon=True)
            process.start()
            sender.close()
            processes.append(process)
            waiting[receiver] = number
        while waiting:
            for ready in cast(list[Connection], wait(list(waiting))):
                number = waiting[ready]
                try:
                    kind, value = ready.recv()
                except EOFError:
                    raise WorkerDied(
                        f"worker {number + 1} of {workers} ended without a result, probably out of memory: "
                        "use fewer --workers"
                    ) from None
                if kind == "failed":
                    raise value
                if kind == "progress":
                    done[number], total = value
                    progress(sum(done), total * workers)
                else:
                    results[number] = value
                    del waiting[ready]
    finally:
        for process in processes:
            if len(results) < workers:
                process.terminate()
            process.join()
    return [results[number] for number in range(workers)]


def _run(work: Work[Task, Result], task: Task, shard: UserShard, sender: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and terminates its workers
    try:
        sender.send(("result", work(task, shard, lambda done, total: sender.send(("progress", (done, total))))))
    except Exception as error:
        sender.send(("failed", error))

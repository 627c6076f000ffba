"""The same work on several processes, each for its own users: progress comes back, a failure ends all."""

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
"""A function of a module, and a task that can be pickled: both travel to a fresh Python process."""


class WorkerDied(RuntimeError):
    """A process ended without a word: most often the system ended it for want of memory."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def on_processes(work: Work[Task, Result], task: Task, workers: int, progress: Progress = no_progress) -> list[Result]:
    """`work(task, shard, progress)` for each of `workers` shards of the users, in the order of the shards.

    One worker works in this process. Raises what a worker raised, or WorkerDied; the others are ended then.
    """
    if workers == 1:
        return [work(task, UserShard(), progress)]
    context = get_context("spawn")  # a fork would copy locks that a thread of this process may hold
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
                        f"worker {number + 1} of {workers} ended without a result; most often memory ran out: "
                        "try fewer --workers"
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets Ctrl-C too, and ends its workers
    try:
        sender.send(("result", work(task, shard, lambda done, total: sender.send(("progress", (done, total))))))
    except Exception as error:
        sender.send(("failed", error))

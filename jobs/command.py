"""A job as a command: its options, Ctrl-C from the start-up on, exit codes and what it tells its user."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TypeVar

from jobs.config_errors import ConfigError
from jobs.failures import JobCancelled, JobFailed
from jobs.interrupts import deferred_interrupt
from jobs.running import CANCELLED, JobResult, RunningJob

C = TypeVar("C")


def start_unless_cancelled(start: Callable[[C], RunningJob], config: C) -> RunningJob:
    """Start a job; Ctrl-C meanwhile cancels it as soon as it runs. Raises JobCancelled and what `start` raises."""
    with deferred_interrupt() as asked:
        job = start(config)
        if asked.is_set():
            job.cancel()
            raise JobCancelled(CANCELLED)
    return job


def run_command(
    load: Callable[[str], C],
    start: Callable[[C], RunningJob],
    done: Callable[[RunningJob, JobResult], str],
    arguments: list[str] | None,
    name: str,
    description: str | None,
    example: str,
) -> int:
    """Run the job of `--config FILE` to its end, then say on stderr what `done` makes of it.

    Exit code 0: done, 2: the configuration or the job failed (one line on stderr), 130: cancelled.
    """
    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument("--config", required=True, metavar="FILE", help=f"YAML file, {example}")
    parser.add_argument("--debug", action="store_true", help="show Java's stack trace when the job fails")
    options = parser.parse_args(arguments)
    try:
        job = start_unless_cancelled(start, load(options.config))
        if job.detached:
            return 0
        result = job.wait()
    except JobCancelled as error:
        print(error, file=sys.stderr)
        return 130
    except (ConfigError, JobFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        if options.debug and isinstance(error, JobFailed):
            print(error.trace, file=sys.stderr)
        return 2
    print(done(job, result), file=sys.stderr)
    return 0

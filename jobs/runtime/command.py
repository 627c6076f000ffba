"""Command line of a job: options, Ctrl-C handling, exit codes, output on stderr."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TypeVar

from jobs.config.errors import ConfigError
from jobs.flink_internals.client import end_client
from jobs.runtime.failures import JobCancelled, JobFailed
from jobs.runtime.interrupts import deferred_interrupt
from jobs.runtime.running import CANCELLED, JobResult, RunningJob
from udfs.process.owner_only import owner_only

C = TypeVar("C")
FAILED = 2


def start_unless_cancelled(start: Callable[[C], RunningJob], config: C) -> RunningJob:
    """Start a job. Ctrl-C during the start cancels it as soon as it runs.

    Raises JobCancelled and the exceptions of `start`.
    """
    with deferred_interrupt() as interrupted:
        job = start(config)
        if interrupted.is_set():
            job.cancel()
            raise JobCancelled(CANCELLED)
    return job


def run_command(
    load: Callable[[str], C],
    start: Callable[[C], RunningJob],
    summary: Callable[[RunningJob, JobResult], str],
    arguments: list[str] | None,
    name: str,
    description: str | None,
    example: str,
) -> int:
    """Run the job of `--config FILE` to its end, then print its `summary` to stderr.

    Exit code 0: finished, 2: invalid configuration or failed job (one line on stderr), 130: cancelled.
    """
    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument("--config", required=True, metavar="FILE", help=f"YAML file, {example}")
    parser.add_argument("--debug", action="store_true", help="show Java's stack trace when the job fails")
    options = parser.parse_args(arguments)
    try:
        with owner_only():
            job = start_unless_cancelled(start, load(options.config))
            if job.detached:
                return 0
            result = job.wait()
    except JobCancelled as error:
        print(error, file=sys.stderr)
        return 130
    except (ConfigError, JobFailed) as error:
        trace = f"\n{error.trace}" if options.debug and isinstance(error, JobFailed) else ""
        message = f"error: {error}{trace}"
        end_client(message, FAILED)
        print(message, file=sys.stderr)
        return FAILED
    print(summary(job, result), file=sys.stderr)
    return 0

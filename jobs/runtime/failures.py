"""Converts a Java stack trace to a one-line message with a remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.config.job import FilesSink, JobConfig
from jobs.config.value_types import is_remote
from jobs.kafka.running_errors import kafka_meaning
from jobs.runtime.log_causes import HIDES_THE_CAUSE, cause_in_log

if TYPE_CHECKING:
    from jobs.config.entity_job import EntityJobConfig

OUR_PACKAGES = ("udfs.", "jobs.")
MAX_LENGTH = 600

_CAUSE = re.compile(
    r"^(?:\[?\s*Caused by: |Exception in thread \S+ )?(?P<type>(?:[\w$]+\.)+[\w$]+)(?:: (?P<message>.*))?$"
)
_PYTHON = re.compile(r"^<class '(?P<type>[\w.]+)'>: ?(?P<message>.*)$")
_NOISE = ("org.apache.flink.runtime.JobException", "org.apache.flink.runtime.client.JobExecutionException")


class JobFailed(RuntimeError):
    """The job failed. The message is one line; `trace` is Java's stack trace."""

    def __init__(self, message: str, trace: str = "", log_file: Path | None = None) -> None:
        super().__init__(message)
        self.trace = trace
        self.log_file = log_file


class JobCancelled(RuntimeError):
    """The job was cancelled before its input ended."""


def job_failed(error: BaseException, config: JobConfig | EntityJobConfig, log_file: Path | None) -> JobFailed:
    """Convert an exception of Flink's client to JobFailed; the cause may be taken from the log file."""
    trace = str(error)
    if HIDES_THE_CAUSE in trace and log_file is not None and (cause := cause_in_log(log_file)):
        trace = f"{trace}\nCause from the log:\n{cause}"
    where = f" (log: {log_file})" if log_file is not None else ""
    return JobFailed(f"{explain(trace, config)}{where}", trace, log_file)


def task_manager_lost(config: JobConfig | EntityJobConfig, log_file: Path) -> JobFailed:
    """JobFailed for a local job whose TaskManager has ended; the cause is that of the newest task failure in the log."""
    trace = cause_in_log(log_file)
    cause = f" after: {explain(trace, config)}" if trace else ""
    return JobFailed(f"the job's TaskManager has ended{cause} (log: {log_file})", trace, log_file)


def explain(trace: str, config: JobConfig | EntityJobConfig) -> str:
    """One line for a Java stack trace: the message of our own exception, the explanation of a known fault, or the
    innermost cause."""
    causes = _causes(trace)
    for _, message in reversed(causes):
        if found := _PYTHON.match(message):
            return _one_line(_python_message(found["type"], found["message"]))
    if "Cannot map checkpoint/savepoint state for operator" in trace:
        return (
            "the saved state holds an operator that is no longer in the job (a removed sink or control stream?): "
            "restore it, or drop its state with state.allow_non_restored: true"
        )
    if "No space left on device" in trace:
        return (
            f"the disk is full: free space in {' and '.join(_written(config)) or 'the directories that the job writes'}"
        )
    if (meaning := kafka_meaning(causes)) is not None:
        return _one_line(meaning)
    for kind, message in reversed(causes):
        if kind.endswith(("FileNotFoundException", "NoSuchFileException")):
            return _one_line(f"file not found: {message}")
        if kind.endswith(("AccessDeniedException", "FileSystemException")):
            return _one_line(f"file cannot be accessed: {message}")
    kind, message = next(
        (cause for cause in reversed(causes) if cause[1] and cause[0] not in _NOISE),
        ("unknown error", trace[:MAX_LENGTH]),
    )
    return _one_line(f"{kind.rpartition('.')[2]}: {message}")


def _python_message(kind: str, message: str) -> str:
    if kind.startswith(OUR_PACKAGES) and message:
        return message
    return f"{kind.removeprefix('builtins.')}: {message}"


def _causes(trace: str) -> list[tuple[str, str]]:
    """(Java class, message) from the outermost exception to the innermost."""
    found = []
    for line in trace.splitlines():
        match = _CAUSE.match(line.strip().removeprefix(": "))
        if match:
            found.append((match["type"], match["message"] or ""))
    return found


def _written(config: JobConfig | EntityJobConfig) -> list[str]:
    sinks = config.sinks if isinstance(config, JobConfig) else ()
    directories = [sink.directory for sink in sinks if isinstance(sink, FilesSink)]
    if config.state.checkpoint_dir is not None:
        directories.append(config.state.checkpoint_dir)
    return [directory for directory in directories if not is_remote(directory)]


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"

"""Finds the cause of a failure in the local JVM's log, if Flink's client does not report it.

If the clean-up of a failed task fails as well (as Kafka's producer does after a rejected record), Flink stops the whole
TaskManager and reports only that to the client.
"""

from __future__ import annotations

import re
from pathlib import Path

HIDES_THE_CAUSE = "The TaskExecutor is shutting down"
READ_BYTES = 4 << 20
_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", re.MULTILINE)
_TASK_FAILED = re.compile(r"WARN +Task - .* switched from RUNNING to FAILED with failure cause:")


def cause_in_log(log_file: Path) -> str:
    """Stack trace of the newest task failure in the log that is not caused by the shutdown; empty if there is none."""
    try:
        with log_file.open("rb") as file:
            file.seek(max(0, log_file.stat().st_size - READ_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    entries = [entry.partition("\n") for entry in _ENTRY.split(text)]
    causes = [trace for head, _, trace in entries if _TASK_FAILED.match(head) and HIDES_THE_CAUSE not in trace]
    return causes[-1] if causes else ""

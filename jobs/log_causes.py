"""The cause of a failure that Flink's client does not tell: from the log of the JVM of this process.

When a task's own cleaning up fails too (Kafka's producer does after a refused record), Flink ends the whole TaskManager,
and the client hears only of that.
"""

from __future__ import annotations

import re
from pathlib import Path

HIDES_THE_CAUSE = "The TaskExecutor is shutting down"
READ_BYTES = 4 << 20
_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", re.MULTILINE)
_TASK_FAILED = re.compile(r"WARN +Task - .* switched from RUNNING to FAILED with failure cause:")


def cause_in_log(log_file: Path) -> str:
    """The stack trace of the newest task that failed by itself while it ran; nothing if the log holds none."""
    try:
        with log_file.open("rb") as file:
            file.seek(max(0, log_file.stat().st_size - READ_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    entries = [entry.partition("\n") for entry in _ENTRY.split(text)]
    causes = [trace for head, _, trace in entries if _TASK_FAILED.match(head) and HIDES_THE_CAUSE not in trace]
    return causes[-1] if causes else ""

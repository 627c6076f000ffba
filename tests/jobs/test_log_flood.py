"""A fault that repeats for each record, such as of a topic that was made again, does not fill the disk with log lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jobs.runtime.environment import FLINK_LOG

LINES, AT_ONCE, A_SECOND = 16_000, 10_000, 200
PROGRAM = f"""
import sys, time
from jobs.runtime.environment import start_java
start_java(sys.argv[1])
from jobs.flink_internals.jvm import java_class
log = java_class("org.apache.logging.log4j.LogManager").getLogger("repeating")
start = time.monotonic()
for number in range({LINES}):
    log.warn("the same again")
print(time.monotonic() - start)
log.error("an error is written all the same")
"""


def test_repeated_warnings_are_limited_and_errors_are_written(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=180)
    written = (tmp_path / FLINK_LOG).read_text()
    allowed = AT_ONCE + A_SECOND * (float(done.stdout) + 5)
    assert A_SECOND <= written.count("WARN  repeating - the same again\n") <= min(allowed, LINES - 1)
    assert written.count("ERROR repeating - an error is written all the same\n") == 1

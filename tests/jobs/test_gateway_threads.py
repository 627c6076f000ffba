"""Each Python thread keeps its own thread of the JVM, whatever other threads call meanwhile: Flink's planner needs it."""

from __future__ import annotations

import threading
from pathlib import Path

from jobs.flink_internals.jvm import java_class
from jobs.runtime.environment import start_java

CALLS = 300


def java_threads() -> set[int]:
    """The JVM's threads that answer this thread's calls."""
    thread = java_class("java.lang.Thread")
    return {int(thread.currentThread().getId()) for _ in range(CALLS)}


def test_a_python_thread_keeps_its_java_thread_while_others_call(log_directory: Path) -> None:
    start_java(str(log_directory))
    own = java_threads()
    of_others: list[set[int]] = []
    others = [threading.Thread(target=lambda: of_others.append(java_threads())) for _ in range(3)]
    for other in others:
        other.start()
    beside = java_threads()
    for other in others:
        other.join()
    assert len(own) == 1
    assert own == beside == java_threads()
    assert [len(threads) for threads in of_others] == [1, 1, 1]
    assert len(set().union(own, *of_others)) == 4

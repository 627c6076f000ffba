"""Python's garbage collector in a process that keeps millions of objects and makes no cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = (100_000, 50, 1_000)


def spare_the_collector() -> None:
    """What was loaded stays, and the scorer makes no cycles: look for garbage rarely (8 % of a job's time otherwise)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*RARELY)


@contextmanager
def no_collector() -> Iterator[None]:
    """Do not look for garbage as long as a replay takes, which has an end (5 % of its time otherwise)."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

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
def spared_collector() -> Iterator[None]:
    """The same for as long as a replay takes, in a process that does other things afterwards."""
    before = gc.get_threshold()
    spare_the_collector()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()

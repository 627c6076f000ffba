"""Flink accumulators, readable by the client while a job runs and after its end."""

from __future__ import annotations

from typing import Any

from pyflink.datastream import RuntimeContext

from udfs.flink.internals import accumulator


class Accumulators:
    """Counters by name. Those in `names` are registered with 0, all others with their first count.

    Each call of `add` crosses into the JVM (about 1 us): accumulate counts in Python and add them in intervals.
    """

    def __init__(self, context: RuntimeContext, names: tuple[str, ...]) -> None:
        self._context = context
        self._java: dict[str, Any] = {name: accumulator(context, name) for name in names}

    def add(self, name: str, count: int) -> None:
        """Increment a counter by `count`."""
        java = self._java.get(name)
        if java is None:
            java = self._java[name] = accumulator(self._context, name)
        java.add(count)

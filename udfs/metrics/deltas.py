"""Increments of monotonic totals, for Flink's counters and accumulators."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class DeltaReporter(Generic[K]):
    """Reports the increase of each total since its last report.

    `add(key, increment)` is called with increments above 0 only. An exception of `add` propagates, and the increment is
    part of the next report. Not thread-safe.
    """

    def __init__(self, add: Callable[[K, int], None]) -> None:
        self._add = add
        self._reported: dict[K, int] = {}

    def report(self, key: K, total: int) -> None:
        """Report a total since the operator's start. A total that decreased (possible for a difference of two counts) is
        not reported until it exceeds the last reported value."""
        increment = total - self._reported.get(key, 0)
        if increment > 0:
            self._add(key, increment)
            self._reported[key] = total

    def report_all(self, totals: Iterable[tuple[K, int]]) -> None:
        """Report each of the totals."""
        for key, total in totals:
            self.report(key, total)

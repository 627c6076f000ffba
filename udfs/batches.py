"""The way of jobs/java/BatchedPythonOperator.java to the Python function that it runs.

Operators of one process share its modules, and each opens its function on a thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


class BatchedFunction(Protocol):
    """What the operator calls beside PyFlink's own methods; rows are (topic, key, value, headers) or (console text,)."""

    def attach(self, operator: Any) -> Any:
        """Gives Flink's list state of input 1's keys. `operator.select(place)` puts it at the key of an element."""

    def take(self, keys: Sequence[str], elements: Sequence[Any]) -> tuple[tuple[bytes | None, ...], tuple[Row, ...]]:
        """Elements of input 1: what is to be added to the list state of each one's key, and the rows of all."""

    def tick(self) -> None:
        """Called once a second."""


_of_thread = threading.local()


def announce(function: BatchedFunction) -> None:
    """Called by the function's own `open`."""
    _of_thread.function = function


def opened() -> BatchedFunction:
    """The function that this thread has just opened."""
    function: BatchedFunction = _of_thread.__dict__.pop("function")
    return function

"""The way of jobs/java/BatchedPythonOperator.java to the Python function that it runs.

Operators of one process share its modules, and each opens its function on a thread of its own.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

Row = tuple[Any, ...]


class BatchedFunction(Protocol):
    """What the operator calls beside PyFlink's own methods; rows are (topic, key, value, headers) or (console text,)."""

    def take(self, key: str, element: Any) -> tuple[Row, ...] | None:
        """One element of input 1. Gives the rows of all that were taken, or nothing yet."""

    def flush(self) -> tuple[Row, ...] | None:
        """The rows of all that were taken. Nothing may be lost with the function's memory afterwards."""

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

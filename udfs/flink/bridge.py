"""Connects jobs/pipeline/java/BatchedPythonOperator.java with the Python function that it runs.

PyFlink gives an operator no reference to the function that it has opened, and operators of one process share Python
modules. The operator therefore adds a unique token to the job parameters, the function registers itself under the token at
the end of `open`, and the operator looks it up.
"""

from __future__ import annotations

from typing import Any, Protocol

TOKEN_PARAMETER = "batched-operator-token"
Row = tuple[Any, ...]


class BatchedFunction(Protocol):
    """Methods called by the operator in addition to PyFlink's own, always on the task thread and never concurrently.

    Call order: `open` (which announces the function), `attach` once, `process_element` for the first record of input 1,
    `take` for all others, `close`; `process_broadcast_element` and `tick` at any time between `attach` and `close`. An
    exception raised by any of them fails the task. Rows are (topic, key, value, headers) or (console text,).
    """

    def attach(self, operator: Any) -> Any:
        """Returns Flink's Java list state, keyed as input 1, to which the operator adds the entries returned by `take`.

        `operator.select(index)` sets the operator's current key, and so that of all keyed state, to the key of the batch's
        element at this index. It must not be called after the first element of the next batch has arrived.
        """

    def take(self, frame: bytes) -> tuple[bytes, tuple[Row, ...]]:
        """Process a batch of records of input 1, in order, in one frame; from one record to the batch size.

        Returns the answer (both in the format of udfs/core/src/frame.rs): for each record the entries to add to the list
        state of its key, and the values of its rows by topic; and rows that come after those. May block; this blocks the
        task, including its checkpoints.
        """

    def tick(self) -> None:
        """Called once a second of processing time; must not block."""


class OpenedFunctions:
    """Registry of opened functions, by token, until their operators look them up."""

    def __init__(self) -> None:
        self._by_token: dict[str, BatchedFunction] = {}

    def announce(self, token: str | None, function: BatchedFunction) -> None:
        """Register a function; the last call in its `open`, with the value of the job parameter TOKEN_PARAMETER.

        Raises LookupError if there is no token, because the function is not run by the batched operator.
        """
        if token is None:
            raise LookupError(f"{type(function).__name__} must be run by the batched operator (process_in_batches)")
        self._by_token[token] = function

    def take(self, token: str) -> BatchedFunction:
        """Remove and return the function registered under this token. Raises LookupError if there is none."""
        if token not in self._by_token:
            raise LookupError("the function of the batched operator was not announced in its open()")
        return self._by_token.pop(token)


OPENED = OpenedFunctions()
"""The registry of this process."""

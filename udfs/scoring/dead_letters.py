"""The scorer's dead letters, counted by kind."""

from __future__ import annotations

import logging
from typing import Final

from udfs.metrics.counters import DeadLetterKind, increment
from udfs.records.dead_letter import DeadLetterFormat, dead_letter
from udfs.records.outputs import Origin, Output

_log = logging.getLogger(__name__)
AFTER_STATE_UPDATE: Final = (
    " after the transaction was added to the user's state, so that it is a duplicate if it is sent again"
)


class DeadLetters:
    """Makes dead letters in one format, and counts them by kind in `counts`."""

    def __init__(self, form: DeadLetterFormat, counts: dict[str, int]) -> None:
        self._form = form
        self._counts = counts

    def of_refusal(self, kind: DeadLetterKind, payload: bytes | None, reason: str, origin: Origin) -> Output:
        """The dead letter of a record that changed no state. Unexpected errors are logged."""
        if kind == "unexpected_error":
            _log.error("%s, in a record of %s", reason, origin)
        return self._make(kind, payload, reason, origin)

    def of_undecided(self, payload: bytes | None, error: str, origin: Origin) -> Output:
        """The dead letter of a transaction that failed after it was added to the user's state (logged)."""
        _log.error("unexpected error while scoring a record of %s: %s", origin, error)
        return self._make("unexpected_error", payload, f"unexpected error{AFTER_STATE_UPDATE}: {error}", origin)

    def of_control(self, payload: bytes | None, reason: str, origin: Origin) -> Output:
        """The dead letter of a refused control element."""
        return self._make("control", payload, reason, origin)

    def _make(self, kind: DeadLetterKind, payload: bytes | None, reason: str, origin: Origin) -> Output:
        increment(self._counts, kind)
        return dead_letter(payload, reason, origin, self._form)

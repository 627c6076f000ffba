"""A stream of which most records are bad is wired wrongly: fail loudly instead of filling the dead letters."""

from __future__ import annotations

import msgspec

MAX_REASON_LENGTH = 300


class DeadLetterLimitExceeded(RuntimeError):
    """Too many of the newest records were dead letters; the message says how many and why the last one was."""


class DeadLetterLimitSettings(msgspec.Struct, frozen=True):
    """More than `max_ratio` of the newest `window_records` records fail the job, once `minimum` of them are there.

    A `max_ratio` of 1 switches the limit off.
    """

    max_ratio: float = 0.5
    window_records: int = 1_000
    minimum: int = 100


class DeadLetterLimit:
    """Counts dead letters over a sliding window of records; one per operator instance, not part of its state."""

    def __init__(self, settings: DeadLetterLimitSettings) -> None:
        self.settings = settings
        self.dead = 0
        self.seen = 0
        self._window = bytearray(settings.window_records)
        self._position = 0

    def passed(self) -> None:
        """A record that was no dead letter."""
        self._step(0)

    def died(self, reason: str) -> None:
        """A dead letter. Raises DeadLetterLimitExceeded."""
        self._step(1)
        settings = self.settings
        if self.seen >= settings.minimum and self.dead > settings.max_ratio * self.seen:
            raise DeadLetterLimitExceeded(
                f"{self.dead} of the last {self.seen} records were dead letters, the last one because of: "
                f"{_one_line(reason)}. Check that the source holds events of the contract "
                f"(dead_letters.max_ratio is {settings.max_ratio:g})"
            )

    def _step(self, is_dead: int) -> None:
        window, position = self._window, self._position
        self.dead += is_dead - window[position]
        window[position] = is_dead
        position += 1
        self._position = 0 if position == len(window) else position
        if self.seen < len(window):
            self.seen += 1


def _one_line(reason: str) -> str:
    text = " ".join(reason.split())
    return text if len(text) <= MAX_REASON_LENGTH else text[: MAX_REASON_LENGTH - 1] + "…"

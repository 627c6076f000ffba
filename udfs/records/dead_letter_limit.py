"""Fails the job when too many records are dead letters, which indicates a wrong source."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

MAX_REASON_LENGTH = 300


class DeadLetterLimitExceeded(RuntimeError):
    """Too many recent records were dead letters; the message has their number and the last reason."""


class DeadLetterLimitSettings(msgspec.Struct, frozen=True):
    """The job fails if more than `max_ratio` of the last `window_records` records are dead letters, once there are at
    least `minimum` records. A `max_ratio` of 1 disables the limit.
    """

    max_ratio: float = 0.5
    window_records: int = 1_000
    minimum: int = 100


class DeadLetterLimit:
    """Ratio of dead letters over a sliding window of records. One per operator instance; not checkpointed."""

    def __init__(self, settings: DeadLetterLimitSettings) -> None:
        self.settings = settings
        self.dead = 0
        self.seen = 0
        self._window = bytearray(settings.window_records)
        self._position = 0

    def record_batch(self, records: int, dead: Sequence[tuple[int, str]]) -> None:
        """Count a batch, of which the records at these places are dead letters, for these reasons.

        Raises DeadLetterLimitExceeded.
        """
        counted = 0
        for place, reason in dead:
            for _ in range(place - counted):
                self.record_success()
            self.record_dead_letter(reason)
            counted = place + 1
        for _ in range(records - counted):
            self.record_success()

    def record_success(self) -> None:
        """Count a record that was processed."""
        self._step(0)

    def record_dead_letter(self, reason: str) -> None:
        """Count a dead letter. Raises DeadLetterLimitExceeded."""
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

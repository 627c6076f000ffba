"""Reading a file of events in order of arrival, with progress, for everything that replays history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from udfs.codec import BadRecord, decode_event
from udfs.events import Event, Label

Progress = Callable[[int, int], None]
"""Called now and then with the bytes read so far and the bytes there are."""
Showing = Callable[[str], AbstractContextManager[Progress]]
"""Shows a step, told by its words, for as long as the block runs."""

REPORT_EVERY_LINES = 20_000


class EventFileError(ValueError):
    """The file of events cannot be read; the message says what to change."""


def no_progress(done: int, total: int) -> None:
    """For callers that show none."""


@contextmanager
def show_nothing(words: str) -> Iterator[Progress]:
    """For callers that show no step."""
    yield no_progress


def lines_of(path: Path, progress: Progress = no_progress) -> Iterator[bytes]:
    """The file's lines without their line ends. Raises EventFileError."""
    return (line for _, line in lines_with_positions(path, progress))


def lines_with_positions(path: Path, progress: Progress = no_progress) -> Iterator[tuple[int, bytes]]:
    """Each line without its line end, after the number of bytes before it. Raises EventFileError."""
    try:
        total = path.stat().st_size
        done = 0
        with path.open("rb") as lines:
            for number, line in enumerate(lines):
                if number % REPORT_EVERY_LINES == 0:
                    progress(done, total)
                yield done, line.rstrip(b"\r\n")
                done += len(line)
        progress(total, total)
    except OSError as error:
        raise EventFileError(f"{path}: cannot be read: {error.strerror}") from None


def events_of(path: Path, latest_timestamp_ms: int | None, progress: Progress = no_progress) -> Iterator[Event]:
    """The events that the job would take from this file: what it would make a dead letter of is left out."""
    for line in lines_of(path, progress):
        try:
            event = decode_event(line)
        except BadRecord:
            continue
        time_ms = event.known_at if isinstance(event, Label) else event.timestamp
        if latest_timestamp_ms is None or time_ms <= latest_timestamp_ms:
            yield event

"""Streaming a file of JSON Lines, one record in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from reporting.errors import RunFilesError

Record = TypeVar("Record")
Progress = Callable[[int, int], None]
"""Called now and then with the bytes read so far and the bytes there are."""

REPORT_EVERY_LINES = 10_000


def no_progress(done: int, total: int) -> None:
    """For callers that show none."""


def records_of(
    path: Path, decoder: msgspec.json.Decoder[Record], progress: Progress = no_progress
) -> Iterator[tuple[int, Record]]:
    """Each record with the number of its line, blank lines left out. Raises RunFilesError."""
    decode = decoder.decode
    done = 0
    try:
        total = path.stat().st_size
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if number % REPORT_EVERY_LINES == 0:
                    progress(done, total)
                done += len(line)
                try:
                    record = decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    if line.isspace():
                        continue
                    raise broken_line(path, number, str(error)) from None
                yield number, record
    except OSError as error:
        raise RunFilesError(f"{path}: cannot be read: {error.strerror}") from None
    progress(total, total)


def broken_line(path: Path, number: int, why: str) -> RunFilesError:
    """The error for one line, by file and number."""
    return RunFilesError(f"{path}, line {number}: {' '.join(why.split())}; score again if the run was interrupted")

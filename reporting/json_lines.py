"""Streams a JSON Lines file, one record in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from reporting.errors import RunFilesError
from udfs.records.salvage import BYTE_ORDER_MARK

Record = TypeVar("Record")
Progress = Callable[[int, int], None]
"""Called about every REPORT_EVERY_LINES lines with (bytes read, size of the file)."""

REPORT_EVERY_LINES = 10_000


def no_progress(done: int, total: int) -> None:
    """Does nothing; the default where no progress is shown."""


def records_of(
    path: Path, decoder: msgspec.json.Decoder[Record], progress: Progress = no_progress
) -> Iterator[tuple[int, Record]]:
    """Yields (line number from 1, record), without blank lines. Raises RunFilesError."""
    decode = decoder.decode
    done = 0
    try:
        total = path.stat().st_size
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if number % REPORT_EVERY_LINES == 0:
                    progress(done, total)
                done += len(line)
                if number == 1:
                    line = line.removeprefix(BYTE_ORDER_MARK)
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
    """The error for one line of a file."""
    return RunFilesError(f"{path}, line {number}: {' '.join(why.split())}; score again if the run was interrupted")

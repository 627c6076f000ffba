"""Putting lines into arrival order without holding them in memory.

Lines go to an unnamed temporary file as they come; only a key and an offset a line (16 bytes) stay in memory. At the
end the keys are sorted and the lines are copied in that order, neighbours in one go.
"""

from __future__ import annotations

import mmap
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

LINES_A_BLOCK = 65_536
BUFFER_BYTES = 1 << 20


class ArrivalSpool:
    """Lines with the time (epoch milliseconds) at which they arrive, given back sorted by it.

    The sort is stable; at the same time labels come after everything else, so that no label is known before the
    transaction that it is about. The temporary file has no name: nothing is left of it however the program ends.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=BUFFER_BYTES)  # noqa: SIM115 (closed in __exit__)
        self._keys = array("q")
        self._ends = array("q")
        self._size = 0

    def __enter__(self) -> ArrivalSpool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, arrives_at_ms: int, line: bytes, is_label: bool = False) -> None:
        """Adds a line; `line` ends with its newline."""
        self._file.write(line)
        self._size += len(line)
        self._keys.append(2 * arrives_at_ms + is_label)
        self._ends.append(self._size)

    def write_to(self, target: BinaryIO) -> Iterator[int]:
        """Writes all lines in arrival order; yields the number of lines of each block as it is written."""
        for count, block in self._blocks():
            target.write(block)
            yield count

    def _blocks(self) -> Iterator[tuple[int, bytes]]:
        if not self._keys:
            return
        self._file.flush()
        order = np.argsort(np.frombuffer(self._keys, np.int64), kind="stable")
        ends = np.frombuffer(self._ends, np.int64)
        starts = np.concatenate(([0], ends[:-1]))
        with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
            for first in range(0, len(order), LINES_A_BLOCK):
                block = order[first : first + LINES_A_BLOCK]
                is_run_start = np.concatenate(([True], np.diff(block) != 1))
                is_run_end = np.concatenate((is_run_start[1:], [True]))
                runs = zip(starts[block[is_run_start]].tolist(), ends[block[is_run_end]].tolist(), strict=True)
                yield len(block), b"".join([lines[start:end] for start, end in runs])

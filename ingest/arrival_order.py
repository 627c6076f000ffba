"""External sort of lines by arrival time.

Lines are spooled to an unnamed temporary file in input order; memory holds a sort key and an offset per line (16 bytes).
`write_to` sorts the keys and copies the lines in that order, adjacent lines in one read.
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

LINES_PER_BLOCK = 65_536
BUFFER_BYTES = 1 << 20


class ArrivalSpool:
    """Spools lines with their arrival time (epoch ms) and writes them sorted by it; a context manager.

    The sort is stable. At equal times labels follow all other events, so that a label never precedes its transaction.
    The temporary file is unnamed, so the operating system removes it even when the process is killed.
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
        """Adds a line, which must include its newline."""
        self._file.write(line)
        self._size += len(line)
        self._keys.append(2 * arrives_at_ms + is_label)
        self._ends.append(self._size)

    def write_to(self, target: BinaryIO) -> Iterator[int]:
        """Writes all lines in arrival order; yields the number of lines after each block. Call once, after all `add`."""
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
            for first in range(0, len(order), LINES_PER_BLOCK):
                block = order[first : first + LINES_PER_BLOCK]
                is_run_start = np.concatenate(([True], np.diff(block) != 1))
                is_run_end = np.concatenate((is_run_start[1:], [True]))
                runs = zip(starts[block[is_run_start]].tolist(), ends[block[is_run_end]].tolist(), strict=True)
                yield len(block), b"".join([lines[start:end] for start, end in runs])

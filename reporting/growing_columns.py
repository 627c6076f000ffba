"""Append-only columns of numbers: at most 8 bytes a cell, where a list of objects takes about 30."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import numpy.typing as npt


class GrowingColumns:
    """Columns of numbers by name, each of an `array` type code."""

    def __init__(self, type_codes: dict[str, str]) -> None:
        self._columns: dict[str, array[Any]] = {name: array(code) for name, code in type_codes.items()}
        self._append = [column.append for column in self._columns.values()]
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, row: tuple[Any, ...]) -> None:
        """Append one value to each column, in the order of the constructor's type codes."""
        for append, value in zip(self._append, row, strict=True):
            append(value)
        self._count += 1

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The columns as numpy arrays that share their memory. Must not be followed by `append`."""
        return {name: np.asarray(column) for name, column in self._columns.items()}

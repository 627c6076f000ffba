"""Columns of numbers that grow row by row: eight bytes a cell at most, where a list of objects takes thirty."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import numpy.typing as npt


class GrowingColumns:
    """Columns by name and `array` type code."""

    def __init__(self, type_codes: dict[str, str]) -> None:
        self._columns: dict[str, array[Any]] = {name: array(code) for name, code in type_codes.items()}
        self._append = [column.append for column in self._columns.values()]
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, row: tuple[Any, ...]) -> None:
        """One value a column, in their order."""
        for append, value in zip(self._append, row, strict=True):
            append(value)
        self._count += 1

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The columns as numpy arrays that share their memory; nothing may be appended any more."""
        return {name: np.asarray(column) for name, column in self._columns.items()}

"""A column of native timestamps, stored as numbers and converted to datetimes on access."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import overload

import numpy as np
import numpy.typing as npt

from ingest.readers.moment import EPOCH, MIN_DATE_MS
from udfs.records.codec import MAX_TIMESTAMP_MS


class TimestampColumn(Sequence[object]):
    """A sequence of datetimes backed by `epoch_ms` (int64, rounded down) and `is_null` (bool), both of shape (rows,).

    `aware` is true for UTC times, false for local times without an offset. Elements are aware or naive datetimes, None
    where null, and a text that all readers reject where the year is outside 1 to 9999.
    """

    def __init__(self, epoch_ms: npt.NDArray[np.int64], is_null: npt.NDArray[np.bool_], aware: bool) -> None:
        self.epoch_ms = epoch_ms
        self.is_null = is_null
        self.aware = aware

    def __len__(self) -> int:
        return len(self.epoch_ms)

    @overload
    def __getitem__(self, index: int) -> object: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[object]: ...
    def __getitem__(self, index: int | slice) -> object:
        if isinstance(index, slice):
            return TimestampColumn(self.epoch_ms[index], self.is_null[index], self.aware)
        return None if self.is_null[index] else self._datetime(int(self.epoch_ms[index]))

    def __iter__(self) -> Iterator[object]:
        for milliseconds, null in zip(self.epoch_ms.tolist(), self.is_null.tolist(), strict=True):
            yield None if null else self._datetime(milliseconds)

    def _datetime(self, milliseconds: int) -> datetime | str:
        if not MIN_DATE_MS <= milliseconds <= MAX_TIMESTAMP_MS:
            return f"timestamp {milliseconds} ms"
        moment = EPOCH + timedelta(milliseconds=milliseconds)
        return moment if self.aware else moment.replace(tzinfo=None)

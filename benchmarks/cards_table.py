"""Reads, validates and normalises the benchmark's tables from CSV or Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.cards_columns import (
    TableError,
    dates,
    epoch_seconds,
    first_of_each,
    flags,
    numbers,
    numbers_as_ids,
    short_texts,
    texts,
    within,
)
from benchmarks.cards_files import read_columns
from udfs.records.codec import MAX_AMOUNT_MAJOR

TRANSACTION_COLUMNS = (
    "trans_num", "cc_num", "unix_time", "category", "merchant", "amt", "merch_lat", "merch_long", "is_fraud",
)  # fmt: skip
USER_COLUMNS = ("cc_num", "gender", "city", "state", "zip", "lat", "long", "city_pop", "job", "dob")
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CardTable:
    """Distinct transactions in time order.

    `transactions`: trans_num, cc_num, category, merchant (text), unix_time (timestamp, ms), amt, merch_lat, merch_long
    (float64), is_fraud (bool). `cc_nums` is cc_num in the file's own type. `duplicates` counts dropped rows whose user
    and trans_num occurred before, `unreadable` dropped rows without an id, time, amount or outcome.
    """

    path: Path
    transactions: pa.Table
    cc_nums: pa.Array
    duplicates: int = 0
    unreadable: int = 0

    def __len__(self) -> int:
        return int(self.transactions.num_rows)

    @cached_property
    def times_ms(self) -> npt.NDArray[np.int64]:
        times_ms: npt.NDArray[np.int64] = pc.cast(self.transactions["unix_time"], pa.int64()).to_numpy()
        return times_ms

    @cached_property
    def labels(self) -> npt.NDArray[np.bool_]:
        labels: npt.NDArray[np.bool_] = self.transactions["is_fraud"].to_numpy()
        return labels

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """A numeric column, float64 [N]."""
        values: npt.NDArray[np.float64] = self.transactions[name].to_numpy()
        return values

    def rows_before(self, moment_ms: int) -> int:
        """Number of transactions before a time (epoch ms), which are the first rows."""
        return int(np.searchsorted(self.times_ms, moment_ms))

    def take(self, rows: Rows | slice) -> CardTable:
        """The given rows, in the given order."""
        if isinstance(rows, slice):
            rows = np.arange(len(self))[rows]
        return CardTable(self.path, self.transactions.take(rows), self.cc_nums.take(pa.array(rows)))


def read_transactions(path: Path) -> CardTable:
    """Reads a table of transactions.

    Raises TableError for an unreadable file, missing columns, ids that lost digits, or no readable rows.
    """
    found, broken = read_columns(path, TRANSACTION_COLUMNS)
    try:
        columns = {
            "trans_num": texts(found["trans_num"], "trans_num"),
            "cc_num": numbers_as_ids(found["cc_num"], "cc_num"),
            "unix_time": epoch_seconds(found["unix_time"], "unix_time").cast(pa.timestamp("ms", "UTC")),
            "category": texts(found["category"], "category"),
            "merchant": texts(found["merchant"], "merchant"),
            "amt": numbers(found["amt"]),
            "merch_lat": within(numbers(found["merch_lat"]), 90.0),
            "merch_long": within(numbers(found["merch_long"]), 180.0),
            "is_fraud": flags(found["is_fraud"], "is_fraud"),
        }
    except TableError as error:
        raise TableError(f"{path}: {error}") from None
    amounts = columns["amt"]
    readable = (amounts >= 0) & (amounts <= MAX_AMOUNT_MAJOR)
    for name in ("trans_num", "cc_num", "unix_time", "is_fraud"):
        readable &= columns[name].is_valid().to_numpy(zero_copy_only=False)
    times_ms = columns["unix_time"].cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    rows = np.argsort(times_ms, kind="stable")
    rows = rows[readable[rows]]
    ordered = pa.table(columns).take(rows)
    first = first_of_each([ordered["cc_num"].combine_chunks(), ordered["trans_num"].combine_chunks()])
    if not len(first):
        raise TableError(f"{path} has no readable transaction in {found.num_rows:,} rows")
    own = found["cc_num"].combine_chunks()
    cc_nums = own if pa.types.is_integer(own.type) else columns["cc_num"]
    return CardTable(
        path,
        ordered.take(first),
        cc_nums.take(pa.array(rows[first])),
        duplicates=len(rows) - len(first),
        unreadable=broken + found.num_rows - len(rows),
    )


def read_users(path: Path) -> pa.Table:
    """Reads users: cc_num, gender, state, job (text), lat, long, city_pop (float64) and dob (date), first row of each.

    Raises TableError for an unreadable file, missing columns, or no rows.
    """
    found, _ = read_columns(path, USER_COLUMNS)
    try:
        columns = {
            "cc_num": numbers_as_ids(found["cc_num"], "cc_num"),
            **{name: short_texts(found[name], name) for name in ("gender", "state", "job")},
            "lat": within(numbers(found["lat"]), 90.0),
            "long": within(numbers(found["long"]), 180.0),
            "city_pop": numbers(found["city_pop"]),
            "dob": dates(found["dob"]),
        }
    except TableError as error:
        raise TableError(f"{path}: {error}") from None
    users = pa.table(columns).filter(columns["cc_num"].is_valid())
    if not users.num_rows:
        raise TableError(f"{path} has no user with a cc_num in {found.num_rows:,} rows")
    return users.take(first_of_each([users["cc_num"].combine_chunks()]))

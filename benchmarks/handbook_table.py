"""Reads the handbook's table up to the end of the test week and converts it to events by the shipped mapping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.handbook_protocol import Columns
from models.metrics import DAY_MS

MAPPING = Path(__file__).parents[1] / "deploy" / "mappings" / "handbook.yaml"
NEEDED = ("TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD")


def read_table(path: Path, end_day: int) -> pa.Table:
    """Reads the rows before `end_day` (days since the epoch), in time order. Raises ValueError for missing columns.

    Later rows are dropped, so that they cannot affect any result.
    """
    table = pq.read_table(path)
    missing = [name for name in NEEDED if name not in table.column_names]
    if missing:
        raise ValueError(f"{path}: no column {', '.join(missing)}; expected the handbook's simulated transactions")
    times_ms = _times_ms(table)
    table = table.take(pa.array(np.argsort(times_ms, kind="stable")))
    return table.filter(pc.less(pa.array(_times_ms(table)), end_day * DAY_MS))


def columns_of(table: pa.Table) -> Columns:
    """The columns used by the protocol and the baseline."""
    return Columns(
        transaction_ids=table["TRANSACTION_ID"].to_numpy(),
        user_ids=table["CUSTOMER_ID"].to_numpy(),
        terminal_ids=table["TERMINAL_ID"].to_numpy(),
        timestamps_ms=_times_ms(table),
        amounts=table["TX_AMOUNT"].to_numpy().astype(np.float64),
        labels=table["TX_FRAUD"].to_numpy().astype(bool),
    )


def write_events(table: pa.Table, work: Path) -> Path:
    """Writes the table as events with labels a week after the transactions; returns the file."""
    from cli.convert import convert_tables

    cut = work / "transactions.parquet"
    pq.write_table(table, cut)
    convert_tables((cut,), (MAPPING,), work / "events")
    return work / "events" / "events.jsonl"


def _times_ms(table: pa.Table) -> npt.NDArray[np.int64]:
    times_ms: npt.NDArray[np.int64] = table["TX_DATETIME"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    return times_ms

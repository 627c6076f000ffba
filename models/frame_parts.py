"""Rows of a training frame as Parquet files, one a worker, and back in order of arrival without holding them all.

Beside the ids a row has its `sequence`, the event's line in the log: it brings rows of several workers into one order.
A part's labels are a second file with the same rows, since a row's label may come long after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from struct import Struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from udfs.events import Label, Transaction
from udfs.features.values import NamedValues

ROWS_A_GROUP = 50_000
NO_LABEL_MS = -1
NOT_EVALUATED = -1
_IDS = (  # what may be null costs Parquet three times as much to write; NaN is not known
    pa.field("sequence", pa.int64(), nullable=False),
    pa.field("timestamp_ms", pa.int64(), nullable=False),
    pa.field("amount_float64", pa.float64(), nullable=False),
    pa.field("user_id", pa.string(), nullable=False),
    pa.field("transaction_id", pa.string(), nullable=False),
    pa.field("rule_points_int32", pa.int32(), nullable=False),
)
_LABELS = pa.schema(
    [pa.field("known_at_ms", pa.int64(), nullable=False), pa.field("is_fraud", pa.bool_(), nullable=False)]
)


class PartWriter:
    """Writes one worker's rows, a row group at a time; `close` adds the labels as they were known at the end."""

    def __init__(self, folder: Path, number: int, names: Sequence[str]) -> None:
        """`names` are the features' in the order of their values; no name of an id column is one."""
        self.rows = 0
        self.labels: dict[tuple[str, str], tuple[int, bool]] = {}
        self._path = folder / f"rows-{number:04d}.parquet"
        self._labels_path = folder / f"labels-{number:04d}.parquet"
        self._schema = pa.schema([*_IDS, *(pa.field(name, pa.float32(), nullable=False) for name in names)])
        self._writer = pq.ParquetWriter(
            self._path, self._schema, compression="none", use_dictionary=False, write_statistics=False
        )
        self._features = np.empty((ROWS_A_GROUP, len(names)), np.float32)
        self._columns = np.empty((len(names), ROWS_A_GROUP), np.float32)
        self._bytes = self._features.data.cast("B")
        self._values = Struct(f"={len(names)}f")
        self._ids: list[tuple[int, int, float, str, str, int]] = []

    def add(
        self,
        sequence: int,
        transaction: Transaction,
        amount: float,
        features: NamedValues,
        rule_points: int = NOT_EVALUATED,
    ) -> None:
        ids = self._ids
        self._values.pack_into(self._bytes, len(ids) * self._values.size, *features.values())
        ids.append(
            (sequence, transaction.timestamp, amount, transaction.user_id, transaction.transaction_id, rule_points)
        )
        if len(ids) == ROWS_A_GROUP:
            self._flush()

    def add_label(self, label: Label) -> None:
        """Of a transaction's labels the one known last counts, of several the one that arrived last."""
        key = (label.user_id, label.transaction_id)
        previous = self.labels.get(key)
        if previous is None or previous[0] <= label.known_at:
            self.labels[key] = (label.known_at, label.is_fraud)

    def close(self) -> None:
        self._flush()
        self._writer.close()
        rows = pq.ParquetFile(self._path)
        with pq.ParquetWriter(self._labels_path, _LABELS, compression="none") as writer:
            for group in range(rows.num_row_groups):
                known_at_ms = np.full(rows.metadata.row_group(group).num_rows, NO_LABEL_MS, np.int64)
                is_fraud = np.zeros(len(known_at_ms), np.bool_)
                if self.labels:
                    ids = rows.read_row_group(group, columns=["user_id", "transaction_id"]).to_pydict()
                    for row, key in enumerate(zip(ids["user_id"], ids["transaction_id"], strict=True)):
                        label = self.labels.get(key)
                        if label is not None:
                            known_at_ms[row], is_fraud[row] = label
                writer.write_table(pa.table([_numbers(known_at_ms), _flags(is_fraud)], schema=_LABELS))

    def _flush(self) -> None:
        ids = self._ids
        if not ids:
            return
        features = self._columns[:, : len(ids)]
        np.copyto(features, self._features[: len(ids)].T)
        sequences, timestamps_ms, amounts, user_ids, transaction_ids, rule_points = zip(*ids, strict=True)
        columns = [
            _numbers(np.array(sequences, np.int64)),
            _numbers(np.array(timestamps_ms, np.int64)),
            _numbers(np.array(amounts, np.float64)),
            _identifiers(user_ids),
            _identifiers(transaction_ids),
            _numbers(np.array(rule_points, np.int32)),
            *map(_numbers, features),
        ]
        self._writer.write_table(pa.table(columns, schema=self._schema), row_group_size=ROWS_A_GROUP)
        self.rows += len(ids)
        ids.clear()


# Arrow's own constructor of arrays imports pandas, a second of each worker's time.
def _numbers(values: npt.NDArray[np.integer[Any]] | npt.NDArray[np.floating[Any]]) -> pa.Array:
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def _flags(values: npt.NDArray[np.bool_]) -> pa.Array:
    bits = np.packbits(values, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])


def _identifiers(texts: Sequence[str]) -> pa.Array:
    """Of texts in ASCII, where a character is a byte."""
    ends = np.cumsum(np.fromiter(map(len, texts), np.int32, len(texts)), dtype=np.int32)
    offsets = np.concatenate([np.zeros(1, np.int32), ends])
    content = "".join(texts).encode("ascii")
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(content))


class FrameParts:
    """All parts of a folder as whole columns in order of arrival.

    `features` float32 [N, F] lies in a file that is mapped into memory and has no name any more: the system pages it
    in and out, and the disk is free again when nobody holds it. `known_at_ms` is NO_LABEL_MS where there is no label.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        paths = sorted(folder.glob("rows-*.parquet"))
        parts = [pq.ParquetFile(path) for path in paths]
        sequences = [part.read(columns=["sequence"])["sequence"].to_numpy() for part in parts]
        all_sequences = np.concatenate(sequences)
        rank = np.empty(len(all_sequences), np.int64)
        rank[np.argsort(all_sequences, kind="stable")] = np.arange(len(all_sequences))
        self.rows = len(rank)
        self._parts = parts
        self._labels = [pq.ParquetFile(path.with_name(path.name.replace("rows", "labels"))) for path in paths]
        self._ranks = np.split(rank, np.cumsum([len(part) for part in sequences])[:-1])
        self.timestamps_ms = self._column("timestamp_ms", np.int64)
        self.amounts = self._column("amount_float64", np.float64)
        self.user_ids = self._column("user_id", np.object_).astype(np.str_)
        self.known_at_ms = self._column("known_at_ms", np.int64, self._labels)
        self.is_fraud = self._column("is_fraud", np.bool_, self._labels)
        self.rule_points = self._column("rule_points_int32", np.int32)
        self.features = self._mapped_features(folder / "features.f32", list(names))

    def transaction_ids(self) -> npt.NDArray[np.object_]:
        return self._column("transaction_id", np.object_)

    def _column(self, name: str, kind: type[Any], parts: list[pq.ParquetFile] | None = None) -> npt.NDArray[Any]:
        column = np.empty(self.rows, kind)
        for group, ranks in self._groups([name], self._parts if parts is None else parts):
            column[ranks] = group[name].to_numpy()
        return column

    def _mapped_features(self, path: Path, names: list[str]) -> npt.NDArray[np.float32]:
        if self.rows == 0:
            return np.empty((0, len(names)), np.float32)
        mapped = np.memmap(path, np.float32, "w+", shape=(self.rows, len(names)))
        for group, ranks in self._groups(names, self._parts):
            mapped[ranks] = np.column_stack([group[name].to_numpy() for name in names])
        path.unlink()
        return mapped

    def _groups(
        self, names: list[str], parts: list[pq.ParquetFile]
    ) -> Iterator[tuple[pa.Table, npt.NDArray[np.int64]]]:
        """Row groups of every part, with the place of each row in the order of arrival."""
        for part, ranks in zip(parts, self._ranks, strict=True):
            start = 0
            for number in range(part.num_row_groups):
                group = part.read_row_group(number, columns=names)
                yield group, ranks[start : start + len(group)]
                start += len(group)

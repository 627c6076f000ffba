"""Writes the rows of a training frame to Parquet files, one per worker, and reads them back in order of arrival.

Each row has a `sequence`, the line number of its event, which defines the order over all workers. The labels of a part are
a second file with the same rows, since a label may arrive long after its row was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from udfs.core.replayer import Replayed

ROWS_A_GROUP = 50_000
NO_LABEL_MS = -1
NOT_EVALUATED = -1
_IDS = (  # nullable columns cost three times as much to write
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
    """Writes one worker's rows in row groups of ROWS_A_GROUP; `close` writes the newest label of each row.

    Call `add` for each batch, then `close` once. Memory: one row group and the labels.
    """

    def __init__(self, folder: Path, number: int, names: Sequence[str]) -> None:
        """`names` are the feature names in the order of their values, distinct from the id columns."""
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
        self._sequences = np.empty(ROWS_A_GROUP, np.int64)
        self._timestamps_ms = np.empty(ROWS_A_GROUP, np.int64)
        self._amounts = np.empty(ROWS_A_GROUP, np.float64)
        self._rule_points = np.empty(ROWS_A_GROUP, np.int32)
        self._user_ids: list[str] = []
        self._transaction_ids: list[str] = []

    def add(self, sequences: npt.NDArray[np.int64], rows: Replayed, features: npt.NDArray[np.float32]) -> None:
        """Add the N transactions of a batch with their `sequences` and `features` [N, F], and its labels."""
        start = 0
        while start < len(sequences):
            first = len(self._user_ids)
            end = min(len(sequences), start + len(self._sequences) - first)
            taken, place = slice(start, end), slice(first, first + end - start)
            self._sequences[place] = sequences[taken]
            self._timestamps_ms[place] = rows.timestamps_ms[taken]
            self._amounts[place] = rows.amounts[taken]
            self._rule_points[place] = NOT_EVALUATED if rows.rule_points is None else rows.rule_points[taken]
            self._features[place] = features[taken]
            self._user_ids += rows.user_ids[taken]
            self._transaction_ids += rows.transaction_ids[taken]
            start = end
            if len(self._user_ids) == len(self._sequences):
                self._flush()
        for user_id, transaction_id, known_at_ms, is_fraud in rows.labels:
            self._add_label((user_id, transaction_id), known_at_ms, is_fraud)

    def close(self) -> None:
        """Write the remaining rows and the labels, and close the files."""
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

    def _add_label(self, transaction: tuple[str, str], known_at_ms: int, is_fraud: bool) -> None:
        """The newest label of a transaction wins; of equally new ones, the last to arrive."""
        previous = self.labels.get(transaction)
        if previous is None or previous[0] <= known_at_ms:
            self.labels[transaction] = (known_at_ms, is_fraud)

    def _flush(self) -> None:
        rows = len(self._user_ids)
        if not rows:
            return
        features = self._columns[:, :rows]
        np.copyto(features, self._features[:rows].T)
        columns = [
            _numbers(self._sequences[:rows]),
            _numbers(self._timestamps_ms[:rows]),
            _numbers(self._amounts[:rows]),
            _identifiers(self._user_ids),
            _identifiers(self._transaction_ids),
            _numbers(self._rule_points[:rows]),
            *map(_numbers, features),
        ]
        self._writer.write_table(pa.table(columns, schema=self._schema), row_group_size=len(self._sequences))
        self.rows += rows
        self._user_ids, self._transaction_ids = [], []


# pa.array() imports pandas, which takes a second per worker.
def _numbers(values: npt.NDArray[np.integer[Any]] | npt.NDArray[np.floating[Any]]) -> pa.Array:
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def _flags(values: npt.NDArray[np.bool_]) -> pa.Array:
    bits = np.packbits(values, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])


def _identifiers(texts: Sequence[str]) -> pa.Array:
    """A string array of ASCII texts."""
    ends = np.cumsum(np.fromiter(map(len, texts), np.int32, len(texts)), dtype=np.int32)
    offsets = np.concatenate([np.zeros(1, np.int32), ends])
    content = "".join(texts).encode("ascii")
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(content))


class FrameParts:
    """All parts of a folder as columns in order of arrival.

    `features` float32 [N, F] is a memory-mapped file that is already unlinked: it is paged in and out, and its disk space
    is freed with the last reference. `known_at_ms` is NO_LABEL_MS for rows without a label.
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
        """Yield the row groups of all parts with the position of each row in the order of arrival."""
        for part, ranks in zip(parts, self._ranks, strict=True):
            start = 0
            for number in range(part.num_row_groups):
                group = part.read_row_group(number, columns=names)
                yield group, ranks[start : start + len(group)]
                start += len(group)

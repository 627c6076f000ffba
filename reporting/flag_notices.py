"""Reads flags.jsonl: compliance flags without an action."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from reporting.decisions import Column, flag_bits_of
from reporting.growing_columns import GrowingColumns
from reporting.identity import key_of
from reporting.json_lines import records_of
from udfs.records.outputs import FlagNotice


class FlagNotices(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One row [F] a notice, without duplicates of the file."""

    flag_bits: Column  # int8, bit i for decisions.FLAGS[i]
    on_transaction: Column  # bool; the others are on account changes


_decoder = msgspec.json.Decoder(FlagNotice)


def no_flag_notices() -> FlagNotices:
    """The notices of a run without notices."""
    return FlagNotices(flag_bits=np.zeros(0, np.int8), on_transaction=np.zeros(0, bool))


def read_flag_notices(path: Path) -> FlagNotices:
    """All notices of the file. Raises RunFilesError."""
    rows = GrowingColumns({"id": "Q", "flag_bits": "b", "on_transaction": "b"})
    for _, notice in records_of(path, _decoder):
        rows.append((key_of(notice.flag_id), flag_bits_of(notice.flags), notice.transaction_id is not None))
    columns = rows.arrays()
    _, first = np.unique(columns["id"], return_index=True)
    first.sort()
    return FlagNotices(
        flag_bits=columns["flag_bits"][first], on_transaction=columns["on_transaction"][first].astype(bool)
    )

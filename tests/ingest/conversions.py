"""Helpers: run a conversion in a temporary folder and read its output with the standard library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ingest.convert import Input, Summary, convert
from ingest.mapping import parse_mapping

PLAIN_MAPPING = """
kind: transaction
fields: {transaction_id: id, user_id: user, timestamp: time, amount: amount}
"""
LABELLED_MAPPING = PLAIN_MAPPING + "label: {is_fraud: fraud, delay_days: 1}\n"
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Converted:
    """The parsed lines of each output file; an empty list for a file that was not written."""

    folder: Path
    summary: Summary

    def lines(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.lines("events.jsonl")

    @property
    def errors(self) -> list[dict[str, Any]]:
        return self.lines("errors.jsonl")


def converted(
    folder: Path, content: str | bytes | Any, mapping: str = PLAIN_MAPPING, name: str = "table.csv", **options: Any
) -> Converted:
    """Writes a table (text, bytes or Arrow) to `name` and converts it."""
    path = folder / name
    if isinstance(content, str | bytes):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    else:
        pq.write_table(content, path)
    out = folder / "out"
    return Converted(out, convert([Input(path, parse_mapping(mapping))], out, **options))

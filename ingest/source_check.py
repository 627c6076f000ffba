"""Checks that a source has the columns that a mapping reads."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ingest.errors import InputError
from ingest.mapping import Mapping
from ingest.suggestion import did_you_mean, listed


def check_header(path: Path, available: Collection[str], mapping: Mapping) -> None:
    """Raises InputError for the first mapped column that is not in the header."""
    _check(path, available, mapping, set(mapping.source_columns) - mapping.optional_columns)


def check_first_rows(path: Path, available: Collection[str], mapping: Mapping) -> None:
    """Raises InputError for a column of a required field that none of the first rows has; accepts a file without rows."""
    if available:
        _check(path, available, mapping, mapping.required_columns - mapping.optional_columns)


def _check(path: Path, available: Collection[str], mapping: Mapping, needed: Collection[str]) -> None:
    for name, needed_for in mapping.source_columns.items():
        if name in needed and name not in available:
            suggestion = did_you_mean(name, available)
            raise InputError(
                f"{path} has no column {name!r} for {needed_for}{suggestion}; it has: {listed(available)}. "
                "If a table may lack it, set `may_be_missing: true`"
            )

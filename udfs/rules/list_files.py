"""Reads named lists from YAML files, and their entries from CSV files."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from udfs.records.codec import BadRecord, epoch_ms
from udfs.rules.errors import RuleError, one_line
from udfs.rules.named_lists import (
    NO_LISTS,
    ListEntry,
    ListError,
    Lists,
    NamedList,
    check_list,
    lists_by_name,
    spelled,
)
from udfs.rules.pack_files import load_yaml

MAX_FILE_BYTES = 5_000_000
SUFFIXES = (".yaml", ".yml", ".json")
COLUMNS = ("value", "owner", "reason", "expires_at", "source_alert")


class ListFileError(ValueError):
    """A file of a list cannot be used; the message has the file, the place and the cause."""


class _Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list as in a file: entries are values or objects; `owner` is that of entries without one."""

    name: str
    type: str
    version: int
    entries: list[Any] = []
    description: str = ""
    owner: str | None = None


def lists_of(path: str | None) -> Lists:
    """The lists of a file, or of all files of a folder; none without a path. Raises ListFileError."""
    if path is None:
        return NO_LISTS
    place = Path(path)
    try:
        files = sorted(file for file in place.iterdir() if file.suffix in SUFFIXES) if place.is_dir() else [place]
        return lists_by_name(load_list(file) for file in files)
    except OSError as error:
        raise ListFileError(f"{place}: cannot be read: {error.strerror}") from None
    except ListError as error:
        raise ListFileError(f"{place}: {error}") from None


def load_list(path: Path) -> NamedList:
    """Read the list of a YAML or JSON file. Raises ListFileError."""
    return parse_list(_content(path), path.name)


def parse_list(content: bytes, source: str) -> NamedList:
    """Parse a list in YAML; `source` names it in errors. Raises ListFileError for all invalid bytes."""
    try:
        draft = msgspec.convert(load_yaml(content), _Draft)
        entries = tuple(_entry(item, draft.owner) for item in draft.entries)
        shaped = {
            "name": draft.name, "type": draft.type, "version": draft.version, "description": draft.description.strip(),
            "entries": (),
        }  # fmt: skip
        named_list = msgspec.structs.replace(msgspec.convert(shaped, NamedList), entries=entries)
        check_list(named_list)
        return spelled(named_list)
    except (RuleError, ListError) as error:
        raise ListFileError(f"{source}: {error}") from None
    except (ValueError, RecursionError) as error:
        message = one_line(error).replace("`", "'").replace("$.", "").removesuffix(" - at '$'")
        raise ListFileError(f"{source}: {message}") from None


def load_entries(path: Path) -> tuple[ListEntry, ...]:
    """The entries of a CSV file, as `parse_entries` reads them. Raises ListFileError."""
    return parse_entries(_content(path), path.name)


def parse_entries(content: bytes, source: str) -> tuple[ListEntry, ...]:
    """The entries of CSV with a header of COLUMNS, `value` among them; `source` names it in errors. Raises ListFileError
    with the line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ListFileError(f"{source}: is not UTF-8") from None
    rows = csv.reader(text.splitlines(), strict=True)
    header = [name.strip().lower() for name in next(rows, [])]
    unknown = [name for name in header if name not in COLUMNS]
    if "value" not in header or unknown or len(set(header)) < len(header):
        wanted = f"a header of {', '.join(COLUMNS)} (only value is required)"
        raise ListFileError(f"{source}: expected {wanted}, not {one_line(', '.join(header))!r}")
    entries = []
    try:
        for row in rows:
            if not any(map(str.strip, row)):
                continue
            if len(row) != len(header):
                raise ListError(f"{len(row)} columns, the header has {len(header)}")
            given = {name: text.strip() for name, text in zip(header, row, strict=True) if text.strip()}
            entries.append(_entry(given, None))
    except (ListError, csv.Error) as error:
        raise ListFileError(f"{source}, line {rows.line_num}: {error}") from None
    return tuple(entries)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ListFileError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise ListFileError(f"{path.name}: larger than {MAX_FILE_BYTES} bytes")
    return content


def _entry(item: Any, owner: str | None) -> ListEntry:
    """Of a value, or of an object with the fields of an entry, whose expiry may be ISO 8601. Raises ListError."""
    given = {"value": item} if not isinstance(item, dict) else dict(item)
    if isinstance(given.get("value"), int) and not isinstance(given["value"], bool):
        raise ListError(f"{given['value']} is a number: write '{given['value']}' in quotes")
    if isinstance(given.get("value"), bool):
        raise ListError("yes, no, on, off, true and false are no texts in YAML: write them in quotes, 'NO' for Norway")
    if "expires_at" in given:
        given["expires_at"] = expiry_ms(given["expires_at"])
    try:
        entry = msgspec.convert(given, ListEntry)
    except ValueError as error:
        raise ListError(one_line(error).replace("`", "'").replace("$.", "")) from None
    return entry if entry.owner or owner is None else msgspec.structs.replace(entry, owner=owner)


def expiry_ms(value: Any) -> int:
    """Epoch milliseconds of a number or an ISO 8601 text with an offset. Raises ListError."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ListError(f"expires_at {one_line(value)!r} is neither epoch milliseconds nor ISO 8601") from None
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ListError(f"expires_at {value.isoformat()} has no offset: append Z for UTC")
    if isinstance(value, bool) or not isinstance(value, int | datetime):
        raise ListError(
            f"expires_at {one_line(str(value))!r} is neither epoch milliseconds nor ISO 8601 with an offset"
        )
    try:
        return epoch_ms(value, "expires_at")
    except BadRecord as error:
        raise ListError(str(error)) from None

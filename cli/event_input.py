"""Checks a file of events before it is read as a whole: one without a single event is refused with what to do."""

from __future__ import annotations

from pathlib import Path

from cli.errors import UserError

CONVERT = "convert it first (fraud convert --guess proposes a mapping)"
MAP = "give its columns with --mapping (fraud convert --guess proposes one)"
_TABLES = (".csv", ".tsv", ".parquet", ".pq", ".xlsx", ".xls", ".ods")
_DELIMITERS = (b",", b";", b"\t", b"|")


def check_events(path: Path, of_table: str = CONVERT) -> None:
    """Raises UserError unless the file has a line that is an event; `of_table` is what to do with a table.

    Reads up to the first event, so that only a file without any is read to its end.
    """
    from models.event_files import EventFileError, lines_of
    from udfs.records.codec import BadRecord, decode_event
    from udfs.records.salvage import BYTE_ORDER_MARK

    first: tuple[int, bytes, str] | None = None
    try:
        for number, line in enumerate(lines_of(path), start=1):
            content = line.removeprefix(BYTE_ORDER_MARK).strip()
            if not content:
                continue
            try:
                decode_event(line)
            except BadRecord as error:
                first = first or (number, content, str(error))
                continue
            return
    except EventFileError as error:
        raise UserError(str(error)) from None
    if first is None:
        raise UserError(f"{path} is empty: give a file of events, one JSON object a line (docs/events.md)")
    number, content, reason = first
    if _is_table(path, content):
        raise UserError(f"{path} is a table, not a file of events: {of_table}")
    raise UserError(
        f"{path} has no event; line {number}: {reason}. Give one JSON object a line (docs/events.md); other data: {of_table}"
    )


def _is_table(path: Path, first_line: bytes) -> bool:
    """By the file's name, or by a first line that is a header."""
    if any(suffix.lower() in _TABLES for suffix in path.suffixes):
        return True
    is_text = first_line.isascii() and first_line.decode("ascii").isprintable()
    return is_text and first_line[:1] not in b"{[" and any(sign in first_line for sign in _DELIMITERS)

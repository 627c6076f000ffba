"""Free text in reasons: full-text tables of SQLite and PostgreSQL that both hold the words as `words_of` makes them.

SQLite's row id is the event time followed by 15 bits, so that its full-text search finds in the order of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from sqlalchemy import ColumnElement, Connection, literal_column, text

PLACE_BITS = 15
PLACES = 1 << PLACE_BITS
"""Decisions with reasons of one millisecond, at most."""
TRIES = 256
TIME_OF_ROWID: ColumnElement[int] = literal_column(f"(reason_search.rowid >> {PLACE_BITS})")


def first_rowid(time_ms: int) -> int:
    """The lowest row id of a millisecond."""
    return max(time_ms, 0) << PLACE_BITS


def sqlite_query(words: Sequence[str]) -> str:
    """All words, as an FTS5 query. Words are letters and digits only."""
    return " AND ".join(f'"{word}"' for word in words)


def postgresql_words(words: Sequence[str]) -> str:
    """Words as the text of a tsvector."""
    return " ".join(f"'{word}'" for word in words)


def postgresql_query(words: Sequence[str]) -> str:
    """All words, as the text of a tsquery."""
    return " & ".join(f"'{word}'" for word in words)


def matches_sqlite(words: Sequence[str]) -> ColumnElement[bool]:
    return literal_column("reason_search").op("MATCH", is_comparison=True)(sqlite_query(words))


def rowids_of(connection: Connection, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """A free row id for each (time, decision id) of SQLite's table, in which none of them is.

    A decision for which none is found in TRIES places has no text: thousands with reasons are at its millisecond.
    """
    found: dict[tuple[int, str], int] = {}
    taken: set[int] = set()
    for key in keys:
        first, place = first_rowid(key[0]), crc32(key[1].encode()) % PLACES
        for step in range(TRIES):
            rowid = first + (place + step) % PLACES
            if rowid not in taken and not _is_taken(connection, rowid):
                taken.add(rowid)
                found[key] = rowid
                break
    return found


def remove_sqlite(connection: Connection, key: tuple[int, str]) -> None:
    """Remove the text of one decision, if it has one."""
    first = first_rowid(key[0])
    connection.execute(
        text("DELETE FROM reason_search WHERE rowid BETWEEN :first AND :last AND decision_id = :id"),
        {"first": first, "last": first + PLACES - 1, "id": key[1]},
    )


def _is_taken(connection: Connection, rowid: int) -> bool:
    found = connection.exec_driver_sql("SELECT 1 FROM reason_search_content WHERE id = ?", (rowid,))
    return found.first() is not None

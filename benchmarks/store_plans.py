"""The plans of what a store asks its database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from console.store.engine import Database

_SQLITE_INDEX = re.compile(
    r"(SEARCH|SCAN) (\S+)(?: USING (?:COVERING |INTEGER )?(INDEX \S+|PRIMARY KEY)| VIRTUAL TABLE INDEX (\S+))?"
)
_POSTGRESQL_INDEX = re.compile(
    r"(?:Index Only Scan|Index Scan)(?: Backward)? using (\S+) on|Bitmap Index Scan on (\S+)|(Seq Scan on \S+)"
)
_PARTITION = re.compile(r"_(y\d{4}m\d{2}|rest)_")
_ALIASES = {"entries", "expr_qp", "anon_1", "(subquery-1)", "2", "3"}
Asked = list[tuple[str, Any]]


@contextmanager
def asked(database: Database) -> Iterator[Asked]:
    """Collects the SELECT statements and their parameters while the block runs."""
    found: Asked = []

    def note(_c: Any, _k: Any, statement: str, parameters: Any, _x: Any, _m: bool) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            found.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def plan(database: Database, statement: str, parameters: Any) -> list[str]:
    """Lines of the plan."""
    word = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    with database.read() as connection:
        if not database.is_sqlite and "@@" in statement and "reason_texts" in statement and "ORDER BY" not in statement:
            for name, on in (("bitmapscan", "on"), ("indexscan", "off"), ("indexonlyscan", "off")):
                connection.exec_driver_sql(f"SET LOCAL enable_{name} = {on}")
        rows = connection.exec_driver_sql(f"{word} {statement}", parameters).all()
    return [str(row[-1]) for row in rows]


def indexes_of(database: Database, statements: Asked) -> list[str]:
    """Names of the indexes that the statements read; `full TABLE` for a table that is read as a whole."""
    found: dict[str, None] = {}
    for statement, parameters in statements:
        for line in plan(database, statement, parameters):
            if database.is_sqlite:
                match = _SQLITE_INDEX.match(line)
                if match is None or match[2] in _ALIASES or not match[2][0].isalpha():
                    continue
                if match[4]:
                    found["reason_search (full text)"] = None
                elif match[3] is None or (match[1] == "SCAN" and "autoindex" not in match[3]):
                    found[f"full {match[2]}"] = None
                elif match[3] == "PRIMARY KEY" or "autoindex" in match[3]:
                    found[f"{match[2]} by primary key"] = None
                else:
                    found[match[3].removeprefix("INDEX ")] = None
            elif match := _POSTGRESQL_INDEX.search(line):
                name = match[1] or match[2]
                if name is None:
                    found[match[3].replace("Seq Scan on", "full")] = None
                else:
                    found[_PARTITION.sub("_", name)] = None
    return list(found)

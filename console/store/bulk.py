"""Many rows at once: the quickest way of each database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table

Row = Sequence[Any]


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Rows that are not there yet: by COPY on PostgreSQL."""
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(columns))
        connection.exec_driver_sql(
            f'INSERT INTO "{table.name}" ({names}) VALUES ({places})', [tuple(row) for row in rows]
        )
        return
    copy_rows(connection, f'COPY "{table.name}" ({names}) FROM STDIN', rows)


def copy_rows(connection: Connection, statement: str, rows: Iterable[Row]) -> None:
    """PostgreSQL's COPY in the connection's transaction."""
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def upsert_rows(
    connection: Connection, table: Table, rows: Iterable[Row], key: Sequence[str] | None = None, replace: bool = True
) -> None:
    """Rows of all the table's columns; one with the key of another, here or in the table, takes its place.

    `key`: columns, by default the primary key. `replace`: False keeps what is there.
    """
    columns = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key] if key is None else list(key)
    places = [columns.index(name) for name in keys]
    last = {tuple(row[place] for place in places): tuple(row) for row in rows}
    if not last:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    values = [f'"{name}" = excluded."{name}"' for name in columns if name not in keys]
    action = f"DO UPDATE SET {', '.join(values)}" if replace and values else "DO NOTHING"
    conflict = f"ON CONFLICT ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in keys)}) {action}"
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks}) {conflict}'
        connection.exec_driver_sql(statement, list(last.values()))
        return
    types = [column.type.dialect_impl(connection.dialect).compile(connection.dialect) for column in table.columns]
    arrays = ", ".join(f"%s::{kind.partition(' COLLATE')[0]}[]" for kind in types)
    statement = f'INSERT INTO "{table.name}" ({names}) SELECT * FROM unnest({arrays}) {conflict}'
    connection.exec_driver_sql(statement, tuple(list(column) for column in zip(*last.values(), strict=True)))

"""Saved views of the queue, each of one person."""

from __future__ import annotations

import msgspec
from sqlalchemy import delete, func, select

from console.store.bulk import upsert_rows
from console.store.engine import Database
from console.store.tables import saved_views

LONGEST_NAME, LONGEST_QUERY, MOST_VIEWS = 40, 2_000, 50


class ViewError(ValueError):
    """The view cannot be saved; the message says why."""


class SavedView(msgspec.Struct, frozen=True):
    """`query`: of the queue's address."""

    name: str
    query: str


def views_of(database: Database, owner: str) -> list[SavedView]:
    """A person's views by name."""
    columns = saved_views.c
    with database.read() as connection:
        rows = connection.execute(
            select(columns.name, columns.query).where(columns.owner == owner).order_by(columns.name)
        )
        return [SavedView(row.name, row.query) for row in rows]


def save_view(database: Database, owner: str, name: str, query: str, now_ms: int) -> None:
    """Save a view, or replace that of this name. Raises ViewError."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise ViewError(f"give the view a name of 1 to {LONGEST_NAME} characters")
    if len(query) > LONGEST_QUERY:
        raise ViewError("the filters are too long to be saved")
    columns = saved_views.c
    with database.write() as connection:
        count = connection.execute(
            select(func.count()).where(columns.owner == owner, columns.name != name)
        ).scalar_one()
        if count >= MOST_VIEWS:
            raise ViewError(f"{MOST_VIEWS} views are saved; delete one first")
        upsert_rows(connection, saved_views, [(owner, name, query, now_ms)])


def delete_view(database: Database, owner: str, name: str) -> None:
    """Delete a view of this person; nothing happens without one."""
    with database.write() as connection:
        connection.execute(delete(saved_views).where(saved_views.c.owner == owner, saved_views.c.name == name))

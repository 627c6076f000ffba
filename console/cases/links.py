"""What alerts share: devices, beneficiaries, merchants, cards and IP addresses of their payments."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from console.store.engine import Database
from console.store.tables import case_links

MOST_VALUES = 40
MOST_USERS = 12
MOST_ALERTS = 50
Party = tuple[str, str]
"""Kind and id."""


class Shared(NamedTuple):
    """How many other alerts, and of how many other users, have the same value."""

    kind: str
    value: str
    alerts: int
    users: int


class Graph(NamedTuple):
    """Users and what they share. `edges`: pairs of (user, (kind, value))."""

    users: list[str]
    parties: list[Party]
    edges: list[tuple[str, Party]]


def links_of_alert(database: Database, decision_id: str, event_time_ms: int) -> list[Party]:
    """The parties of an alert's payment."""
    columns = case_links.c
    with database.read() as connection:
        rows = connection.execute(
            select(columns.kind, columns.value)
            .where(columns.decision_id == decision_id, columns.event_time_ms == event_time_ms)
            .order_by(columns.kind)
        )
        return [(row.kind, row.value) for row in rows]


def shared_by(database: Database, parties: list[Party], decision_id: str, user_id: str) -> list[Shared]:
    """For each party of an alert, the other alerts with it; those of most users first."""
    columns = case_links.c
    found: list[Shared] = []
    with database.read() as connection:
        for kind, value in parties:
            rows = connection.execute(
                select(columns.user_id, func.count())
                .where(columns.kind == kind, columns.value == value, columns.decision_id != decision_id)
                .group_by(columns.user_id)
            ).all()
            alerts = sum(row[1] for row in rows)
            if alerts:
                found.append(Shared(kind, value, alerts, sum(row[0] != user_id for row in rows)))
    return sorted(found, key=lambda one: (-one.users, -one.alerts, one.kind))


def alerts_of(database: Database, kind: str, value: str) -> list[tuple[int, str]]:
    """(time, id) of the newest alerts with a party."""
    columns = case_links.c
    with database.read() as connection:
        rows = connection.execute(
            select(columns.event_time_ms, columns.decision_id).where(columns.kind == kind, columns.value == value)
            .order_by(columns.event_time_ms.desc(), columns.decision_id.desc()).limit(MOST_ALERTS)
        )  # fmt: skip
        return [(row[0], row[1]) for row in rows]


def graph_of_user(database: Database, user_id: str) -> Graph:
    """What a user's alerts share with other users, and who these are."""
    columns = case_links.c
    with database.read() as connection:
        own = connection.execute(
            select(columns.kind, columns.value).where(columns.user_id == user_id).distinct().limit(MOST_VALUES)
        ).all()
        edges: list[tuple[str, Party]] = []
        for kind, value in own:
            edges += [(one, (kind, value)) for one in _users_with(connection, kind, value) if one != user_id]
    return _graph(edges, user_id)


def graph_of_party(database: Database, kind: str, value: str) -> Graph:
    """The users whose alerts have a party."""
    with database.read() as connection:
        edges = [(user, (kind, value)) for user in _users_with(connection, kind, value)]
    return _graph(edges, None)


def _users_with(connection: Connection, kind: str, value: str) -> list[str]:
    columns = case_links.c
    statement = (
        select(columns.user_id).where(columns.kind == kind, columns.value == value).distinct()
        .order_by(columns.user_id).limit(MOST_USERS + 1)
    )  # fmt: skip
    return list(connection.execute(statement).scalars())


def _graph(edges: list[tuple[str, Party]], user_id: str | None) -> Graph:
    by_user: dict[str, list[Party]] = defaultdict(list)
    for user, party in edges:
        by_user[user].append(party)
    users = sorted(by_user, key=lambda user: (-len(by_user[user]), user))[:MOST_USERS]
    kept = [(user, party) for user in users for party in by_user[user]]
    parties = list(dict.fromkeys(party for _, party in kept))
    if user_id is not None and kept:
        kept += [(user_id, party) for party in parties]
        users = [user_id, *users]
    return Graph(users, parties, kept)

"""Sign-ins: a random token in a cookie, of which the store has a hash; they end when idle, and after half a day."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from console.store.bulk import upsert_rows
from console.store.engine import Database
from console.store.rows import Role
from console.store.tables import console_sessions, console_users

COOKIE = "fraud_console"
IDLE_MS = 30 * 60_000
LONGEST_MS = 12 * 3_600_000
LOCAL, NEVER_MS = "local", 1 << 62
"""Of the row for pages without sign-in: no hash of a token and no person, and it never ends."""
SEEN_EVERY_MS = 60_000
"""So often the time of the last request is written."""


class Visitor(NamedTuple):
    """Who looks at pages. `csrf`: what forms and scripts of their pages send along. `session_hash`: None without sign-in."""

    name: str
    role: Role
    csrf: str
    session_hash: str | None


class Sessions:
    """Makes, finds and ends sign-ins. Thread-safe."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms

    def begin(self, name: str) -> str:
        """A new sign-in of a person; returns its token. Tokens are never taken from a request, so none can be planted."""
        token, now_ms = secrets.token_urlsafe(32), self._now_ms()
        columns = console_sessions.c
        with self._database.write() as connection:
            connection.execute(
                delete(console_sessions).where(
                    (columns.seen_ms < now_ms - IDLE_MS) | (columns.created_ms < now_ms - LONGEST_MS)
                )
            )
            connection.execute(
                insert(console_sessions).values(
                    session_hash=_hash_of(token), name=name, csrf=secrets.token_urlsafe(24), created_ms=now_ms,
                    seen_ms=now_ms,
                )
            )  # fmt: skip
        return token

    def local_csrf(self) -> str:
        """The token of forms where nobody signs in; the same for all processes of a store."""
        row = (LOCAL, "", secrets.token_urlsafe(24), NEVER_MS, NEVER_MS)
        with self._database.write() as connection:
            upsert_rows(connection, console_sessions, [row], replace=False)
            columns = console_sessions.c
            kept = connection.execute(select(columns.csrf).where(columns.session_hash == LOCAL)).scalar_one()
        return str(kept)

    def find(self, token: str, is_activity: bool = True) -> Visitor | None:
        """Who has this token; None if it is unknown or has ended. `is_activity`: whether it counts against idling."""
        now_ms, session_hash = self._now_ms(), _hash_of(token)
        sessions, people = console_sessions, console_users
        statement = select(sessions, people.c.role).where(
            sessions.c.session_hash == session_hash, people.c.name == sessions.c.name, people.c.disabled_ms.is_(None)
        )
        with self._database.read() as connection:
            row = connection.execute(statement).mappings().first()
        if row is None or now_ms - row["seen_ms"] > IDLE_MS or now_ms - row["created_ms"] > LONGEST_MS:
            return None
        if is_activity and now_ms - row["seen_ms"] > SEEN_EVERY_MS:
            with self._database.write() as connection:
                connection.execute(
                    update(sessions).where(sessions.c.session_hash == session_hash).values(seen_ms=now_ms)
                )
        return Visitor(row["name"], row["role"], row["csrf"], session_hash)

    def end(self, session_hash: str) -> None:
        """Sign out."""
        with self._database.write() as connection:
            connection.execute(delete(console_sessions).where(console_sessions.c.session_hash == session_hash))


def _hash_of(token: str) -> str:
    return sha256(token.encode(errors="replace")).hexdigest()

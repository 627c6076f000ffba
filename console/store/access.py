"""API keys, of which only hashes are kept, and the audit log.

A key has 256 random bits, so that a plain SHA-256 is as good as a slow hash: nothing can be guessed.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from console.store.cursors import cursor_of, place_of
from console.store.rows import ROLES, AuditEntry, KeyRow, Page, Role
from console.store.tables import api_keys, audit

AUDIT = "audit"
KEY_PREFIX = "fd_"


def key_hash(key: str) -> str:
    return sha256(key.encode(errors="replace")).hexdigest()


def add_key(connection: Connection, name: str, role: Role, now_ms: int) -> str:
    """Make a key; returns it, which is the only time that it is known. Raises ValueError for another role."""
    if role not in ROLES:
        raise ValueError(f"role: {role!r} is not one of {', '.join(ROLES)}")
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    row = {"key_id": secrets.token_hex(6), "key_hash": key_hash(key), "name": name, "role": role, "created_ms": now_ms}
    connection.execute(insert(api_keys).values(row))
    return key


def find_key(connection: Connection, key: str) -> KeyRow | None:
    """The row of a key that is not revoked."""
    columns = api_keys.c
    row = connection.execute(
        select(api_keys).where(columns.key_hash == key_hash(key), columns.revoked_ms.is_(None))
    ).mappings().first()  # fmt: skip
    return None if row is None else KeyRow(**row)


def list_keys(connection: Connection) -> list[KeyRow]:
    """All keys, revoked ones included, oldest first."""
    rows = connection.execute(select(api_keys).order_by(api_keys.c.created_ms, api_keys.c.key_id)).mappings()
    return [KeyRow(**row) for row in rows]


def revoke_key(connection: Connection, key_id: str, now_ms: int) -> bool:
    """Whether a key of this id was in force until now."""
    columns = api_keys.c
    done = connection.execute(
        update(api_keys).where(columns.key_id == key_id, columns.revoked_ms.is_(None)).values(revoked_ms=now_ms)
    )
    return done.rowcount == 1


def add_audit_entry(connection: Connection, entry: AuditEntry) -> None:
    connection.execute(
        insert(audit).values(
            at_ms=entry.at_ms, who=entry.who, what=entry.what, subject=entry.subject, user_id=entry.user_id,
            before=_json(entry.before), after=_json(entry.after),
        )
    )  # fmt: skip


def audit_page(connection: Connection, cursor: str | None, limit: int) -> Page[AuditEntry]:
    """Newest first. Raises CursorError."""
    place = place_of(AUDIT, cursor, (int,))
    statement = select(audit).order_by(audit.c.number.desc()).limit(limit + 1)
    if place is not None:
        statement = statement.where(audit.c.number < place[0])
    rows = connection.execute(statement).mappings().all()
    entries = [
        AuditEntry(
            at_ms=row["at_ms"], who=row["who"], what=row["what"], subject=row["subject"], user_id=row["user_id"],
            before=_parsed(row["before"]), after=_parsed(row["after"]),
        )
        for row in rows[:limit]
    ]  # fmt: skip
    return Page(entries, cursor_of(AUDIT, (rows[limit - 1]["number"],)) if len(rows) > limit else None)


def _json(values: dict[str, Any] | None) -> str | None:
    return None if values is None else msgspec.json.encode(values).decode()


def _parsed(text: str | None) -> dict[str, Any] | None:
    return None if text is None else msgspec.json.decode(text, type=dict[str, Any])

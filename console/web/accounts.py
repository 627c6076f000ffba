"""People who sign in: names, roles, and scrypt hashes of their passwords."""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import b64decode, b64encode
from functools import cache
from hashlib import scrypt

import msgspec
from sqlalchemy import delete, insert, select, update

from console.oidc.tokens import Person
from console.store.engine import Database
from console.store.rows import AuditEntry, Role
from console.store.store import DecisionStore
from console.store.tables import console_sessions, console_users

LEAST_PASSWORD, MOST_PASSWORD = 12, 256
OF_PROVIDER = "oidc$"
"""In place of a password's hash: the person signs in with a provider, under the identity behind it."""
PAGE_ROLES: tuple[Role, ...] = ("viewer", "analyst", "admin")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_COST, _BLOCK, _PARALLEL, _HASH_BYTES, _SALT_BYTES = 2**15, 8, 1, 32, 16
_MEMORY_BYTES = 2 * 128 * _COST * _BLOCK


class AccountError(ValueError):
    """The account cannot be added or changed; the message says why."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A person. `disabled_ms`: since when they may not sign in."""

    name: str
    role: Role
    created_ms: int
    disabled_ms: int | None = None


def hash_of(password: str, salt: bytes | None = None) -> str:
    """`scrypt$cost$salt$hash`; about 0.1 s and 32 MB."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    made = scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, dklen=_HASH_BYTES, maxmem=_MEMORY_BYTES)
    return f"scrypt${_COST}${b64encode(salt).decode()}${b64encode(made).decode()}"


def is_password(password: str, password_hash: str) -> bool:
    """Whether a hash is of this password; takes as long for either."""
    _, cost, salt, expected = password_hash.split("$")
    made = scrypt(
        password.encode(errors="replace"), salt=b64decode(salt), n=int(cost), r=_BLOCK, p=_PARALLEL, dklen=_HASH_BYTES,
        maxmem=_MEMORY_BYTES,
    )  # fmt: skip
    return hmac.compare_digest(made, b64decode(expected))


@cache
def _hash_of_nobody() -> str:
    """Compared with where there is no such person, so that the time does not tell."""
    return hash_of("", b"\0" * _SALT_BYTES)


def authenticated(database: Database, name: str, password: str) -> Account | None:
    """The person of this name and password; None otherwise. Raises StoreUnavailable."""
    with database.read() as connection:
        row = connection.execute(select(console_users).where(console_users.c.name == name)).mappings().first()
    is_local = row is not None and not row["password_hash"].startswith(OF_PROVIDER)
    password_hash = row["password_hash"] if row is not None and is_local else _hash_of_nobody()
    is_right = is_password(password[: MOST_PASSWORD + 1], password_hash)
    if row is None or not is_local or not is_right or row["disabled_ms"] is not None:
        return None
    return Account(name=row["name"], role=row["role"], created_ms=row["created_ms"])


def account_of_provider(store: DecisionStore, person: Person, now_ms: int) -> Account:
    """The account of a person whom a provider vouches for, made at the first sign-in, with the role of now.

    Raises AccountError for a name that another person has, and for one who may not sign in.
    """
    mark = OF_PROVIDER + person.identity
    columns = console_users.c
    with store.database.write() as connection:
        row = connection.execute(select(console_users).where(columns.name == person.name)).mappings().first()
        if row is not None and row["password_hash"] != mark:
            raise AccountError(f"{person.name}: a person of this name is there who signs in otherwise")
        if row is not None and row["disabled_ms"] is not None:
            raise AccountError(f"{person.name}: may not sign in any more")
        created_ms = now_ms if row is None else row["created_ms"]
        if row is None:
            made = {"name": person.name, "role": person.role, "password_hash": mark, "created_ms": now_ms}
            connection.execute(insert(console_users).values(made))
        elif row["role"] != person.role:
            connection.execute(update(console_users).where(columns.name == person.name).values(role=person.role))
    if row is None or row["role"] != person.role:
        what, before = ("person added", None) if row is None else ("role changed", {"role": row["role"]})
        after = {"role": person.role}
        store.audit(
            AuditEntry(at_ms=now_ms, who="provider", what=what, subject=person.name, before=before, after=after)
        )
    return Account(name=person.name, role=person.role, created_ms=created_ms)


def accounts(database: Database) -> list[Account]:
    """All people, by name."""
    columns = console_users.c
    statement = select(columns.name, columns.role, columns.created_ms, columns.disabled_ms).order_by(columns.name)
    with database.read() as connection:
        return [Account(**row) for row in connection.execute(statement).mappings()]


def add_account(store: DecisionStore, name: str, role: Role, password: str, now_ms: int, who: str) -> None:
    """Add a person. Raises AccountError."""
    if not _NAME.fullmatch(name):
        raise AccountError(f"{name!r}: give a name of 1 to 64 letters, digits and . _ @ -")
    if role not in PAGE_ROLES:
        raise AccountError(f"{role}: people are {', '.join(PAGE_ROLES)}; give what sends events an API key")
    password_hash = _checked_hash(password)
    with store.database.write() as connection:
        if connection.execute(select(console_users.c.name).where(console_users.c.name == name)).first() is not None:
            raise AccountError(f"{name!r}: there is one of this name already")
        connection.execute(
            insert(console_users).values(name=name, role=role, password_hash=password_hash, created_ms=now_ms)
        )
    store.audit(AuditEntry(at_ms=now_ms, who=who, what="person added", subject=name, after={"role": role}))


def set_password(store: DecisionStore, name: str, password: str, now_ms: int, who: str) -> None:
    """Give a person another password, and end their sign-ins. Raises AccountError."""
    _change(store, name, {"password_hash": _checked_hash(password)})
    store.audit(AuditEntry(at_ms=now_ms, who=who, what="password changed", subject=name))


def set_role(store: DecisionStore, name: str, role: Role, now_ms: int, who: str) -> None:
    """Give a person another role, and end their sign-ins. Raises AccountError."""
    if role not in PAGE_ROLES:
        raise AccountError(f"{role}: people are {', '.join(PAGE_ROLES)}")
    before = {"role": _change(store, name, {"role": role}).role}
    after = {"role": role}
    store.audit(AuditEntry(at_ms=now_ms, who=who, what="role changed", subject=name, before=before, after=after))


def disable_account(store: DecisionStore, name: str, now_ms: int, who: str) -> None:
    """Let a person sign in no more, and end their sign-ins. Raises AccountError."""
    person = _change(store, name, {"disabled_ms": now_ms})
    before = {"role": person.role, "state": "may sign in" if person.disabled_ms is None else "disabled"}
    after = {"role": person.role, "state": "disabled"}
    store.audit(AuditEntry(at_ms=now_ms, who=who, what="person disabled", subject=name, before=before, after=after))


def _change(store: DecisionStore, name: str, values: dict[str, object]) -> Account:
    """Changes a person and ends their sign-ins; returns what was before. Raises AccountError."""
    columns = console_users.c
    statement = select(columns.name, columns.role, columns.created_ms, columns.disabled_ms).where(columns.name == name)
    with store.database.write() as connection:
        row = connection.execute(statement).mappings().first()
        if row is None:
            raise AccountError(f"{name!r}: nobody of this name; see `fraud console users list`")
        connection.execute(update(console_users).where(columns.name == name).values(**values))
        connection.execute(delete(console_sessions).where(console_sessions.c.name == name))
    return Account(**row)


def _checked_hash(password: str) -> str:
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise AccountError(f"password: give {LEAST_PASSWORD} to {MOST_PASSWORD} characters")
    return hash_of(password)

"""Adds and revokes API keys; each change is audited."""

from __future__ import annotations

import re

from console.store.rows import AuditEntry, KeyRow, Role
from console.store.store import DecisionStore

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class KeyNameError(ValueError):
    """No key can be added or revoked under this name; the message says why."""


def add_key(store: DecisionStore, name: str, role: Role, now_ms: int, who: str) -> str:
    """Add a key in this name; returns the key itself, of which only a hash is kept. Raises KeyNameError."""
    if not _NAME.fullmatch(name):
        raise KeyNameError(f"{name!r}: give a name of 1 to 64 letters, digits, dots, hyphens and underscores")
    if _in_force(store, name) is not None:
        raise KeyNameError(f"{name!r}: a key of this name is in force; revoke it first, or give another name")
    secret = store.add_key(name, role, now_ms)
    store.audit(AuditEntry(at_ms=now_ms, who=who, what="key added", subject=name, after=_told(role, "in force")))
    return secret


def revoke_key(store: DecisionStore, name: str, now_ms: int, who: str) -> None:
    """Revoke the key in force under this name. Raises KeyNameError."""
    key = _in_force(store, name)
    if key is None or not store.revoke_key(key.key_id, now_ms):
        raise KeyNameError(f"{name!r}: no key of this name is in force; see `fraud console keys list`")
    before, after = _told(key.role, "in force"), _told(key.role, "revoked")
    store.audit(AuditEntry(at_ms=now_ms, who=who, what="key revoked", subject=name, before=before, after=after))


def _in_force(store: DecisionStore, name: str) -> KeyRow | None:
    return next((key for key in store.keys() if key.name == name and key.revoked_ms is None), None)  # noqa: SIM118


def _told(role: Role, state: str) -> dict[str, str]:
    return {"role": role, "state": state}

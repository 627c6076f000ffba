"""Draws ordinary account changes: lost cards, dormancy, new phone numbers."""

from __future__ import annotations

import numpy as np

from simulator.config import DAY_MS
from simulator.logins import AccountChangeDraft
from simulator.world import World

CHANGES_PER_USER_AND_DAY = 0.0015
CHANGES = (
    ("active", "active", "phone number changed", "self_service"),
    ("active", "active", "e-mail address changed", "self_service"),
    ("active", "active", "credit limit raised", "system"),
    ("active", "blocked", "card reported lost", "agent"),
    ("active", "dormant", "no activity", "system"),
    ("dormant", "active", "customer returned", "agent"),
)
CHANGE_WEIGHTS = (0.3, 0.2, 0.15, 0.2, 0.08, 0.07)
AUDIT_UNKNOWN_SHARE, AUDIT_MISSING_SHARE = 0.02, 0.03
AGENTS = 24


def draw_account_changes(world: World, rng: np.random.Generator) -> tuple[AccountChangeDraft, ...]:
    """Draws changes uniformly over the period; a blocked account is unblocked after 0.5 to 10 days."""
    config = world.config
    count = int(rng.poisson(CHANGES_PER_USER_AND_DAY * config.users * config.days))
    changes = []
    for _ in range(count):
        user = int(rng.integers(config.users))
        opened_ms = max(config.start_ms, int(world.users.opened_ms[user]))
        changed_ms = int(rng.integers(opened_ms, config.end_ms))
        old, new, reason, actor = CHANGES[int(rng.choice(len(CHANGES), p=CHANGE_WEIGHTS))]
        changes.append(AccountChangeDraft(user, changed_ms, old, new, reason, _audit_user(rng, actor)))
        unblocked_ms = changed_ms + int(rng.uniform(0.5, 10) * DAY_MS)
        if new == "blocked" and unblocked_ms < config.end_ms:
            agent = _audit_user(rng, "agent")
            changes.append(AccountChangeDraft(user, unblocked_ms, "blocked", "active", "card replaced", agent))
    return tuple(changes)


def _audit_user(rng: np.random.Generator, actor: str) -> str | None:
    draw = rng.random()
    if draw < AUDIT_MISSING_SHARE:
        return None
    if draw < AUDIT_MISSING_SHARE + AUDIT_UNKNOWN_SHARE:
        return "unknown"
    return f"agent-{int(rng.integers(AGENTS)):02d}" if actor == "agent" else actor

"""Numbers online sessions and draws their logins."""

from __future__ import annotations

import numpy as np

from simulator.logins import Logins, concatenate_logins
from simulator.transactions import NONE, Array, Transactions
from simulator.world import World

SESSION_GAP_MS = 30 * 60_000
LOGIN_BEFORE_MS = (10_000, 360_000)
FAILED_SHARE = 0.04
VISITS_PER_TRANSACTION = 0.05
VISIT_WITHIN_MS = 6 * 3_600_000


def number_sessions(transactions: Transactions) -> Array:
    """Sets the session of every row with a device, in place; returns the first row of each session, int64.

    A session ends at a change of device or after 30 minutes without a payment. The rows must be sorted by time.
    """
    online = np.flatnonzero(transactions.device != NONE)
    rows = online[np.argsort(transactions.user[online], kind="stable")]
    if not len(rows):
        return rows
    user, device, time_ms = transactions.user[rows], transactions.device[rows], transactions.timestamp_ms[rows]
    begins = np.ones(len(rows), np.bool_)
    begins[1:] = (np.diff(user) != 0) | (np.diff(device) != 0) | (np.diff(time_ms) > SESSION_GAP_MS)
    firsts = rows[begins]
    # Number sessions by the time of their first payment.
    numbers = np.empty(len(firsts), np.int64)
    numbers[np.argsort(firsts, kind="stable")] = np.arange(len(firsts))
    transactions.session[rows] = numbers[np.cumsum(begins) - 1]
    return firsts


def draw_logins(world: World, rng: np.random.Generator, transactions: Transactions, firsts: Array) -> Logins:
    """Successful logins before sessions that have one, failed attempts before some of them, and visits without payment."""
    starts = firsts[transactions.logs_in[firsts]]
    success_ms = transactions.timestamp_ms[starts] - rng.integers(*LOGIN_BEFORE_MS, len(starts))
    fails = np.where(rng.random(len(starts)) < FAILED_SHARE, rng.geometric(0.55, len(starts)), 0)
    retried = np.repeat(np.arange(len(starts)), fails)
    failed_ms = success_ms[retried] - rng.integers(3_000, 90_000, len(retried))
    members = np.flatnonzero(transactions.logs_in)  # guests and users of stolen cards never log in
    visits = members[rng.random(len(members)) < VISITS_PER_TRANSACTION]
    visit_ms = transactions.timestamp_ms[visits] + rng.integers(-VISIT_WITHIN_MS, VISIT_WITHIN_MS, len(visits))
    logins = concatenate_logins(
        [
            _logins(transactions, starts, success_ms, True),
            _logins(transactions, starts[retried], failed_ms, False),
            _logins(transactions, visits, visit_ms, True),
        ]
    )
    inside = (logins.timestamp_ms >= world.config.start_ms) & (logins.timestamp_ms < world.config.end_ms)
    inside &= logins.timestamp_ms >= world.users.opened_ms[logins.user]
    return logins.take(np.flatnonzero(inside))


def _logins(transactions: Transactions, rows: Array, timestamp_ms: Array, success: bool) -> Logins:
    return Logins(
        user=transactions.user[rows],
        timestamp_ms=timestamp_ms,
        device=transactions.device[rows],
        address=transactions.address[rows],
        city=transactions.city[rows],
        success=np.full(len(rows), success),
    )


def merge_by_time(*parts: Logins) -> Logins:
    """Concatenates logins and sorts them by time (stable)."""
    logins = concatenate_logins(parts)
    return logins.take(np.argsort(logins.timestamp_ms, kind="stable"))

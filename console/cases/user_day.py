"""The payments of the day before a payment, and what of them lies in each window."""

from __future__ import annotations

from typing import NamedTuple

from console.store.rows import DecisionFilters, DecisionRow
from console.store.store import DecisionStore

WINDOWS = (("5m", 5 * 60_000), ("1h", 3_600_000), ("1d", 86_400_000))
DAY_MS = 86_400_000
MOST_PAYMENTS = 300


class WindowSum(NamedTuple):
    """Payments of (t - width, t], t's own included; `amount` of those in t's currency, in major units."""

    name: str
    width_ms: int
    payments: int
    amount: float


def payments_of_day(store: DecisionStore, decision: DecisionRow) -> list[DecisionRow]:
    """The user's payments of the 24 hours up to this one, newest first; the newest MOST_PAYMENTS of more."""
    end_ms = decision.event_time_ms
    filters = DecisionFilters(user_id=decision.user_id, from_ms=end_ms - DAY_MS + 1, to_ms=end_ms + 1)
    found: list[DecisionRow] = []
    cursor = None
    while len(found) < MOST_PAYMENTS:
        page = store.decisions(filters, cursor, min(100, MOST_PAYMENTS - len(found)))
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def window_sums(payments: list[DecisionRow], decision: DecisionRow) -> list[WindowSum]:
    """What of the payments lies in each window."""
    sums = []
    for name, width_ms in WINDOWS:
        inside = [one for one in payments if one.event_time_ms > decision.event_time_ms - width_ms]
        amount = sum(one.amount for one in inside if one.currency == decision.currency)
        sums.append(WindowSum(name, width_ms, len(inside), amount))
    return sums

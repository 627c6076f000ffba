"""The session: the user's transactions that follow each other within 30 minutes, up to and with this one.

It is found by the gaps between transactions, so that a source needs to give no session id. A late transaction sees
none; of a longer session the newest SESSION_LIMIT transactions of a day count.
"""

from __future__ import annotations

from udfs.features.context import NAN, Context
from udfs.features.device import SESSION_GAP_MS
from udfs.features.feature import Feature
from udfs.sorted_times import first_after

SESSION_LIMIT = 64

FEATURES = (
    Feature("session_txn_count", "transactions", "transactions of the session, this one included (at most 64)"),
    Feature("session_device_count", "devices", "different known devices of the session", groups=("device",)),
    Feature("session_city_count", "cities", "different known cities of the session", groups=("city",)),
)


def compute(c: Context) -> tuple[float, ...]:
    if c.day is None:
        return (NAN, NAN, NAN)
    times = c.recent.times
    has_device, has_city = c.transaction.device_id is not None, c.transaction.city is not None
    last = first_after(times, c.time_ms)
    first = last - 1
    lowest = max(first_after(times, c.time_ms - c.windows.settings.day_ms), last - SESSION_LIMIT)
    while first > lowest and times[first] - times[first - 1] <= SESSION_GAP_MS:
        first -= 1
    if last - first == 1:
        return (1.0, 1.0 if has_device else NAN, 1.0 if has_city else NAN)
    entries = c.recent.entries[first:last]
    return (
        float(last - first),
        float(len({entry.device_id for entry in entries} - {None})) if has_device else NAN,
        float(len({entry.city for entry in entries} - {None})) if has_city else NAN,
    )

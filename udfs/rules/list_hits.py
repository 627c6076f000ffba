"""How many payments a named list would have hit: those with a value on it, at their own time, in a field of its type."""

from __future__ import annotations

from typing import NamedTuple

from udfs.records.events import Transaction
from udfs.rules.named_lists import FIELDS_OF_TYPE, ListError, NamedList
from udfs.values.time_units import DAY_MS, HOUR_MS


class ListHits(NamedTuple):
    """`hits` of `payments`."""

    hits: int
    payments: int


class ListHitCounter:
    """Counts payments, each once, by hour of their time."""

    def __init__(self, named_list: NamedList) -> None:
        """Raises ListError for a list that may be compared with any text."""
        self.fields = FIELDS_OF_TYPE[named_list.type]
        if not self.fields:
            raise ListError(f"a list of type {named_list.type} may be compared with any text: its hits cannot be told")
        self._is_on_list = named_list.compile().core.contains
        self._by_hour: dict[int, list[int]] = {}
        self._seen: set[int] = set()
        self._newest_ms = -1

    def add(self, payment: Transaction) -> None:
        """Count a payment, unless it was counted before."""
        name = hash((payment.user_id, payment.transaction_id))
        if name in self._seen:
            return
        self._seen.add(name)
        self._newest_ms = max(self._newest_ms, payment.timestamp)
        values = [getattr(payment, field) for field in self.fields]
        counts = self._by_hour.setdefault(payment.timestamp // HOUR_MS, [0, 0])
        counts[0] += 1
        counts[1] += any(value is not None and self._is_on_list(value, payment.timestamp) for value in values)

    def of_last(self, days: int) -> ListHits | None:
        """In the last days up to the newest payment, to the hour; None without any payment."""
        if self._newest_ms < 0:
            return None
        first_hour = (self._newest_ms - days * DAY_MS) // HOUR_MS + 1
        counted = [counts for hour, counts in self._by_hour.items() if hour >= first_hour]
        payments, hits = (sum(counts[place] for counts in counted) for place in (0, 1))
        return ListHits(hits, payments)

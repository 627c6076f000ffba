"""Totals per customer, from chunks of rows in which every customer is whole.

A window of a width before the moment of the profile is (moment - width, moment]. What is later than the moment is not known
then, and counts nowhere but in the checks. Rows without a readable time are in no total.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from customers.numbers import NUMBERS, UNKNOWN_AT_FIRST
from customers.quality import Quality
from customers.reading import NOBODY, Chunk
from customers.values import NO_TIME

DAY_MS = 86_400_000
AMOUNT_SCALE = 10_000  # amounts are summed in whole ten-thousandths: exact in any order up to 9e11

Rows = npt.NDArray[np.int64]


class Totals:
    """`numbers`: by name, float64 [customers], NaN where not known. `signed_up_ms`: int64, NO_TIME where not known."""

    def __init__(
        self,
        ids: list[str],
        signed_up_ms: npt.NDArray[np.int64],
        as_of_ms: int,
        inactive_after_days: float,
        quality: Quality,
    ) -> None:
        count = len(ids)
        self.ids = ids
        self.signed_up_ms = signed_up_ms
        self.numbers = {
            name: np.full(count, np.nan) if name in UNKNOWN_AT_FIRST else np.zeros(count) for name in NUMBERS
        }
        self._as_of_ms = as_of_ms
        self._inactive_since_ms = as_of_ms - round(inactive_after_days * DAY_MS)
        self._quality = quality
        self._add_signups()

    def _add_signups(self) -> None:
        known = self.signed_up_ms != NO_TIME
        future = known & (self.signed_up_ms > self._as_of_ms)
        self.numbers["signup_missing"] += ~known
        self.numbers["signup_in_future"] += future
        self.numbers["days_since_signup"][known] = (self._as_of_ms - self.signed_up_ms[known]) / DAY_MS
        for name, found in (("signup_missing", ~known), ("signup_in_future", future)):
            self._quality.checks[name].add(self.ids[row] for row in np.flatnonzero(found))

    def add_accounts(self, chunk: Chunk) -> None:
        """Count accounts. One whose customer has no sign-up is not before it."""
        chunk = self._owned(chunk, "account_id")
        opened = chunk.times("opened_at")
        signed_up = self.signed_up_ms[chunk.owner]
        before = (opened != NO_TIME) & (signed_up != NO_TIME) & (opened < signed_up)
        future = (opened != NO_TIME) & (opened > self._as_of_ms)
        self._count("accounts", chunk.owner)
        self._check(chunk, before, "account_id", "account_before_signup", "accounts_before_signup")
        self._check(chunk, future, "account_id", "account_in_future", "accounts_in_future")

    def add_devices(self, chunk: Chunk) -> None:
        """Count devices. One without a readable last use is inactive only if it says so."""
        chunk = self._owned(chunk, "device_id")
        registered, used = chunk.times("registered_at"), chunk.times("last_used_at")
        before = (registered != NO_TIME) & (used != NO_TIME) & (used < registered)
        future = (registered != NO_TIME) & (registered > self._as_of_ms)
        inactive = (chunk.numbers("is_active") == 0) | ((used != NO_TIME) & (used <= self._inactive_since_ms))
        self._count("devices", chunk.owner)
        self._check(chunk, before, "device_id", "device_used_before_registered", "devices_used_before_registered")
        self._check(chunk, future, "device_id", "device_registered_in_future", "devices_registered_in_future")
        self._check(chunk, inactive, "device_id", "device_inactive", "inactive_devices")

    def add_logins(self, chunk: Chunk) -> None:
        """Count logins, failed ones, and their cities and devices."""
        chunk = self._known_by_then(self._owned(chunk, "login_id"), "logged_in_at", "login_id", "login_in_future")
        owner, times = chunk.owner, chunk.times("logged_in_at")
        failed = chunk.numbers("success") == 0
        self._count("logins", owner)
        self._count("logins_30d", owner[self._within(times, 30)])
        self._count("failed_logins", owner[failed])
        self._count("failed_logins_1d", owner[failed & self._within(times, 1)])
        self._newest("days_since_login", owner, times)
        self._most_within_a_day("most_failed_logins_1d", owner[failed], times[failed])
        self._distinct("login_devices", owner, chunk.texts("device_id"))
        self._distinct("login_cities", owner, chunk.texts("city"))
        self._changes("login_city_changes", owner, times, chunk.texts("city"))

    def add_transactions(self, chunk: Chunk) -> None:
        """Count transactions and sum their amounts; an unreadable amount counts as a transaction without one."""
        chunk = self._owned(chunk, "transaction_id")
        chunk = self._known_by_then(chunk, "transacted_at", "transaction_id", "transaction_in_future")
        owner, times, amounts = chunk.owner, chunk.times("transacted_at"), chunk.numbers("amount")
        self._count("transactions", owner)
        for days in (30, 365):
            recent = self._within(times, days)
            self._count(f"transactions_{days}d", owner[recent])
            if f"amount_{days}d" in self.numbers:
                self._sum(f"amount_{days}d", owner[recent], amounts[recent])
        known = ~np.isnan(amounts)
        np.fmax.at(self.numbers["largest_amount"], owner[known], amounts[known])
        self._newest("days_since_transaction", owner, times)
        self._distinct("transaction_devices", owner, chunk.texts("device_id"))
        self._distinct("transaction_cities", owner, chunk.texts("city"))

    def _owned(self, chunk: Chunk, row_id: str) -> Chunk:
        owned = chunk.owner != NOBODY
        self._quality.checks["without_customer"].add(chunk.texts(row_id)[~owned])
        return chunk.where(owned)

    def _known_by_then(self, chunk: Chunk, column: str, row_id: str, check: str) -> Chunk:
        times = chunk.times(column)
        self._quality.checks[check].add(chunk.texts(row_id)[times > self._as_of_ms])
        return chunk.where((times != NO_TIME) & (times <= self._as_of_ms))

    def _within(self, times: npt.NDArray[np.int64], days: int) -> npt.NDArray[np.bool_]:
        return times > self._as_of_ms - days * DAY_MS

    def _check(self, chunk: Chunk, found: npt.NDArray[np.bool_], row_id: str, check: str, number: str) -> None:
        self._quality.checks[check].add(chunk.texts(row_id)[found])
        self._count(number, chunk.owner[found])

    def _count(self, number: str, owner: Rows) -> None:
        np.add.at(self.numbers[number], owner, 1.0)

    def _sum(self, number: str, owner: Rows, amounts: npt.NDArray[np.float64]) -> None:
        known = ~np.isnan(amounts)
        rows, inverse = np.unique(owner[known], return_inverse=True)
        whole = np.bincount(inverse, weights=np.rint(amounts[known] * AMOUNT_SCALE), minlength=len(rows))
        self.numbers[number][rows] += whole / AMOUNT_SCALE

    def _newest(self, number: str, owner: Rows, times: npt.NDArray[np.int64]) -> None:
        days = (self._as_of_ms - times) / DAY_MS
        np.fmin.at(self.numbers[number], owner, days)

    def _most_within_a_day(self, number: str, owner: Rows, times: npt.NDArray[np.int64]) -> None:
        if not len(owner):
            return
        order = np.lexsort((times, owner))
        owner, times = owner[order], times[order]
        # One rising sequence: a pause longer than two days, and the step to the next customer, are two days.
        steps = np.where(owner[1:] == owner[:-1], np.minimum(np.diff(times), 2 * DAY_MS), 2 * DAY_MS)
        rising = np.concatenate(([0], np.cumsum(steps)))
        begins = np.searchsorted(rising, rising - DAY_MS, side="right")
        np.maximum.at(self.numbers[number], owner, (np.arange(len(owner)) - begins + 1).astype(np.float64))

    def _distinct(self, number: str, owner: Rows, texts: npt.NDArray[np.object_]) -> None:
        known = {(row, text) for row, text in zip(owner.tolist(), texts, strict=True) if text is not None}
        self._count(number, np.array([row for row, _ in known], np.int64))

    def _changes(self, number: str, owner: Rows, times: npt.NDArray[np.int64], texts: npt.NDArray[np.object_]) -> None:
        """How often a known text is another than the known one before it; at one moment, in the order of the texts."""
        known = np.array([text is not None for text in texts], np.bool_)
        if not known.any():
            return
        owner, times = owner[known], times[known]
        places = {text: place for place, text in enumerate(sorted(set(texts[known].tolist())))}
        codes = np.array([places[text] for text in texts[known]], np.int64)
        order = np.lexsort((codes, times, owner))
        owner, codes = owner[order], codes[order]
        changed = (owner[1:] == owner[:-1]) & (codes[1:] != codes[:-1])
        self._count(number, owner[1:][changed])

"""What converted transactions look like, so that a wrong mapping shows: period, amounts, known fields, users, frauds."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ingest.odd_values import OddValues
from udfs.records.events import Transaction

if TYPE_CHECKING:
    from ingest.rows import Truth

QUANTILES: Final = (0.05, 0.5, 0.95, 0.99)
_FIELDS: Final = Transaction.__struct_fields__
_ALWAYS: Final = frozenset({"transaction_id", "user_id", "timestamp", "amount", "kind"})


class ConversionProfile(msgspec.Struct, frozen=True):
    """`known`: share of the transactions with each optional field that any has. `amounts`: the QUANTILES, then the largest.

    `odd`: sentences on what looks wrong. Times are epoch milliseconds; without transactions there are no figures.
    """

    transactions: int = 0
    first_ms: int = 0
    last_ms: int = 0
    users: int = 0
    amounts: tuple[float, ...] = ()
    known: dict[str, float] = {}
    kinds: dict[str, int] = {}
    labelled: int = 0
    frauds: int = 0
    odd: tuple[str, ...] = ()


class ProfileCollector:
    """Counts over all transactions of a run; holds 24 bytes of each."""

    def __init__(self, has_assumed_year: bool = False) -> None:
        """`has_assumed_year`: the times have no year of their own but the mapping's."""
        self._amounts = array("d")
        self._times = array("q")
        self._ids = array("q")
        self._users: Counter[int] = Counter()
        self._known = [0] * len(_FIELDS)
        self._kinds: Counter[str] = Counter()
        self._labelled = self._frauds = 0
        self._odd = OddValues(has_assumed_year)

    def add(self, transaction: Transaction, truth: Truth | None) -> None:
        """Counts one transaction, with its outcome where that is known."""
        user = hash(transaction.user_id)
        self._amounts.append(transaction.amount)
        self._times.append(transaction.timestamp)
        self._ids.append(hash((user, transaction.transaction_id)))
        self._users[user] += 1
        self._kinds[transaction.kind] += 1
        known = self._known
        for index, value in enumerate(msgspec.structs.astuple(transaction)):
            if value is not None:
                known[index] += 1
        if truth is not None:
            self._labelled += 1
            self._frauds += truth.is_fraud
        self._odd.add(transaction)

    def result(self) -> ConversionProfile:
        """The profile of all transactions added so far."""
        count = len(self._amounts)
        if not count:
            return ConversionProfile()
        amounts = np.frombuffer(self._amounts, np.float64)
        times = np.frombuffer(self._times, np.int64)
        quantiles = np.quantile(amounts, QUANTILES, method="inverted_cdf").tolist()
        known = {
            name: found / count
            for name, found in zip(_FIELDS, self._known, strict=True)
            if found and name not in _ALWAYS
        }
        repeated = count - len(np.unique(np.frombuffer(self._ids, np.int64)))
        return ConversionProfile(
            transactions=count,
            first_ms=int(times.min()),
            last_ms=int(times.max()),
            users=len(self._users),
            amounts=(*quantiles, float(amounts.max())),
            known=known,
            kinds=dict(self._kinds),
            labelled=self._labelled,
            frauds=self._frauds,
            odd=tuple(self._odd.sentences(amounts, times, self._users, repeated, self._labelled, self._frauds)),
        )

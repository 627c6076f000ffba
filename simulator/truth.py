"""What each transaction really was: for those who judge the scorer, never for the scorer."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from simulator.currencies import MINOR_PER_MAJOR
from simulator.names import Names, transaction_id
from simulator.transactions import NOT_FRAUD, Transactions

ROWS_AT_ONCE = 65_536


class TruthRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`timestamp` and `amount` as in the event; `pattern` is None where the transaction is no fraud."""

    transaction_id: str
    user_id: str
    timestamp: int
    amount: float
    is_fraud: bool
    pattern: str | None


class Truth:
    """One record for each transaction, sorted by event time; made anew whenever iterated."""

    def __init__(self, transactions: Transactions, names: Names, patterns: tuple[str, ...]) -> None:
        self._transactions = transactions
        self._names = names
        self._patterns: tuple[str | None, ...] = (*patterns, None)

    def __len__(self) -> int:
        return len(self._transactions)

    def __iter__(self) -> Iterator[TruthRecord]:
        for first in range(0, len(self), ROWS_AT_ONCE):
            table = self._transactions.take(slice(first, first + ROWS_AT_ONCE))
            major = table.amount_minor / MINOR_PER_MAJOR[table.currency]
            columns = (table.user, table.timestamp_ms, major, table.pattern)
            rows = zip(*(column.tolist() for column in columns), strict=True)
            for number, (user, time_ms, amount, pattern) in enumerate(rows, start=first):
                yield TruthRecord(
                    transaction_id=transaction_id(number),
                    user_id=self._names.users[user],
                    timestamp=time_ms,
                    amount=amount,
                    is_fraud=pattern != NOT_FRAUD,
                    pattern=self._patterns[pattern],
                )

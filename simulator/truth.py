"""Ground truth of each transaction, for evaluation only; never an input of the scorer."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from simulator.currencies import MINOR_PER_MAJOR
from simulator.names import Names, transaction_id
from simulator.transactions import NOT_FRAUD, Transactions

ROWS_PER_CHUNK = 65_536


class TruthRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Ground truth of one transaction; `timestamp` and `amount` as in the event, `pattern` None unless it is fraud."""

    transaction_id: str
    user_id: str
    timestamp: int
    amount: float
    is_fraud: bool
    pattern: str | None


class Truth:
    """One record per transaction, sorted by event time; each iteration creates them again."""

    def __init__(self, transactions: Transactions, names: Names, patterns: tuple[str, ...]) -> None:
        self._transactions = transactions
        self._names = names
        self._patterns: tuple[str | None, ...] = (*patterns, None)

    def __len__(self) -> int:
        return len(self._transactions)

    def __iter__(self) -> Iterator[TruthRecord]:
        for first in range(0, len(self), ROWS_PER_CHUNK):
            table = self._transactions.take(slice(first, first + ROWS_PER_CHUNK))
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

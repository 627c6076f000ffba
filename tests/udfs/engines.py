"""The core over users in memory, an event at a time: what tests of features and of users' state drive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from udfs.core.learner import Learner, LearnerSettings
from udfs.entities.buckets import BucketSettings
from udfs.features.feature_set import feature_set_of
from udfs.records.attributes import Attribute
from udfs.records.events import AccountChange, Label, Login, Transaction
from udfs.records.profiles import BlockEntry
from udfs.scoring.decision_settings import DecisionSettings
from udfs.state.settings import CACHE_BYTES, UserStateSettings
from udfs.state.user_log import MemoryUserLogs, UserLog
from udfs.stores.memory import MemoryStore
from udfs.stores.port import Record
from udfs.stores.record_source import MemorySource, RecordSource
from udfs.stores.settings import CacheSettings
from udfs.values.fx_rates import FxRate

NO_RECORDS: dict[str, Record] = {}
Event = Transaction | Login | AccountChange | Label
encode = msgspec.json.Encoder().encode


class Refused(Exception):
    """The core made a dead letter of an event: its kind and reason."""


class Observed(NamedTuple):
    """What came of a transaction that is no duplicate.

    `flags`: those that the user has not had on that day. `blocked`: type and value of the block list's entries.
    """

    features: dict[str, float]
    late: bool
    stale_history: bool
    status: str
    flags: list[str]
    blocked: list[tuple[str, str]]


class Engine:
    """A core, and the users' states that it writes. `log` keeps one user; without it there are many, in memory."""

    def __init__(
        self,
        records: dict[str, Record] = NO_RECORDS,
        *,
        log: UserLog | None = None,
        state: UserStateSettings | None = None,
        blocked: Iterable[BlockEntry] = (),
        base_currency: str = "USD",
        rates: tuple[FxRate, ...] = (),
        holds_histories: bool = False,
        buckets: BucketSettings | None = None,
        attributes: tuple[Attribute, ...] = (),
        decision: DecisionSettings | None = None,
        source: RecordSource | None = None,
        cache: CacheSettings | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.logs = MemoryUserLogs()
        self.log = self.logs if log is None else log
        self.names = feature_set_of(attributes).names
        self.writes = 0
        self._source = source or MemorySource(MemoryStore(records, holds_histories))
        self._blocked = list(blocked)
        self._settings = LearnerSettings(
            state=state or UserStateSettings(), buckets=buckets or BucketSettings(), base_currency=base_currency,
            rates=rates, attributes=attributes, decision=decision or DecisionSettings(), cache=cache,
            cache_bytes=cache_bytes,
        )  # fmt: skip
        self.restart()

    def restart(self) -> None:
        """A new core over the states as they are written."""
        self._learner = Learner(self._settings, self._source, _CountedLog(self), self._select, self._blocked)
        self.core = self._learner.core

    def pay(self, transaction: Transaction) -> Observed | None:
        """What came of a transaction; None for a duplicate. Raises Refused."""
        return self.pay_all([transaction])[0]

    def pay_all(self, transactions: Sequence[Transaction]) -> list[Observed | None]:
        """The same of many, in one batch."""
        found: list[Observed | None] = []
        outcomes = self._learn(transactions)
        rows = iter(self._learner.features().tolist())
        for outcome in outcomes:
            if outcome[0] == "refused":
                raise Refused(*outcome[1:])
            if outcome[0] == "duplicate":
                found.append(None)
                continue
            assert outcome[0] == "transaction", outcome
            found.append(Observed(dict(zip(self.names, next(rows), strict=True)), *outcome[1:]))
        return found

    def tell(self, *events: Login | AccountChange | Label) -> bool:
        """Whether anything of other events was written. Raises Refused."""
        before = self.writes
        for outcome in self._learn(events):
            if outcome[0] == "refused":
                raise Refused(*outcome[1:])
        return self.writes > before

    def evict(self, user_id: str | None = None) -> None:
        """Forget the decoded form of a user, or of all."""
        if user_id is None:
            self.core.evict_all()
        else:
            self.core.evict(user_id)

    def stored(self, user_id: str = "U1") -> tuple[bytes | None, tuple[bytes, ...]]:
        """Snapshot and log of a user."""
        self._select(0, user_id)
        return self.log.snapshot(), tuple(self.log.entries())

    def _learn(self, events: Sequence[Event]) -> list[tuple[Any, ...]]:
        keys = [event.user_id for event in events]
        return self._learner.learn(keys, [encode(event) for event in events], [None] * len(events))

    def _select(self, _: int, key: str) -> None:
        self.logs.set_current_key(key)


class _CountedLog:
    """An engine's log that counts what is written to it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def snapshot(self) -> bytes | None:
        return self._engine.log.snapshot()

    def entries(self) -> Iterable[bytes]:
        return self._engine.log.entries()

    def append(self, entry: bytes) -> None:
        self._engine.writes += 1
        self._engine.log.append(entry)

    def save_snapshot(self, data: bytes) -> None:
        self._engine.writes += 1
        self._engine.log.save_snapshot(data)

    def replace(self, entries: list[bytes]) -> None:
        self._engine.writes += 1
        self._engine.log.replace(entries)

    def clear(self) -> None:
        self._engine.writes += 1
        self._engine.log.clear()

"""Learners over records in memory, and the states that they write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from udfs.core.learner import Learner, LearnerSettings
from udfs.entities.buckets import BucketSettings
from udfs.records.attributes import Attribute
from udfs.records.profiles import BlockEntry
from udfs.state.settings import CACHE_BYTES, HabitSettings, UserStateSettings, WindowSettings
from udfs.state.user_log import MemoryUserLogs
from udfs.stores.memory import MemoryStore
from udfs.stores.port import Record
from udfs.stores.record_source import MemorySource, RecordSource
from udfs.stores.settings import CacheSettings
from udfs.values.fx_rates import FxRate

DAY = 86_400_000
Arrived = tuple[str, bytes | None, int | None]
"""Key, payload and arrival of a record."""

SMALL = UserStateSettings(
    snapshot_every=5,
    snapshot_after_ms=DAY,
    compact_slack=4,
    windows=WindowSettings(forget_batch=2),
    habits=HabitSettings(devices=3, countries=2, cities=2, merchants=5, categories=2, ip_addresses=3, beneficiaries=4),
)


class Learning:
    """A learner and its logs. `restore` starts a new learner over the states as they are written."""

    def __init__(
        self,
        records: dict[str, Record] | None = None,
        *,
        source: RecordSource | None = None,
        cache: CacheSettings | None = None,
        state: UserStateSettings | None = None,
        blocked: Iterable[BlockEntry] = (),
        rates: tuple[FxRate, ...] = (),
        base_currency: str = "USD",
        holds_histories: bool = False,
        buckets: BucketSettings | None = None,
        attributes: tuple[Attribute, ...] = (),
        default_timezone: str = "UTC",
        latest_timestamp_ms: int | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.settings = LearnerSettings(
            state=state or UserStateSettings(), buckets=buckets or BucketSettings(), base_currency=base_currency,
            rates=rates, attributes=attributes, default_timezone=default_timezone,
            latest_timestamp_ms=latest_timestamp_ms, cache_bytes=cache_bytes, cache=cache,
        )  # fmt: skip
        self.logs = MemoryUserLogs()
        self._source = source or MemorySource(MemoryStore(records or {}, holds_histories))
        self._blocked = list(blocked)
        self.restore()

    def restore(self) -> None:
        self.learner = Learner(self.settings, self._source, self.logs, self._select, self._blocked)

    def learn(self, arrived: Sequence[Arrived]) -> list[tuple[Any, ...]]:
        keys, payloads, times = map(list, zip(*arrived, strict=True))
        return self.learner.learn(keys, payloads, times)

    def features(self) -> list[bytes]:
        """The bytes of each row of the last batch, NaN as the same for all."""
        return [(row + 0.0).tobytes() for row in self.learner.features()]

    def state_of(self, key: str) -> tuple[bytes | None, list[bytes]]:
        self.logs.set_current_key(key)
        return self.logs.snapshot(), list(self.logs.entries())

    def _select(self, _: int, key: str) -> None:
        self.logs.set_current_key(key)

"""Batches of records in; features, what came of each record, and the users' states written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from udfs.core._native import Core
from udfs.core.port import Port, write_all
from udfs.entities.buckets import BucketSettings
from udfs.records.attributes import Attribute
from udfs.records.codes import count_unknown
from udfs.records.profiles import BlockEntry
from udfs.scoring.decision_settings import DecisionSettings
from udfs.state.settings import CACHE_BYTES, UserStateSettings
from udfs.state.user_log import UserLog
from udfs.stores.record_source import MemorySource, RecordSource
from udfs.stores.settings import CacheSettings
from udfs.values.fx_rates import FxRate
from udfs.values.local_time import LocalTime


class LearnerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one learner. Times in milliseconds. `cache` is None over a store in memory."""

    state: UserStateSettings = UserStateSettings()
    cache_bytes: int = CACHE_BYTES
    buckets: BucketSettings = BucketSettings()
    cache: CacheSettings | None = None
    base_currency: str = "USD"
    rates: tuple[FxRate, ...] = ()
    default_timezone: str = "UTC"
    attributes: tuple[Attribute, ...] = ()
    decision: DecisionSettings = DecisionSettings()
    latest_timestamp_ms: int | None = None
    future_tolerance_ms: int = 600_000


class Learner:
    """One operator instance's. `log` is put at a record's user by `select`, given the record's place and key."""

    def __init__(
        self,
        settings: LearnerSettings,
        source: RecordSource,
        log: UserLog,
        select: Callable[[int, str], None],
        block_list: Sequence[BlockEntry] = (),
    ) -> None:
        self.core = open_core(settings, source)
        for entry in block_list:
            self.core.add_block(entry)
        self.unknown_codes: dict[str, int] = {}
        self.misses = 0
        self._source = source
        self._log = log
        self._select = select
        self._local_time = LocalTime(settings.default_timezone)

    def learn(
        self, keys: list[str], payloads: list[bytes | None], arrived_at_ms: Sequence[int | None]
    ) -> list[tuple[Any, ...]]:
        """Learn records and write their users' states: what came of each (udfs/core/_native.pyi).

        What is raised is a failure of the state, and so of the job.
        """

        def select(place: int) -> None:
            self._select(place, keys[place])

        port = Port(self._log, select, self._source, self._local_time, self.unknown_codes)
        try:
            outcomes, writes, unknown, misses = self.core.learn_batch(keys, payloads, list(arrived_at_ms), port)
            write_all(writes, self._log, select)
        except BaseException:
            self.core.evict_all()  # what is in memory may be ahead of what is written
            raise
        for field, text in unknown:
            count_unknown(self.unknown_codes, field, text)
        self.misses += misses
        return outcomes

    def features(self) -> npt.NDArray[np.float64]:
        """The features of the transactions that the last batch learned, a row each."""
        return np.frombuffer(self.core.features(), np.float64).reshape(-1, self.core.width)

    def model_input(self) -> npt.NDArray[np.float32]:
        """The same as the model reads them."""
        return np.frombuffer(self.core.model_input(), np.float32).reshape(-1, self.core.width)


def open_core(settings: LearnerSettings, source: RecordSource) -> Core:
    """A core without users and block list. It takes over all records of a store in memory. Raises ValueError."""
    core = Core(
        state=settings.state,
        cache_bytes=settings.cache_bytes,
        buckets=settings.buckets,
        cache=settings.cache,
        base_currency=settings.base_currency,
        rates=[_rate(rate) for rate in settings.rates],
        timezone=settings.default_timezone,
        attributes=list(settings.attributes),
        latest_timestamp_ms=settings.latest_timestamp_ms,
        future_tolerance_ms=settings.future_tolerance_ms,
    )
    core.use_decision(settings.decision)
    if isinstance(source, MemorySource):
        core.hold_records(source.records())
    return core


def _rate(rate: FxRate) -> tuple[str, int, int, int]:
    """Currency, start, digits and exponent: digits x 10^exponent."""
    _, digits, exponent = Decimal(rate.rate).normalize().as_tuple()
    assert isinstance(exponent, int), "loaders refuse rates that are no finite numbers"
    return rate.currency, rate.valid_from_ms, int("".join(map(str, digits))), exponent

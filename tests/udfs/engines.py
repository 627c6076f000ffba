"""Engines for tests: real parts, wired by hand."""

from __future__ import annotations

from collections.abc import Iterable

from udfs.attributes import Attribute
from udfs.block_list import BlockList
from udfs.entity_buckets import BucketSettings
from udfs.feature_engine import FeatureEngine
from udfs.local_time import LocalTime
from udfs.money import Money
from udfs.profiles import BlockEntry
from udfs.stores.memory import MemoryStore
from udfs.stores.port import Record
from udfs.user_log import MemoryUserLogs, UserLog
from udfs.user_state import UserStates
from udfs.user_state_settings import UserStateSettings

NO_RECORDS: dict[str, Record] = {}


def engine_over(
    log: UserLog,
    *,
    state: UserStateSettings | None = None,
    records: dict[str, Record] = NO_RECORDS,
    blocked: Iterable[BlockEntry] = (),
    money: Money | None = None,
    holds_histories: bool = False,
    buckets: BucketSettings | None = None,
    attributes: tuple[Attribute, ...] = (),
) -> FeatureEngine:
    """An engine whose users are kept in `log`."""
    return FeatureEngine(
        UserStates(log, state or UserStateSettings()),
        MemoryStore(records, holds_histories),
        BlockList(blocked),
        money or Money("USD"),
        LocalTime(),
        buckets or BucketSettings(),
        attributes,
    )


def logs_of(user_id: str) -> MemoryUserLogs:
    """Empty state, at one user's key."""
    logs = MemoryUserLogs()
    logs.key = user_id
    return logs

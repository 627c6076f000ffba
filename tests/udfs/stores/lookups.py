"""What a transaction's features and status show of a store's records, with the age of each in the core's cache."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from tests.core.learners import Learning
from udfs.features.catalogue import NAMES
from udfs.records.profiles import DeviceProfile, DomainFeed, IpFeed
from udfs.stores.port import Record, Store, StoreUnavailable
from udfs.stores.record_source import RemoteSource
from udfs.stores.settings import CacheSettings

DAY = 86_400_000
NOW = 1_767_225_600_000
MOST_LEVEL = 100


class SwitchedStore:
    """A store that can be switched off and records its calls."""

    holds_histories = False
    complete_through_ms = 0

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.is_down = False
        self.calls: list[list[str]] = []

    def put(self, key: str, level: int) -> None:
        """A record of `level`, 0 to 100, for a key of an IP address, device or domain."""
        kind, _, id = key.partition(":")
        if kind == "ip":
            self.records[key] = IpFeed(ip_address=id, ip_risk_score=float(level))
        elif kind == "device":
            self.records[key] = DeviceProfile(device_id=id, registered_at=NOW - level * DAY)
        else:
            self.records[key] = DomainFeed(email_domain=id, registered_at=NOW - level * DAY)

    def get_many(self, keys: Sequence[str]) -> list[Record | None]:
        self.calls.append(list(keys))
        if self.is_down:
            raise StoreUnavailable("the test's store is switched off")
        return [self.records.get(key) for key in keys]


PARTIES = {"ip": "ip_address", "device": "device_id", "domain": "email_domain"}
LEVELS = {"ip": "ip_risk_score", "device": "device_registered_days", "domain": "email_domain_age_days"}


def keys_of(user_id: str, named: Sequence[str]) -> list[str]:
    """All keys that a transaction looks up which names the parties of these keys, at most one of a kind."""
    keys = [f"user:{user_id}", f"history:beneficiary:{user_id}"]
    for kind in ("device", "ip", "domain"):
        for key in named:
            if key.startswith(kind + ":"):
                keys += [key] if kind == "domain" else [key, f"history:{key}"]
    return keys


class LookUps:
    """Transactions over a remote store. `levels` are those of the named keys' records; None: no record is used."""

    def __init__(self, store: Store, settings: CacheSettings, clock_ms: Callable[[], int]) -> None:
        self.source = RemoteSource(store, settings, clock_ms)
        self._learning = Learning(source=self.source, cache=settings)
        self._number = 0

    def batch(self, *named: Sequence[str], user_id: str = "U") -> list[tuple[list[int | None], str]]:
        """(levels, status) of a transaction for each group of keys, looked up together."""
        arrived = []
        for keys in named:
            self._number += 1
            parties = {PARTIES[kind]: id for kind, _, id in (key.partition(":") for key in keys)}
            payment = {
                "transaction_id": f"T{self._number}",
                "user_id": user_id,
                "timestamp": NOW,
                "amount": 1,
                **parties,
            }
            arrived.append((user_id, json.dumps(payment).encode(), None))
        outcomes = self._learning.learn(arrived)
        rows = self._learning.learner.features()
        return [
            ([_level(row, key) for key in keys], outcome[3])
            for keys, outcome, row in zip(named, outcomes, rows, strict=True)
        ]

    def levels(self, *keys: str, user_id: str = "U") -> tuple[list[int | None], str]:
        return self.batch(keys, user_id=user_id)[0]

    @property
    def hits(self) -> int:
        return self._learning.learner.core.hits


def _level(row: Any, key: str) -> int | None:
    value = float(row[NAMES.index(LEVELS[key.partition(":")[0]])])
    return None if math.isnan(value) else round(value)

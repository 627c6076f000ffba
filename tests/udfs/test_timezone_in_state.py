"""A store that does not answer for a while leaves no trace in what is learned: the local hour of what it missed is right."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from udfs.block_list import BlockList
from udfs.entity_buckets import BucketSettings
from udfs.events import Transaction
from udfs.feature_engine import FeatureEngine
from udfs.local_time import LocalTime
from udfs.money import Money
from udfs.profiles import UserProfile
from udfs.stores.cache import CachedEnrichment
from udfs.stores.memory import MemoryStore
from udfs.stores.port import Record, StoreUnavailable, Unreadable
from udfs.stores.settings import CacheSettings
from udfs.user_log import MemoryUserLogs
from udfs.user_state import UserStates
from udfs.user_state_settings import UserStateSettings

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NIGHT_IN_TOKYO = 15 * HOUR  # UTC: it is midnight there


class Store(MemoryStore):
    """One user's profile, which can change; or no answer."""

    def __init__(self, timezone: str | None) -> None:
        super().__init__({})
        self.timezone = timezone
        self.answers = True

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        if not self.answers:
            raise StoreUnavailable("gone")
        return [UserProfile(user_id="U1", timezone=self.timezone) if key == "user:U1" else None for key in keys]


class Bank:
    """An engine over a store, whose decoded users and cache can be lost."""

    def __init__(self, timezone: str | None = "Asia/Tokyo", settings: UserStateSettings | None = None) -> None:
        self.logs = MemoryUserLogs()
        self.logs.key = "U1"
        self.store = Store(timezone)
        self._settings = settings or UserStateSettings()
        self._now_ms = 0
        self.restart()

    def restart(self) -> None:
        self._engine = FeatureEngine(
            UserStates(self.logs, self._settings),
            CachedEnrichment(self.store, CacheSettings(open_ms=1), lambda: self._now_ms),
            BlockList([]),
            Money("USD"),
            LocalTime(),
            BucketSettings(),
        )

    def pay(self, time_ms: int) -> tuple[str, float, float]:
        """How the look-up went, was it night, and the share of nights before."""
        self._now_ms += 10 * MINUTE  # what the cache has read is too old to be used
        payment = Transaction(transaction_id=f"T{self._now_ms}", user_id="U1", timestamp=time_ms, amount=10.0)
        observation = self._engine.observe(payment)
        assert observation is not None
        self._engine.commit(observation)
        features = observation.features
        return observation.context.status, features["is_night"], features["user_night_share"]


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("settings", [UserStateSettings(), UserStateSettings(snapshot_every=2, compact_slack=1)])
def test_a_night_is_one_while_the_store_is_away(settings: UserStateSettings, restarted: bool) -> None:
    bank = Bank(settings=settings)
    for day in range(3):
        assert bank.pay(START + day * DAY)[0] == "ok"  # 09:00 in Tokyo
    bank.store.answers = False
    if restarted:
        bank.restart()
    assert bank.pay(START + 3 * DAY + NIGHT_IN_TOKYO) == ("degraded", 1.0, 0.0)
    bank.store.answers = True
    if restarted:
        bank.restart()
    assert bank.pay(START + 4 * DAY) == ("ok", 0.0, 0.25)


def test_the_zone_is_the_one_that_the_profile_named_last() -> None:
    bank = Bank("America/New_York")
    assert bank.pay(START + NIGHT_IN_TOKYO)[1] == 0.0
    bank.store.timezone = "Asia/Tokyo"
    assert bank.pay(START + DAY + NIGHT_IN_TOKYO)[1] == 1.0
    bank.store.answers = False
    assert bank.pay(START + 2 * DAY + NIGHT_IN_TOKYO)[1] == 1.0
    bank.store.answers, bank.store.timezone = True, None
    assert bank.pay(START + 3 * DAY + NIGHT_IN_TOKYO)[1] == 0.0
    bank.store.answers = False
    assert bank.pay(START + 4 * DAY + NIGHT_IN_TOKYO)[1] == 0.0


def test_a_user_without_a_timezone_costs_the_state_nothing() -> None:
    bank = Bank(None)
    for day in range(3):
        bank.pay(START + day * DAY)
    assert len(list(bank.logs.entries())) == 3


def test_a_timezone_is_written_once() -> None:
    bank = Bank()
    for day in range(5):
        bank.pay(START + day * DAY)
        bank.restart()
    assert len(list(bank.logs.entries())) == 6

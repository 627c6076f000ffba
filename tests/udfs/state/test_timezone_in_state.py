"""The timezone in the state: local hours and habits are right while the store is unavailable."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.udfs.engines import Engine
from udfs.records.events import Transaction
from udfs.records.profiles import UserProfile
from udfs.state.settings import UserStateSettings
from udfs.stores.memory import MemoryStore
from udfs.stores.port import Record, StoreUnavailable, Unreadable
from udfs.stores.record_source import RemoteSource
from udfs.stores.settings import CacheSettings

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NIGHT_IN_TOKYO = 15 * HOUR  # UTC: it is midnight there


class Store(MemoryStore):
    """A store with one user's profile, which can change; it can be unavailable."""

    def __init__(self, timezone: str | None) -> None:
        super().__init__({})
        self.timezone = timezone
        self.answers = True

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        if not self.answers:
            raise StoreUnavailable("gone")
        return [UserProfile(user_id="U1", timezone=self.timezone) if key == "user:U1" else None for key in keys]


class Bank:
    """An engine over a store; its cached users and cached records can be dropped."""

    def __init__(self, timezone: str | None = "Asia/Tokyo", settings: UserStateSettings | None = None) -> None:
        self.store = Store(timezone)
        self._now_ms = 0
        cache = CacheSettings(open_ms=1)
        self.engine = Engine(state=settings, source=RemoteSource(self.store, cache, lambda: self._now_ms), cache=cache)

    def pay(self, time_ms: int) -> tuple[str, float, float]:
        """Status of the look-up, whether it was night, and the share of nights before."""
        self._now_ms += 10 * MINUTE  # expires the cache
        payment = Transaction(transaction_id=f"T{self._now_ms}", user_id="U1", timestamp=time_ms, amount=10.0)
        observation = self.engine.pay(payment)
        assert observation is not None
        features = observation.features
        return observation.status, features["is_night"], features["user_night_share"]


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("settings", [UserStateSettings(), UserStateSettings(snapshot_every=2, compact_slack=1)])
def test_night_is_known_while_the_store_is_unavailable(settings: UserStateSettings, restarted: bool) -> None:
    bank = Bank(settings=settings)
    for day in range(3):
        assert bank.pay(START + day * DAY)[0] == "ok"  # 09:00 in Tokyo
    bank.store.answers = False
    if restarted:
        bank.engine.restart()
    assert bank.pay(START + 3 * DAY + NIGHT_IN_TOKYO) == ("degraded", 1.0, 0.0)
    bank.store.answers = True
    if restarted:
        bank.engine.restart()
    assert bank.pay(START + 4 * DAY) == ("ok", 0.0, 0.25)


def test_the_timezone_is_that_of_the_last_known_profile() -> None:
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


def test_a_user_without_a_timezone_adds_no_state() -> None:
    bank = Bank(None)
    for day in range(3):
        bank.pay(START + day * DAY)
    assert len(bank.engine.stored()[1]) == 3


def test_a_timezone_is_written_once() -> None:
    bank = Bank()
    for day in range(5):
        bank.pay(START + day * DAY)
        bank.engine.restart()
    assert len(bank.engine.stored()[1]) == 6

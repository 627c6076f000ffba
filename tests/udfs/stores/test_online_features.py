"""Which transactions publish online features, and with which values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from models.default_bundle import DEFAULT_BUNDLE
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.outputs import Origin
from udfs.scoring.factory import open_scorer
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs
from udfs.stores.memory import MemoryStore
from udfs.stores.port import OnlineFeatures, StoreError
from udfs.stores.publisher import OnlineFeaturePublisher
from udfs.stores.settings import OnlineFeatureSettings

DAY = 86_400_000
START = 1_767_225_600_000


class Bench:
    """A scorer that publishes to memory."""

    def __init__(self) -> None:
        self.logs = MemoryUserLogs()
        self.scorer: Scorer = open_scorer(ScorerConfig(), ScorerPaths(bundle=str(DEFAULT_BUNDLE)), self.logs)
        self.store = MemoryStore({})
        self.reopen()

    def reopen(self) -> None:
        parts = self.scorer
        online = OnlineFeaturePublisher(self.store, OnlineFeatureSettings(), SYSTEM_CLOCKS.monotonic_ms)
        self.scorer = Scorer(
            parts.config, parts.engine, parts.ensemble, parts.rulebook, parts.population, self.logs, online
        )

    def send(self, **fields: Any) -> dict[str, Any]:
        payment = {"transaction_id": "T1", "user_id": "U1", "timestamp": START, "amount": 10.0, **fields}
        self.logs.set_current_key(payment["user_id"])
        (first, *_) = self.scorer.process(json.dumps(payment).encode(), self.logs.key, None, Origin("test"))
        decided: dict[str, Any] = json.loads(first.value)
        return decided

    def published(self) -> int:
        """Number of users published since the last call."""
        assert self.scorer.online is not None
        self.scorer.close()
        count = self.scorer.online.counters.published
        self.reopen()
        return count


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.scorer.close()


def test_published_features_are_those_of_the_decision(bench: Bench) -> None:
    bench.send(amount=10)
    decision = bench.send(transaction_id="T2", timestamp=START + 60_000, amount=20.5)
    assert bench.published() == 1
    features = decision["features"]
    assert bench.store.online_features("U1") == OnlineFeatures("U1", START + 60_000, 2.0, 15.25, None, 30.5)
    assert features["foreign_country_count_1d"] is None
    assert (features["txn_count_5m"], features["avg_amount_1h"], features["velocity_score"]) == (2.0, 15.25, 30.5)


def test_a_transaction_out_of_order_does_not_replace_a_newer_one(bench: Bench) -> None:
    bench.send(timestamp=START + 120_000)
    assert bench.published() == 1
    bench.send(transaction_id="T2", timestamp=START)
    bench.published()
    online = bench.store.online_features("U1")
    assert online is not None
    assert (online.event_time_ms, online.txn_count_5m) == (START + 120_000, 1.0)


def test_late_duplicate_and_invalid_records_publish_nothing(bench: Bench) -> None:
    bench.send(timestamp=START + 2 * DAY)
    assert bench.published() == 1
    assert bench.send(timestamp=START + 2 * DAY)["type"] == "duplicate"
    assert bench.send(transaction_id="T2", timestamp=START)["late"]
    assert bench.send(transaction_id="T3", amount="much")["type"] == "dead_letter"
    assert bench.published() == 0


def test_without_a_store_online_features_are_refused() -> None:
    config = ScorerConfig(online_features=OnlineFeatureSettings())
    with pytest.raises(StoreError, match="online features need a remote store"):
        open_scorer(config, ScorerPaths(bundle=str(DEFAULT_BUNDLE)), MemoryUserLogs())

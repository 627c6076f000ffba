"""The job itself over a Redis that is paused, killed and brought back while it runs.

0 %: ok .. 10 %: paused .. 30 %: back .. 45 %: killed .. 65 %: started, filled .. 100 %: ok
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.running import Counts
from jobs.score_transactions import start
from tests.contracts.store_factories import SETTINGS
from tests.jobs.conftest import Configure
from tests.jobs.event_stream import START_MS
from tests.jobs.outcomes import written_lines
from tests.servers.redis_server import RedisServer
from udfs.profiles import UserProfile
from udfs.stores.opening import open_store
from udfs.stores.port import StoredRecord
from udfs.stores.settings import RedisSettings
from udfs.system_clocks import SYSTEM_CLOCKS

TRANSACTIONS = 30_000
USERS = 400


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


def fill(server: RedisServer) -> None:
    store = open_store(RedisSettings(port=server.port, timeout_ms=10_000), SETTINGS, SYSTEM_CLOCKS)
    users: dict[str, StoredRecord] = {f"user:U{n}": UserProfile(user_id=f"U{n}", kyc_level=n) for n in range(USERS)}
    store.put_many(users, None)


class Faults:
    """What happens to the server as the job proceeds."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self._steps = [(0.1, server.pause), (0.3, server.resume), (0.45, server.kill), (0.65, self._bring_back)]
        self.done: list[float] = []

    def at(self, counts: Counts) -> None:
        while self._steps and counts.records >= self._steps[0][0] * TRANSACTIONS:
            share, step = self._steps.pop(0)
            step()
            self.done.append(share)

    def _bring_back(self) -> None:
        self.server.start()
        fill(self.server)


def test_redis_paused_killed_and_back_loses_nothing_and_every_decision_tells(
    configure: Configure, server: RedisServer, tmp_path: Path
) -> None:
    fill(server)
    source = tmp_path / "events.jsonl"
    with source.open("w") as file:
        for n in range(TRANSACTIONS):
            payment = {
                "transaction_id": f"T{n}",
                "user_id": f"U{n % USERS}" if n % 50 else f"N{n}",
                "timestamp": START_MS + n * 50,
                "amount": 9,
            }
            file.write(json.dumps(payment) + "\n")
    config = configure(
        source,
        scoring={"log_features": True},
        store={"kind": "redis", "port": server.port, "fresh_ms": 200, "stale_ms": 500},
        online_features={"kind": "store"},
    )
    faults = Faults(server)
    start(config).wait(faults.at, every_seconds=0.02)
    decisions = [json.loads(line) for line in written_lines(tmp_path / "out", "decisions")]
    assert faults.done == [0.1, 0.3, 0.45, 0.65]
    assert sorted(decision["transaction_id"] for decision in decisions) == sorted(f"T{n}" for n in range(TRANSACTIONS))
    assert not written_lines(tmp_path / "out", "dead-letters")
    decisions.sort(key=lambda decision: int(decision["transaction_id"][1:]))
    statuses = [decision["enrichment"] for decision in decisions]
    assert set(statuses) == {"ok", "stale", "degraded"}
    assert set(statuses[: TRANSACTIONS // 20]) == {"ok"}
    assert set(statuses[-TRANSACTIONS // 20 :]) == {"ok"}
    started = TRANSACTIONS * 65 // 100  # from then on the server is empty for a moment
    for decision in [*decisions[:started], *decisions[-TRANSACTIONS // 20 :]]:
        stored = int(decision["user_id"][1:]) if decision["user_id"].startswith("U") else None
        used = decision["features"]["kyc_level"]  # what is logged
        assert used == stored or (used is None and decision["enrichment"] == "degraded")
    online = open_store(RedisSettings(port=server.port, timeout_ms=5_000), SETTINGS, SYSTEM_CLOCKS)
    last = decisions[-1]
    found = online.online_features(last["user_id"])
    assert found is not None
    assert found.event_time_ms == last["event_time_ms"]
    assert found.velocity_score == last["features"]["velocity_score"]

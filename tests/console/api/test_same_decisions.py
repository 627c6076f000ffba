"""Events through the API get the same decisions as in a replay of their file, which a job's decisions equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec

from console.settings import ApiSettings
from jobs.config.value_types import shipped_bundle
from models.replay import replay_outputs
from simulator.config import SimulatorConfig
from simulator.files import write
from simulator.generate import simulate
from tests.console.api.serving import serving, stored
from udfs.records.outputs import Decision, decode_result
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

BATCH = 500
ONLY_HERE = ("repeated", "degraded")
ONLY_THERE = ("type", "origin", "features", "features_packed")


def replayed(events: Path) -> dict[str, dict[str, Any]]:
    """First decisions by id, as JSON values."""
    logs = MemoryUserLogs()
    scorer = open_scorer(ScorerConfig(log_features="packed"), ScorerPaths(bundle=shipped_bundle()), logs)
    found: dict[str, dict[str, Any]] = {}
    for output in replay_outputs(events, scorer, logs):
        if output.destination == "decisions" and isinstance(decode_result(output.value), Decision):
            decision = msgspec.json.decode(output.value)
            found[decision["decision_id"]] = decision
    return found


def sent(client: httpx.Client, events: Path) -> dict[str, dict[str, Any]]:
    lines = events.read_bytes().splitlines(keepends=True)
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(lines), BATCH):
        answer = client.post(
            "/v1/decisions:batch", content=b"".join(lines[start : start + BATCH]),
            headers={"Content-Type": "application/x-ndjson"},
        )  # fmt: skip
        for line in answer.content.splitlines():
            item = msgspec.json.decode(line)
            assert item["status"] in (200, 202, 409), item
            if item["status"] == 200 and not item["decision"]["repeated"]:
                found[item["decision"]["decision_id"]] = item["decision"]
    return found


def test_the_api_decides_as_a_replay(tmp_path: Path) -> None:
    write(simulate(SimulatorConfig(users=60, days=20, seed=11, fraud_share=0.03)), tmp_path / "simulated")
    events = tmp_path / "simulated" / "events.jsonl"
    expected = replayed(events)
    with serving(tmp_path) as running:
        decided = sent(running.client, events)
        assert decided.keys() == expected.keys()
        assert len(decided) > 2_000
        for decision_id, decision in decided.items():
            there = {name: value for name, value in expected[decision_id].items() if name not in ONLY_THERE}
            here = {name: value for name, value in decision.items() if name not in ONLY_HERE}
            assert here == there
        assert {decision["action"] for decision in decided.values()} > {"allow"}
        newest = max(decided.values(), key=lambda one: one["event_time_ms"])
        features = stored(running.client, newest["decision_id"])["features"]
        packed = msgspec.convert(expected[newest["decision_id"]]["features_packed"], bytes, strict=False)
        assert [_bits(value) for value in features.values()] == [_bits(value) for value in _unpacked(packed)]
    assert ApiSettings().batch_items >= BATCH


def _unpacked(packed: bytes) -> list[float]:
    import numpy as np

    return [float(value) for value in np.frombuffer(packed, "<f8")]


def _bits(value: float | None) -> float | None:
    return None if value is None or value != value else value

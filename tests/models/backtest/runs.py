"""Runs of the scorer over the same simulated events with different rules, written as `fraud score` writes them."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from models.default_bundle import DEFAULT_BUNDLE
from models.replay import replay_outputs
from models.statistics import collect_statistics, write_statistics
from simulator.config import SimulatorConfig
from simulator.files import write
from simulator.generate import simulate
from udfs.records.outputs import FeatureForm
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs
from udfs.values.money import Money

LIVE = """
name: live
version: 3
scale: [[0, 0], [50, 500], [100, 1000]]
rules:
  - {id: far, points: 20, when: km_from_home > 50, reason: far}
  - {id: large, points: 30, tier: size, when: amount > 300, reason: large}
  - {id: medium, points: 10, tier: size, when: amount > 100, reason: medium}
  - {id: gone, points: 10, when: is_new_device and hour_local < 8, reason: gone}
"""
NEW = """
name: live
version: 4
scale: [[0, 0], [50, 500], [100, 1000]]
rules:
  - {id: far, points: 20, when: km_from_home > 50, reason: far}
  - {id: large, points: 60, tier: size, when: amount > 250, reason: large, action: soft_challenge}
  - {id: medium, points: 10, tier: size, when: amount > 100, reason: medium}
  - {id: online, points: 25, when: 'channel in ["ecommerce", "upi"] and merchant_country != country', reason: online}
  - {id: late_hour, points: 15, when: 'not (6 <= hour_local < 22) or seconds_since_last < 60', reason: hour}
  - {id: above_most, points: 35, when: amount > population_amount_p95 and city_fraud_rate > population_fraud_rate, reason: p}
  - {id: odd, points: 5, when: 'amount % 7 > 6 and city not in ["Oslo"] and user_id < "U00030"', reason: odd}
  - {id: switched_off, points: 100, when: amount > 0, reason: x, enabled: false}
"""  # fmt: skip


def simulate_history(folder: Path, users: int = 70, days: int = 40) -> Path:
    """Events with delayed labels, reference data and population statistics; returns the file of events."""
    write(simulate(SimulatorConfig(users=users, days=days, seed=11, fraud_share=0.05)), folder)
    events = folder / "events.jsonl"
    write_statistics(collect_statistics(events, {}, Money("USD")).statistics, folder / "statistics.json")
    return events


def score(folder: Path, events: Path, rules: str, features: FeatureForm = "names") -> Path:
    """A run's folder."""
    folder.mkdir(parents=True)
    (folder / "rules.yaml").write_text(rules)
    history = events.parent
    paths = ScorerPaths(
        bundle=str(DEFAULT_BUNDLE), rules=str(folder / "rules.yaml"), reference=str(history / "reference"),
        statistics=str(history / "statistics.json"),
    )  # fmt: skip
    logs = MemoryUserLogs()
    scorer = open_scorer(ScorerConfig(log_features=features), paths, logs)
    outputs: dict[str, list[bytes]] = defaultdict(list)
    for output in replay_outputs(events, scorer, logs):
        outputs[output.destination].append(output.value)
    (folder / "decisions.jsonl").write_bytes(b"".join(line + b"\n" for line in outputs["decisions"]))
    (folder / "alerts.jsonl").write_bytes(b"".join(line + b"\n" for line in outputs["alerts"]))
    (folder / "run.json").write_text(json.dumps({"events": str(events)}))
    return folder


def decisions_of(run: Path) -> list[dict[str, Any]]:
    """The decisions, in their order."""
    lines = map(json.loads, (run / "decisions.jsonl").read_bytes().splitlines())
    return [line for line in lines if line["type"] == "decision"]


def events_of(events: Path, kind: str) -> list[dict[str, Any]]:
    """The events of a type as they are in the file."""
    lines = map(json.loads, events.read_bytes().splitlines())
    return [line for line in lines if line.get("type", "transaction") == kind]

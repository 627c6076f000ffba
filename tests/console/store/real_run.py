"""A small run with real outputs: simulated payments through the scorer, written as `fraud score` writes them."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from models.default_bundle import DEFAULT_BUNDLE
from models.replay import replay_outputs
from simulator.config import SimulatorConfig
from simulator.files import write
from simulator.generate import simulate
from udfs.records.outputs import FeatureForm
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

FILES = {
    "decisions": "decisions.jsonl", "alerts": "alerts.jsonl", "flags": "flags.jsonl", "dead-letters": "dead_letters.jsonl",
}  # fmt: skip
BAD_LINES = (b"not JSON", b'{"transaction_id":"X1","user_id":"U00001","timestamp":"yesterday","amount":1}')


def write_real_run(directory: Path, users: int = 80, days: int = 6, features: FeatureForm = "packed") -> dict[str, int]:
    """A run folder with its events, some of which cannot be read; returns the lines of each output."""
    history = directory / "simulated"
    write(simulate(SimulatorConfig(users=users, days=days, seed=5, fraud_share=0.03)), history)
    events = history / "events.jsonl"
    with events.open("ab") as lines:
        lines.writelines(line + b"\n" for line in (*BAD_LINES, BAD_LINES[0]))
    logs = MemoryUserLogs()
    paths = ScorerPaths(bundle=str(DEFAULT_BUNDLE), reference=str(history / "reference"))
    scorer = open_scorer(ScorerConfig(log_features=features), paths, logs)
    found: dict[str, list[bytes]] = defaultdict(list)
    for output in replay_outputs(events, scorer, logs):
        found[output.destination].append(output.value)
    for destination, name in FILES.items():
        (directory / name).write_bytes(b"".join(value + b"\n" for value in found[destination]))
    (directory / "run.json").write_text(json.dumps({"events": str(events)}))
    return {destination: len(found[destination]) for destination in FILES}

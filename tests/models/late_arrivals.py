"""The same legitimate payments twice: arriving in time, and three days late, behind newer payments of their users."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from models.entity_history import aggregate_entities, write_history
from models.replay import replay_outputs
from simulator.config import SimulatorConfig
from simulator.files import write
from simulator.generate import simulate
from udfs.entities.buckets import BucketSettings
from udfs.records.outputs import Decision, Duplicate
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

DAY_MS = 86_400_000
LATE_MS = 3 * DAY_MS
_decoded = msgspec.json.Decoder(Decision | Duplicate).decode


class LateArrivals:
    """A simulated bank without fraud, in a folder, and `count` of its purchases of the fourth week."""

    def __init__(self, folder: Path, users: int, count: int, seed: int) -> None:
        self.folder = folder
        simulation = simulate(SimulatorConfig(users=users, days=30, seed=seed, fraud_share=0.0))
        write(simulation, folder, lambda *_: None)
        self.lines = (folder / "events.jsonl").read_bytes().splitlines()
        self._events: list[dict[str, Any]] = [json.loads(line) for line in self.lines]
        self._chosen = self._choose(simulation.config.start_ms + 22 * DAY_MS, count, Random(seed))
        self.ids = {self._events[place]["transaction_id"] for place in self._chosen}

    def _choose(self, from_ms: int, count: int, random: Random) -> frozenset[int]:
        """Places of purchases that came once, and after which their users had newer events more than a day on."""
        times: dict[str, list[int]] = {}
        copies: Counter[str] = Counter()
        for event in self._events:
            if event.get("type", "transaction") == "transaction":
                times.setdefault(event["user_id"], []).append(event["timestamp"])
                copies[event["transaction_id"]] += 1
        possible = [
            place
            for place, event in enumerate(self._events)
            if event.get("type", "transaction") == "transaction"
            and event.get("kind", "purchase") == "purchase"
            and from_ms <= event["timestamp"] < from_ms + 3 * DAY_MS
            and copies[event["transaction_id"]] == 1
            and any(1.2 * DAY_MS < time - event["timestamp"] < 2.8 * DAY_MS for time in times[event["user_id"]])
        ]
        return frozenset(random.sample(possible, count))

    def late_order(self) -> list[int]:
        """Places of the events, each of the chosen payments three days after its time."""
        arrivals, newest_ms = [], 0
        for place, event in enumerate(self._events):
            newest_ms = max(newest_ms, event.get("known_at") or event["timestamp"])
            is_late = place in self._chosen
            arrivals.append((event["timestamp"] + LATE_MS if is_late else newest_ms, is_late, place))
        return [place for _, _, place in sorted(arrivals)]

    def decisions(self, bundle: Path, statistics: Path, order: Sequence[int] | None = None) -> list[Decision]:
        """The decisions on the chosen payments, by id, with the events in this order (None: in time)."""
        events, histories = self.folder / "scored.jsonl", self.folder / "histories.jsonl"
        events.write_bytes(b"\n".join(self.lines[place] for place in order or range(len(self.lines))))
        write_history(aggregate_entities(events, BucketSettings(), None), histories)
        paths = ScorerPaths(
            bundle=str(bundle),
            statistics=str(statistics),
            reference=str(self.folder / "reference"),
            histories=str(histories),
        )
        logs = MemoryUserLogs()
        scorer = open_scorer(ScorerConfig(log_features="none"), paths, logs)
        outputs = replay_outputs(events, scorer, logs)
        found = [_decoded(output.value) for output in outputs if output.destination == "decisions"]
        chosen = [one for one in found if isinstance(one, Decision) and one.transaction_id in self.ids]
        return sorted(chosen, key=lambda decision: decision.transaction_id)

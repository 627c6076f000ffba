"""Microseconds a transaction by stage: the scorer's own functions, each with a stopwatch around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any
from unittest.mock import patch

import udfs.feature_engine as feature_engine
import udfs.scorer as scoring
from models.default_bundle import DEFAULT_BUNDLE
from models.event_files import Progress, lines_of
from models.user_shard import routing_key
from udfs.codec import decode_event
from udfs.ensemble import Ensemble
from udfs.events import Transaction
from udfs.feature_engine import FeatureEngine
from udfs.features.catalogue import compute_features
from udfs.open_scorer import open_scorer
from udfs.outputs import Origin
from udfs.rules.rulebook import Rulebook
from udfs.scorer import Scorer
from udfs.scorer_config import ScorerConfig, ScorerPaths
from udfs.user_log import MemoryUserLogs

WARM_UP_SHARE = 0.5


class Stopwatch:
    """Adds up the nanoseconds of wrapped functions by name, inner ones taken off the outer ones."""

    def __init__(self) -> None:
        self.nanoseconds: dict[str, int] = {}
        self._inner = [0]

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        self.nanoseconds[name] = 0
        nanoseconds, inner = self.nanoseconds, self._inner

        def timed(*arguments: Any) -> Any:
            inner.append(0)
            start = perf_counter_ns()
            try:
                return function(*arguments)
            finally:
                spent = perf_counter_ns() - start
                nanoseconds[name] += spent - inner.pop()
                inner[-1] += spent

        return timed


def measure_stages(events: Path, reference: Path | None, histories: Path, progress: Progress) -> dict[str, Any]:
    """Score a file twice with the shipped bundle: without stopwatches for the total, with them for the shares."""
    lines = list(lines_of(events))
    keys = [routing_key(line) for line in lines]
    first = int(len(lines) * WARM_UP_SHARE)
    paths = ScorerPaths(
        bundle=str(DEFAULT_BUNDLE), reference=str(reference) if reference else None, histories=str(histories)
    )

    def replay(process: Callable[[Scorer], Callable[..., Any]], watch: Stopwatch | None) -> float:
        logs = MemoryUserLogs()
        scorer = open_scorer(ScorerConfig(), paths, logs)
        run = process(scorer)
        origin = Origin(str(events))
        start = perf_counter_ns()
        for number, (line, key) in enumerate(zip(lines, keys, strict=True)):
            if number == first:
                if watch is not None:
                    watch.nanoseconds.update(dict.fromkeys(watch.nanoseconds, 0))
                start = perf_counter_ns()
            if number % 20_000 == 0:
                progress(number, len(lines))
            logs.key = key
            run(line, key, None, origin)
        return (perf_counter_ns() - start) / 1000

    measured = sum(isinstance(decode_event(line), Transaction) for line in lines[first:])
    total_us = replay(lambda scorer: scorer.process, None)
    watch = Stopwatch()
    with (
        patch.object(scoring, "decode_event", watch.around("decode", decode_event)),
        patch.object(FeatureEngine, "_enrich", watch.around("look up profiles and history", FeatureEngine._enrich)),
        patch.object(FeatureEngine, "observe", watch.around("user state and windows", FeatureEngine.observe)),
        patch.object(feature_engine, "compute_features", watch.around("features", compute_features)),
        patch.object(Ensemble, "score", watch.around("ensemble (ONNX)", Ensemble.score)),
        patch.object(Ensemble, "explain", watch.around("reasons of alerts", Ensemble.explain)),
        patch.object(Rulebook, "evaluate", watch.around("rules", Rulebook.evaluate)),
        patch.object(scoring, "_encode", watch.around("encode decisions and alerts", scoring._encode)),
        patch.object(FeatureEngine, "commit", watch.around("learn and write state", FeatureEngine.commit)),
        patch.object(Scorer, "_record_other", watch.around("logins, changes, labels", Scorer._record_other)),
    ):
        timed_us = replay(lambda scorer: watch.around("decide, and the rest", scorer.process), watch)
    shares = {name: spent / 1000 / measured for name, spent in watch.nanoseconds.items()}
    return {
        "transactions": measured,
        "records": len(lines) - first,
        "microseconds_per_transaction": total_us / measured,
        "microseconds_per_transaction_with_stopwatches": timed_us / measured,
        "stages": dict(sorted(shares.items(), key=lambda item: -item[1])),
    }

"""Microseconds a transaction by stage: the scorer as the job runs it, in batches, and its parts with stopwatches.

What is compiled calls its own parts directly, where no stopwatch can be put in between: they are measured in a pass of their
own, and what remains of the whole is the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any
from unittest.mock import patch

import udfs.scorer as scoring
from models.default_bundle import DEFAULT_BUNDLE
from models.event_files import Progress, lines_of
from models.user_shard import routing_key
from udfs.codec import decode_event
from udfs.ensemble import Ensemble
from udfs.events import Transaction
from udfs.open_scorer import open_engine, open_scorer
from udfs.outputs import Origin
from udfs.rules.rulebook import Rulebook
from udfs.scorer_config import ScorerConfig, ScorerPaths
from udfs.user_log import MemoryUserLogs

WARM_UP_SHARE = 0.5
BATCH = 32


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

    def restart(self) -> None:
        self.nanoseconds.update(dict.fromkeys(self.nanoseconds, 0))


def measure_stages(events: Path, reference: Path | None, histories: Path, progress: Progress) -> dict[str, Any]:
    """Score a file with the shipped bundle: without stopwatches for the total, with them for its parts."""
    lines = list(lines_of(events))
    keys = [routing_key(line) for line in lines]
    first = int(len(lines) * WARM_UP_SHARE)
    origin = Origin(str(events))
    paths = ScorerPaths(
        bundle=str(DEFAULT_BUNDLE), reference=str(reference) if reference else None, histories=str(histories)
    )

    def replay(take: Callable[[bytes, str], object], flush: Callable[[], object], logs: MemoryUserLogs) -> float:
        """Microseconds for the measured lines."""
        start = perf_counter_ns()
        for number, (line, key) in enumerate(zip(lines, keys, strict=True)):
            if number == first:
                watch.restart()
                start = perf_counter_ns()
            if number % 20_000 == 0:
                progress(number, len(lines))
            logs.key = key
            take(line, key)
            if number % BATCH == 0:
                flush()
        flush()
        return (perf_counter_ns() - start) / 1000

    def replay_scorer() -> float:
        logs = MemoryUserLogs()
        scorer = open_scorer(ScorerConfig(), paths, logs)
        return replay(lambda line, key: scorer.take(line, key, None, origin), scorer.flush, logs)

    def replay_engine() -> float:
        logs = MemoryUserLogs()
        engine = open_engine(ScorerConfig(), paths, logs)
        observe = watch.around("user state, look-ups, windows, features", engine.observe)
        commit = watch.around("learn and write state", engine.commit)
        decode = watch.around("decode", decode_event)

        def take(line: bytes, key: str) -> None:
            event = decode(line)
            if isinstance(event, Transaction):
                observation = observe(event)
                if observation is not None:
                    commit(observation)

        return replay(take, lambda: None, logs)

    watch = Stopwatch()
    measured = sum(isinstance(decode_event(line), Transaction) for line in lines[first:])
    total_us = replay_scorer()
    replay_engine()
    shares = dict(watch.nanoseconds)
    watch = Stopwatch()
    with (
        patch.object(Ensemble, "score_many", watch.around("ensemble (ONNX)", Ensemble.score_many)),
        patch.object(Ensemble, "explain", watch.around("reasons of alerts", Ensemble.explain)),
        patch.object(Rulebook, "evaluate", watch.around("rules", Rulebook.evaluate)),
        patch.object(scoring, "_encode", watch.around("encode decisions and alerts", scoring._encode)),
    ):
        replay_scorer()
    shares |= watch.nanoseconds
    stages = {name: spent / 1000 / measured for name, spent in shares.items()}
    stages["decide, and the rest"] = max(0.0, total_us / measured - sum(stages.values()))
    return {
        "transactions": measured,
        "records": len(lines) - first,
        "microseconds_per_transaction": total_us / measured,
        "stages": dict(sorted(stages.items(), key=lambda item: -item[1])),
    }

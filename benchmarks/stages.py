"""Microseconds per transaction by stage: the scorer in batches as in the job, and its stages with stopwatches.

What the core does in one call is divided by a second pass in which it only learns the same batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter_ns
from typing import Any
from unittest.mock import patch

import udfs.core.port
import udfs.scoring.scorer
from models.default_bundle import DEFAULT_BUNDLE
from models.event_files import Progress, lines_of
from models.user_shard import routing_key
from udfs.core.learner import Learner, LearnerSettings
from udfs.core.port import Port
from udfs.records.codec import decode_event
from udfs.records.events import Transaction
from udfs.records.outputs import Origin
from udfs.scoring.ensemble import Ensemble
from udfs.scoring.factory import open_scorer
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

WARM_UP_SHARE = 0.5
BATCH = 32
CORE = "core"
LEARNING = "core: decode, users' states, look-ups, features"
DECIDING = "core: rules, decisions, reasons, JSON"

Record = tuple[str, bytes]
"""Key and payload."""


class Stopwatch:
    """Sums the nanoseconds of wrapped functions by name; nested calls are subtracted from the outer function."""

    def __init__(self) -> None:
        self.nanoseconds: dict[str, int] = {}
        self._inner = [0]

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps a function to add its time to `name`."""
        self.nanoseconds.setdefault(name, 0)
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


class TimedCore:
    """A core whose calls for a batch are timed."""

    def __init__(self, core: Any, watch: Stopwatch) -> None:
        self._core = core
        self.score_batch = watch.around(CORE, core.score_batch)
        self.learn_batch = watch.around(CORE, core.learn_batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)


def measure_stages(events: Path, reference: Path | None, histories: Path, progress: Progress) -> dict[str, Any]:
    """Scores a file with the shipped bundle, without stopwatches for the total and with them for the stages."""
    records = [(routing_key(line), line) for line in lines_of(events)]
    warm_up = int(len(records) * WARM_UP_SHARE) // BATCH * BATCH
    origin = Origin(str(events))
    paths = ScorerPaths(
        bundle=str(DEFAULT_BUNDLE), reference=str(reference) if reference else None, histories=str(histories)
    )
    watch = Stopwatch()

    def opened() -> tuple[Scorer, MemoryUserLogs]:
        logs = MemoryUserLogs()
        return open_scorer(ScorerConfig(), paths, logs), logs

    def replay(take: Callable[[list[Record]], object]) -> float:
        """Runs all batches through `take`; returns the microseconds of the measured ones."""
        start = perf_counter_ns()
        for number, batch in batches(records):
            if number == warm_up:
                watch.restart()
                start = perf_counter_ns()
            if number % (BATCH * 600) == 0:
                progress(number, len(records))
            take(batch)
        return (perf_counter_ns() - start) / 1000

    def scored(is_timed: bool) -> float:
        scorer, logs = opened()
        if is_timed:
            scorer.engine.core = TimedCore(scorer.engine.core, watch)  # type: ignore[assignment]

        def take(batch: list[Record]) -> None:
            for key, line in batch:
                logs.set_current_key(key)
                scorer.submit(line, key, None, origin)
            scorer.flush()

        return replay(take)

    def learned() -> float:
        scorer, logs = opened()

        def select(_: int, key: str) -> None:
            logs.set_current_key(key)

        learner = Learner(LearnerSettings(), scorer.engine.source, logs, select)
        learner.core = TimedCore(learner.core, watch)  # type: ignore[assignment]

        def take(batch: list[Record]) -> None:
            learner.learn([key for key, _ in batch], [line for _, line in batch], [None] * len(batch))

        return replay(take)

    measured = sum(isinstance(decode_event(line), Transaction) for _, line in records[warm_up:])
    total_us = scored(is_timed=False)
    write = udfs.core.port.write_all
    with (
        patch.object(Ensemble, "score", watch.around("model (ONNX)", Ensemble.score)),
        patch.object(Ensemble, "explain", watch.around("contributions of alerts (ONNX)", Ensemble.explain)),
        patch.object(Port, "load", watch.around("read users' states", Port.load)),
        patch.object(udfs.scoring.scorer, "write_all", watch.around("write users' states", write)),
    ):
        scored(is_timed=True)
    shares = dict(watch.nanoseconds)
    watch = Stopwatch()
    learned()
    learning = min(watch.nanoseconds[CORE], shares[CORE])
    shares |= {LEARNING: learning, DECIDING: shares.pop(CORE) - learning}
    stages = {name: spent / 1000 / measured for name, spent in shares.items()}
    stages["Python around it"] = max(0.0, total_us / measured - sum(stages.values()))
    return {
        "transactions": measured,
        "records": len(records) - warm_up,
        "microseconds_per_transaction": total_us / measured,
        "stages": dict(sorted(stages.items(), key=lambda item: -item[1])),
    }


def batches(records: list[Record]) -> Iterator[tuple[int, list[Record]]]:
    """(number of the first record, records of the batch)"""
    for start in range(0, len(records), BATCH):
        yield start, records[start : start + BATCH]

"""What the page System shows of speed, lag, checkpoints and degradation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from console.api.metrics import LATENCY_BUCKETS_SECONDS
from console.api.services import Services
from console.measured import Sample, percentiles, rate_series
from console.store import system_figures
from console.web.rendering import TEXTS


def of_store(services: Services) -> dict[str, Any]:
    """Figures of the store, by their names in the template."""
    with services.store.database.read() as connection:
        minutes = system_figures.decisions_a_minute(connection)
        days = system_figures.alerts_a_day(connection)
        return {
            "minutes": minutes, "minutes_chart": chart(minutes, TEXTS("system.decisions")), "alert_days": days,
            "alerts_chart": chart(days, TEXTS("queue.alerts")),
            "degradation": system_figures.degradation(connection),
            "reasons": system_figures.letter_reasons(connection),
            "positions": system_figures.newest_positions(connection),
            "deliveries": system_figures.newest_deliveries(connection),
        }  # fmt: skip


def of_samples(services: Services) -> dict[str, Any]:
    """What this console has measured, and what Flink told it."""
    measured = services.measured
    samples = [] if measured is None else measured.samples()
    written = rate_series(samples, lambda sample: sample.written)
    return {
        "now": samples[-1] if samples else None,
        "answers": percentiles(samples, LATENCY_BUCKETS_SECONDS),
        "measured_since_ms": samples[0].at_ms if samples else None,
        "written": written, "written_chart": chart(written, TEXTS("system.written")),
        "scored": rate_series(samples, _scored),
        "job_name": None if measured is None else measured.job_name,
        "flink_address": None if measured is None else measured.flink_address,
    }  # fmt: skip


def chart(points: Sequence[tuple[int, float]], label: str) -> str:
    """What uPlot draws, as JSON."""
    told = {"label": label, "times": [at_ms // 1_000 for at_ms, _ in points], "values": [one for _, one in points]}
    return msgspec.json.encode(told).decode()


def _scored(sample: Sample) -> int | None:
    return None if sample.cluster is None else sample.cluster.transactions

"""Runs the scoring job from a file to the discard sink, and measures its steady rate."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from cli.progress import progress_bar

if TYPE_CHECKING:
    from jobs.runtime.running import Counts

WARM_UP_SHARE = 0.3
"""Share of the records that is not measured: JIT compilation and operator start-up."""


def job_tree(
    events: Path,
    directory: Path,
    backend: str,
    interval_ms: int,
    parallelism: int = 1,
    reference: Path | None = None,
    histories: Path | None = None,
) -> dict[str, Any]:
    """The configuration of such a job; checkpoints and logs are written to `directory`."""
    scoring = {"reference": reference, "histories": histories}
    return {
        "source": {"kind": "file", "path": str(events)},
        "sinks": [{"kind": "discard"}],
        "scoring": {name: str(path) for name, path in scoring.items() if path is not None},
        "state": {
            "backend": backend,
            "checkpoint_dir": str(directory / "checkpoints"),
            "checkpoint_interval_ms": interval_ms,
        },
        "flink": {"parallelism": parallelism, "log_directory": str(directory / "logs")},
    }


def run_file_job(tree: dict[str, Any], title: str, warm_up_share: float = WARM_UP_SHARE) -> dict[str, float]:
    """Runs the job and returns its rates. Those per second are of the records after the warm-up.

    Raises click.ClickException for too few records.
    """
    from jobs.config.loading import parse_config
    from jobs.score_transactions import run

    with Path(tree["source"]["path"]).open("rb") as lines:
        records = sum(1 for _ in lines)
    samples: list[tuple[float, int, int]] = []

    def sample(counts: Counts) -> None:
        progress(counts.records, records)
        if warm_up_share * records < counts.records < records:
            samples.append((perf_counter(), counts.records, counts.decisions))

    with progress_bar(title) as progress:
        result = run(parse_config(tree), sample, every_seconds=0.25)
    if len(samples) < 2:
        raise click.ClickException("too few transactions to measure a steady rate: increase --transactions")
    (start, first_record, first_decision), (end, last_record, last_decision) = samples[0], samples[-1]
    return {
        "transactions_per_second": (last_decision - first_decision) / (end - start),
        "records_per_second": (last_record - first_record) / (end - start),
        "whole_run_seconds": result.seconds,
        "whole_run_transactions_per_second": result.counts.decisions / result.seconds,
        "records": result.counts.records,
        "transactions": result.counts.decisions,
        **{f"scorer_{name}_ms": value for name, value in result.latency_ms.items()},
    }

"""One scored run in a folder: merchants' history, the job in this process, its outputs as single files, its facts."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.errors import UserError
from cli.progress import progress_bar

if TYPE_CHECKING:
    from jobs.config import JobConfig
    from jobs.running import JobResult

FUTURE_TOLERANCE_MS = 600_000
CONFIG_FILE = "job.yaml"
OUTPUT_FILES = {"decisions": "decisions.jsonl", "alerts": "alerts.jsonl", "dead-letters": "dead_letters.jsonl"}


@dataclass(frozen=True)
class ScoringRun:
    """What is to be scored and with what. Paths that are None take the shipped or no part."""

    directory: Path
    events: Path
    reference: Path | None = None
    histories: Path | None = None
    bundle: Path | None = None
    rules: str = "bank"
    statistics: Path | None = None
    fx_rates: Path | None = None
    base_currency: str = "USD"
    latest_timestamp_ms: int | None = None
    parallelism: int = 1
    log_features: bool = True
    print_alerts: bool = False


def score(run: ScoringRun, debug: bool = False) -> JobResult:
    """Run the job over the events and leave decisions, alerts, dead letters, job.yaml and run.json in the run's folder.

    Raises UserError for whatever the user can put right.
    """
    from jobs.config_errors import ConfigError
    from jobs.failures import JobCancelled, JobFailed
    from jobs.recorded_run import as_text
    from jobs.score_transactions import start

    try:
        run.directory.mkdir(parents=True, exist_ok=True)
        for name in (*OUTPUT_FILES.values(), "run.json"):
            (run.directory / name).unlink(missing_ok=True)
        shutil.rmtree(run.directory / "flink", ignore_errors=True)
        histories = run.histories or _count_entities(run)
        total = _count_lines(run.events)
        config = job_config(run, histories)
        (run.directory / CONFIG_FILE).write_text(as_text(config))
        job = start(config)
        if run.print_alerts:
            result = job.wait()
        else:
            with progress_bar("scoring") as progress:
                result = job.wait(lambda counts: progress(counts.records, total))
        _collect_outputs(run.directory)
        _write_facts(run, config, result)
    except JobCancelled as error:
        raise click.exceptions.Exit(_say(str(error), 130)) from None
    except JobFailed as error:
        if debug:
            click.echo(error.trace, err=True)
        raise UserError(str(error)) from None
    except (ConfigError, OSError) as error:
        raise UserError(str(error)) from None
    return result


def job_config(run: ScoringRun, histories: Path) -> JobConfig:
    """The run as a configuration of the job. Raises ConfigError."""
    from jobs.config_file import parse_config

    scoring: dict[str, Any] = {
        "rules": run.rules,
        "histories": str(histories),
        "base_currency": run.base_currency,
        "log_features": run.log_features,
        "latest_timestamp": run.latest_timestamp_ms or time.time_ns() // 1_000_000 + FUTURE_TOLERANCE_MS,
    }
    for key, path in (
        ("bundle", run.bundle),
        ("reference", run.reference),
        ("statistics", run.statistics),
        ("fx_rates", run.fx_rates),
    ):
        if path is not None:
            scoring[key] = str(path)
    sinks: list[dict[str, str]] = [{"kind": "files", "directory": str(run.directory / "flink")}]
    if run.print_alerts:
        sinks.append({"kind": "print", "only": "actions"})
    return parse_config(
        {
            "source": {"kind": "file", "path": str(run.events)},
            "sinks": sinks,
            "scoring": scoring,
            "flink": {"parallelism": run.parallelism, "log_directory": str(run.directory / "logs")},
        },
        "fraud score",
    )


def _count_entities(run: ScoringRun) -> Path:
    from models.entity_history import aggregate_entities, write_history
    from models.event_files import EventFileError
    from udfs.entity_buckets import BucketSettings

    path = run.directory / "entity_history.jsonl"
    try:
        with progress_bar("counting merchants, devices, …") as progress:
            rows = aggregate_entities(run.events, BucketSettings(), run.latest_timestamp_ms, progress)
    except EventFileError as error:
        raise UserError(str(error)) from None
    write_history(rows, path)
    return path


def _count_lines(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(block.count(b"\n") for block in iter(lambda: lines.read(1 << 20), b""))


def _collect_outputs(directory: Path) -> None:
    """One file for each output, in the order in which Flink numbered the parts."""
    for destination, name in OUTPUT_FILES.items():
        partial = directory / f"{name}.partial"
        parts = sorted((directory / "flink" / destination).glob("part-*"), key=_part_number)
        if len(parts) == 1:
            parts[0].replace(directory / name)
            continue
        with partial.open("wb") as out:
            for part in parts:
                with part.open("rb") as lines:
                    shutil.copyfileobj(lines, out, 1 << 20)
        partial.replace(directory / name)
    shutil.rmtree(directory / "flink")


def _part_number(path: Path) -> tuple[str, int]:
    """Writer (a random name) and running number of `part-WRITER-NUMBER.jsonl`."""
    writer, _, number = path.stem.rpartition("-")
    return writer, int(number)


def _write_facts(run: ScoringRun, config: JobConfig, result: JobResult) -> None:
    import msgspec

    from udfs.bundle import read_manifest
    from udfs.open_scorer import rule_set_of

    counts = result.counts
    rule_set = rule_set_of(run.rules)
    facts = {
        "name": run.directory.name,
        "records": counts.records,
        "transactions": counts.decisions,
        "alerts": counts.alerts,
        "dead_letters": counts.dead_letters,
        "seconds": result.seconds,
        "transactions_per_second": counts.decisions / result.seconds if result.seconds else None,
        "latency_ms": result.latency_ms,
        "parallelism": run.parallelism,
        "base_currency": run.base_currency,
        "events": str(run.events),
        "bundle": read_manifest(Path(config.scoring.bundle)).version,
        "rules": f"{rule_set.name} {rule_set.version}",
        "rule_ids": [rule.id for rule in rule_set.rules if rule.enabled],
    }
    (run.directory / "run.json").write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=2))


def _say(text: str, code: int) -> int:
    click.echo(text, err=True)
    return code

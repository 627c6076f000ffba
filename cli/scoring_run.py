"""One scored run in a folder: entities' history and statistics, the job in this process, its outputs as single files."""

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
    from udfs.input_coverage import InputCoverage
    from udfs.money import Money
    from udfs.rules.population import Statistics

FUTURE_TOLERANCE_MS = 600_000
CONFIG_FILE = "job.yaml"
OUTPUT_FILES = {
    "decisions": "decisions.jsonl",
    "alerts": "alerts.jsonl",
    "flags": "flags.jsonl",
    "dead-letters": "dead_letters.jsonl",
}
STATISTICS_FILE = "statistics.json"
MOST_CODES_SHOWN = 10


@dataclass(frozen=True)
class ScoringRun:
    """What is to be scored and with what. Paths that are None take the shipped or no part; histories and statistics are
    made from the events then, each moment's from what was known by then."""

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
    """Run the job over the events and leave decisions, alerts, flags, dead letters, job.yaml and run.json in the folder.

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
        statistics = run.statistics or _make_statistics(run)
        total = _count_lines(run.events)
        config = job_config(run, histories, statistics)
        coverage = _tell_coverage(run, config)
        (run.directory / CONFIG_FILE).write_text(as_text(config))
        job = start(config)
        if run.print_alerts:
            result = job.wait()
        else:
            with progress_bar("scoring") as progress:
                result = job.wait(lambda counts: progress(counts.records, total))
        _collect_outputs(run.directory)
        unknown_codes = _unknown_codes(job.accumulators)
        _write_facts(run, config, result, coverage, unknown_codes)
    except JobCancelled as error:
        raise click.exceptions.Exit(_say(str(error), 130)) from None
    except JobFailed as error:
        if debug:
            click.echo(error.trace, err=True)
        raise UserError(str(error)) from None
    except (ConfigError, OSError) as error:
        raise UserError(str(error)) from None
    return result


def job_config(run: ScoringRun, histories: Path, statistics: Path) -> JobConfig:
    """The run as a configuration of the job. Raises ConfigError."""
    from jobs.config_file import parse_config

    scoring: dict[str, Any] = {
        "rules": run.rules,
        "histories": str(histories),
        "statistics": str(statistics),
        "base_currency": run.base_currency,
        "log_features": run.log_features,
        "latest_timestamp": run.latest_timestamp_ms or time.time_ns() // 1_000_000 + FUTURE_TOLERANCE_MS,
    }
    for key, path in (
        ("bundle", run.bundle),
        ("reference", run.reference),
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
    """Histories of merchants, devices, categories … and of the bundle's attributes, each hour's as it was known then."""
    from jobs.config_types import shipped_bundle
    from models.entity_history import aggregate_entities, profiles_of, write_history
    from models.event_files import EventFileError
    from udfs.bundle import BundleError, read_manifest
    from udfs.entity_buckets import BucketSettings
    from udfs.fx_file import FxFileError

    path = run.directory / "entity_history.jsonl"
    try:
        attributes = read_manifest(run.bundle or shipped_bundle()).attributes
        profiles = profiles_of(run.reference) if attributes else {}
        with progress_bar("counting merchants, devices, …") as progress:
            rows = aggregate_entities(
                run.events, BucketSettings(), run.latest_timestamp_ms, progress, attributes, profiles, _money(run)
            )
    except (BundleError, EventFileError, FxFileError) as error:
        raise UserError(str(error)) from None
    write_history(rows, path)
    return path


def _make_statistics(run: ScoringRun) -> Path:
    """The population's figures as of each moment of the events, from what was known before it."""
    from models.event_files import EventFileError
    from models.statistics import collect_statistics, write_statistics
    from udfs.fx_file import FxFileError
    from udfs.profiles import UserProfile
    from udfs.stores.port import StoreError
    from udfs.stores.reference_rows import REFERENCE_FILES, rows_of

    path = run.directory / STATISTICS_FILE
    try:
        users = {
            row.record.user_id: row.record
            for file in REFERENCE_FILES
            if run.reference is not None and file.kind is UserProfile
            for row in rows_of(run.reference, file)
            if isinstance(row.record, UserProfile)
        }
        with progress_bar("population statistics") as progress:
            report = collect_statistics(run.events, users, _money(run), run.latest_timestamp_ms, progress)
    except (EventFileError, StoreError, FxFileError) as error:
        raise UserError(str(error)) from None
    write_statistics(report.statistics, path)
    _say_statistics(report.statistics)
    return path


def _money(run: ScoringRun) -> Money:
    """The run's base currency and rates. Raises FxFileError."""
    from udfs.fx_file import load_fx_rates
    from udfs.money import Money

    return Money(run.base_currency, load_fx_rates(run.fx_rates) if run.fx_rates else ())


def _say_statistics(statistics: Statistics) -> None:
    moments = len(statistics.snapshots) - 1
    if moments > 0:
        click.echo(
            f"population statistics: made from the events themselves, as of {moments:,} moments; each transaction is "
            "judged by what was known before its own, and before the first they are unknown"
        )
    else:
        click.echo(
            "population statistics: the events are too few for them; the rules that compare with them stay unknown "
            "(give --statistics, made from earlier history by `fraud stats`)"
        )


def _tell_coverage(run: ScoringRun, config: JobConfig) -> InputCoverage:
    """Say what the model will miss of the input. Raises UserError for an unusable bundle."""
    from jobs.input_sample import coverage_of_file
    from udfs.bundle import BundleError, read_manifest
    from udfs.coverage_words import coverage_lines

    try:
        manifest = read_manifest(config.scoring.bundle)
    except BundleError as error:
        raise UserError(str(error)) from None
    coverage = coverage_of_file(run.events, manifest, run.reference, histories=True)
    for line in coverage_lines(coverage):
        click.echo(line)
    return coverage


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


def _unknown_codes(accumulators: dict[str, int]) -> dict[str, int]:
    """Say which codes of the input features do not know; they count as categories of their own."""
    from udfs.progress import UNKNOWN_CODE_PREFIX

    found = {
        name.removeprefix(UNKNOWN_CODE_PREFIX): count
        for name, count in accumulators.items()
        if name.startswith(UNKNOWN_CODE_PREFIX)
    }
    most = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    if most:
        shown = ", ".join(f"{name} ({count:,})" for name, count in most[:MOST_CODES_SHOWN])
        rest = f" and {len(most) - MOST_CODES_SHOWN} more" if len(most) > MOST_CODES_SHOWN else ""
        click.echo(f"codes that the features do not know, each a category of its own: {shown}{rest}")
    return dict(most)


def _write_facts(
    run: ScoringRun, config: JobConfig, result: JobResult, coverage: InputCoverage, unknown_codes: dict[str, int]
) -> None:
    import msgspec

    from jobs.scoring_settings import scorer_config
    from udfs.bundle import read_manifest
    from udfs.judge import Judge
    from udfs.open_scorer import rule_set_of
    from udfs.rules.rule_map import map_for

    counts = result.counts
    rule_set, manifest = rule_set_of(run.rules), read_manifest(Path(config.scoring.bundle))
    judge = Judge(scorer_config(config).decision, manifest.decision, rule_set)
    facts = {
        "name": run.directory.name,
        "records": counts.records,
        "transactions": counts.decisions,
        "alerts": counts.alerts,
        "flags": counts.flags,
        "dead_letters": counts.dead_letters,
        "seconds": result.seconds,
        "transactions_per_second": counts.decisions / result.seconds if result.seconds else None,
        "latency_ms": result.latency_ms,
        "parallelism": run.parallelism,
        "base_currency": run.base_currency,
        "events": str(run.events),
        "bundle": manifest.version,
        "rules": f"{rule_set.name} {rule_set.version}",
        "rule_ids": [rule.id for rule in rule_set.rules if rule.enabled],
        "statistics": str(run.statistics) if run.statistics else "the events' own past",
        "thresholds": judge.thresholds,
        "points": "calibrated on history" if judge.blend.map == "calibrated" else "cautious: never calibrated",
        "rule_map": map_for(manifest.decision.rule_maps, rule_set),
        "input_coverage": coverage,
        "unknown_codes": unknown_codes or None,
    }
    (run.directory / "run.json").write_bytes(
        msgspec.json.format(
            msgspec.json.encode({name: value for name, value in facts.items() if value is not None}), indent=2
        )
    )


def _say(text: str, code: int) -> int:
    click.echo(text, err=True)
    return code

"""Runs the scoring job over a file in this process: prepares entity history and statistics, collects the outputs."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.errors import UserError
from cli.list_option import check_rules_of_command, named_lists
from cli.progress import progress_bar

if TYPE_CHECKING:
    from jobs.config.job import JobConfig
    from jobs.runtime.running import JobResult
    from udfs.records.outputs import FeatureForm
    from udfs.rules.population import Statistics
    from udfs.scoring.input_coverage import InputCoverage
    from udfs.values.money import Money

FUTURE_TOLERANCE_MS = 600_000
INTERRUPTED = 130
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
    """Inputs and options of a run. None: the shipped bundle, no lists, no reference folder, no FX rates; histories and
    statistics are computed from the events, as of each time.
    """

    directory: Path
    events: Path
    reference: Path | None = None
    histories: Path | None = None
    bundle: Path | None = None
    rules: str = "bank"
    lists: Path | None = None
    statistics: Path | None = None
    fx_rates: Path | None = None
    base_currency: str = "USD"
    latest_timestamp_ms: int | None = None
    parallelism: int = 1
    log_features: FeatureForm = "names"
    print_alerts: bool = False


def score(run: ScoringRun, debug: bool = False) -> JobResult:
    """Run the job over the events; blocks until it ends. Writes decisions, alerts, flags, dead letters, job.yaml and
    run.json to the run's folder.

    Raises UserError for invalid inputs and for a failed job.
    """
    from jobs.config.errors import ConfigError
    from jobs.config.recorded_run import as_text
    from jobs.runtime.failures import JobCancelled, JobFailed
    from jobs.score_transactions import start

    try:
        check_rules_of_command(run.rules, run.lists, run.bundle)
        run.directory.mkdir(parents=True, exist_ok=True)
        for name in (*OUTPUT_FILES.values(), "run.json"):
            (run.directory / name).unlink(missing_ok=True)
        shutil.rmtree(run.directory / "flink", ignore_errors=True)
        histories = run.histories or _count_entities(run)
        statistics = run.statistics or _make_statistics(run)
        total = _count_lines(run.events)
        config = job_config(run, histories, statistics)
        coverage = _print_coverage(run, config)
        (run.directory / CONFIG_FILE).write_text(as_text(config))
        job = start(config)
        if run.print_alerts:
            result = job.wait()
        else:
            with progress_bar("scoring") as progress:
                result = job.wait(lambda counts: progress(counts.records, total))
        _collect_outputs(run.directory)
        unknown_codes = _print_unknown_codes(job.accumulators)
        _write_facts(run, config, result, coverage, unknown_codes)
    except JobCancelled as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except JobFailed as error:
        if debug:
            click.echo(error.trace, err=True)
        raise UserError(str(error)) from None
    except (ConfigError, OSError) as error:
        raise UserError(str(error)) from None
    return result


def job_config(run: ScoringRun, histories: Path, statistics: Path) -> JobConfig:
    """The job's configuration for the run. Raises ConfigError."""
    from jobs.config.loading import parse_config

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
        ("lists", run.lists),
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
    """Compute the entity history of the events, including the bundle's attributes; returns the file."""
    from jobs.config.value_types import shipped_bundle
    from models.entity_history import aggregate_entities, profiles_of, write_history
    from models.event_files import EventFileError
    from udfs.entities.buckets import BucketSettings
    from udfs.scoring.bundle import BundleError, read_manifest
    from udfs.values.fx_rates import FxFileError

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
    """Compute population statistics as of the times of the events; returns the file."""
    from models.event_files import EventFileError
    from models.statistics import collect_statistics, write_statistics
    from udfs.records.profiles import UserProfile
    from udfs.stores.port import StoreError
    from udfs.stores.reference_rows import REFERENCE_FILES, rows_of
    from udfs.values.fx_rates import FxFileError

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
    _print_statistics(report.statistics)
    return path


def _money(run: ScoringRun) -> Money:
    """The run's base currency and rates. Raises FxFileError."""
    from udfs.values.fx_rates import load_fx_rates
    from udfs.values.money import Money

    return Money(run.base_currency, load_fx_rates(run.fx_rates) if run.fx_rates else ())


def _print_statistics(statistics: Statistics) -> None:
    snapshots = len(statistics.snapshots) - 1
    if snapshots > 0:
        click.echo(
            f"population statistics: computed from the events, {snapshots:,} snapshots; each transaction is compared with "
            "the newest snapshot before it, those before the first one with none"
        )
    else:
        click.echo(
            "population statistics: too few events; rules that compare with the population are unknown "
            "(give --statistics, computed from earlier history by `fraud stats`)"
        )


def _print_coverage(run: ScoringRun, config: JobConfig) -> InputCoverage:
    """Print which of the model's inputs the events lack. Raises UserError for an unusable bundle."""
    from jobs.config.input_sample import coverage_of_file
    from udfs.scoring.bundle import BundleError, read_manifest
    from udfs.scoring.coverage_words import coverage_lines

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
    """Concatenate the part files of each output, in the order of their numbers."""
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
    """Writer (a random id) and sequence number of `part-WRITER-NUMBER.jsonl`."""
    writer, _, number = path.stem.rpartition("-")
    return writer, int(number)


def _print_unknown_codes(accumulators: dict[str, int]) -> dict[str, int]:
    """Print and return the codes that no feature knows, by count (each is a category of its own), and print what was
    dropped."""
    from udfs.flink.progress import UNKNOWN_CODE_PREFIX
    from udfs.records.codes import UNREADABLE

    found = {
        name.removeprefix(UNKNOWN_CODE_PREFIX): count
        for name, count in accumulators.items()
        if name.startswith(UNKNOWN_CODE_PREFIX)
    }
    dropped = {name: count for name, count in found.items() if name.endswith(f"={UNREADABLE}")}
    if dropped:
        fields = ", ".join(f"{name.partition('=')[0]} ({count:,})" for name, count in sorted(dropped.items()))
        click.echo(f"fields dropped because their values cannot be read, the payments are kept: {fields}", err=True)
    unknown = [(name, count) for name, count in found.items() if name not in dropped]
    most = sorted(unknown, key=lambda item: (-item[1], item[0]))
    if most:
        shown = ", ".join(f"{name} ({count:,})" for name, count in most[:MOST_CODES_SHOWN])
        rest = f" and {len(most) - MOST_CODES_SHOWN} more" if len(most) > MOST_CODES_SHOWN else ""
        click.echo(f"unknown codes, each counted as a category of its own: {shown}{rest}")
    return dict(most)


def _write_facts(
    run: ScoringRun, config: JobConfig, result: JobResult, coverage: InputCoverage, unknown_codes: dict[str, int]
) -> None:
    import msgspec

    from jobs.config.scoring import scorer_config
    from udfs.rules.pack_files import rule_set_of
    from udfs.rules.rule_map import find_rule_map
    from udfs.rules.rulebook import Rulebook
    from udfs.scoring.bundle import read_manifest
    from udfs.scoring.decider import judge_of
    from udfs.scoring.decision_settings import Thresholds

    counts = result.counts
    rule_set, manifest = rule_set_of(run.rules), read_manifest(Path(config.scoring.bundle))
    rulebook = Rulebook(rule_set, manifest.feature_names, named_lists(run.lists))
    judge = judge_of(scorer_config(config).decision, manifest.decision, rulebook)
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
        "lists": rulebook.list_versions or None,
        "rule_ids": [rule.id for rule in rule_set.rules if rule.enabled],
        "statistics": str(run.statistics) if run.statistics else "computed from the events",
        "thresholds": Thresholds(*judge.thresholds),
        "points": "calibrated on history" if judge.rule_map == "calibrated" else "cautious: never calibrated",
        "rule_map": find_rule_map(manifest.decision.rule_maps, rule_set),
        "input_coverage": coverage,
        "unknown_codes": unknown_codes or None,
    }
    (run.directory / "run.json").write_bytes(
        msgspec.json.format(
            msgspec.json.encode({name: value for name, value in facts.items() if value is not None}), indent=2
        )
    )

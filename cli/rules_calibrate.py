"""`fraud rules calibrate`: learns the rule map of a rule set from history."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.list_option import LISTS, check_rules_of_command
from cli.progress import progress_bar

if TYPE_CHECKING:
    from models.decision_budget import Budget
    from models.frame import TrainingFrame
    from models.recalibrate import Recalibrated
    from udfs.scoring.bundle import Manifest


@click.command(name="calibrate")
@click.argument("rules")
@click.option("--events", required=True, type=click.Path(path_type=Path),
              help="History with labels, in order of arrival (JSON Lines).")  # fmt: skip
@click.option("--reference", type=click.Path(path_type=Path), help="Folder of users, merchants, devices, feeds.")
@click.option("--bundle", type=click.Path(path_type=Path), help="Model bundle; the shipped one by default.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the new bundle; BUNDLE itself by default.")
@LISTS
@click.option("--statistics", type=click.Path(path_type=Path),
              help="Population statistics; computed from the events by default.")  # fmt: skip
@click.option("--budget-fpr", type=click.FloatRange(0, 1), metavar="SHARE",
              help="Choose the thresholds so that at most this share of legitimate payments is referred.")  # fmt: skip
@click.option("--budget-alerts-per-day", type=click.FloatRange(min=0, min_open=True), metavar="N",
              help="Or so that at most N payments a day are referred.  [default: the bundle's budget]")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), help="Replay processes.  [default: one a core]")
def calibrate(
    rules: str,
    events: Path,
    reference: Path | None,
    bundle: Path | None,
    out: Path | None,
    lists: Path | None,
    statistics: Path | None,
    budget_fpr: float | None,
    budget_alerts_per_day: float | None,
    workers: int | None,
) -> None:
    """Replay history, evaluate RULES (a file, or the name of a shipped pack) on each payment, and fit a monotone map from
    points to fraud rate, the weights of model and rules, and the thresholds for the budget.

    They are written to a new bundle version. The map applies while rules of the same content are in force; points of
    other rules count with the cautious default. Publish it to a running job by `fraud control publish --bundle`.

    \b
    fraud rules calibrate my.yaml --events history/events.jsonl --reference history/reference \\
        --bundle my-bundle --out my-bundle-2
    """
    from cli.event_input import check_events
    from jobs.config.value_types import shipped_bundle
    from models.decision_budget import AlertsPerDay, FalsePositiveRate
    from models.event_files import EventFileError
    from models.frame import TrainingError
    from models.processes import WorkerDied, cores
    from models.recalibrate import recalibrate
    from udfs.features.feature_set import feature_set_of
    from udfs.rules.pack_files import RuleFileError
    from udfs.rules.population import PopulationError
    from udfs.scoring.bundle import BundleError, load_bundle
    from udfs.stores.port import StoreError

    if budget_fpr is not None and budget_alerts_per_day is not None:
        raise UserError("give one budget: --budget-fpr or --budget-alerts-per-day")
    budget: Budget | None = None
    if budget_fpr is not None:
        budget = FalsePositiveRate(budget_fpr)
    elif budget_alerts_per_day is not None:
        budget = AlertsPerDay(budget_alerts_per_day)
    folder = bundle or Path(shipped_bundle())
    if out is None and bundle is None:
        raise UserError("the shipped bundle is not overwritten: give the folder of the new one with --out")
    check_rules_of_command(rules, lists, folder)
    check_events(events)
    try:
        attributes = _manifest(folder).attributes
        features = feature_set_of(attributes)
        loaded = load_bundle(folder, features.names, features.version)
        frame = _frame(rules, lists, events, reference, folder, statistics, workers or cores())
        result = recalibrate(frame, loaded, folder, out or folder, budget)
    except (
        BundleError,
        RuleFileError,
        EventFileError,
        TrainingError,
        StoreError,
        PopulationError,
        WorkerDied,
    ) as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}") from None
    _print_result(result, out or folder)


def _manifest(folder: Path) -> Manifest:
    from udfs.scoring.bundle import read_manifest

    return read_manifest(folder)


def _frame(
    rules: str, lists: Path | None, events: Path, reference: Path | None, bundle: Path, statistics: Path | None,
    workers: int,
) -> TrainingFrame:  # fmt: skip
    """Replay the history into a training frame with the rules' points."""
    from models.entity_history import aggregate_entities, profiles_of, write_history
    from models.statistics import collect_statistics, write_statistics
    from models.training_data import training_frame
    from udfs.records.profiles import UserProfile
    from udfs.scoring.settings import ScorerConfig, ScorerPaths
    from udfs.stores.reference_rows import REFERENCE_FILES, rows_of
    from udfs.values.money import Money

    config, attributes = ScorerConfig(), _manifest(bundle).attributes
    with TemporaryDirectory() as temporary:
        histories, computed = Path(temporary) / "entity_history.jsonl", Path(temporary) / "statistics.json"
        with progress_bar("counting merchants, devices, …") as progress:
            profiles = profiles_of(reference) if attributes else {}
            rows = aggregate_entities(events, config.buckets, None, progress, attributes, profiles)
            write_history(rows, histories)
        if statistics is None:
            users = {
                row.record.user_id: row.record
                for file in REFERENCE_FILES
                if reference is not None and file.kind is UserProfile
                for row in rows_of(reference, file)
                if isinstance(row.record, UserProfile)
            }
            with progress_bar("population statistics") as progress:
                report = collect_statistics(events, users, Money(config.base_currency), progress=progress)
            write_statistics(report.statistics, computed)
        paths = ScorerPaths(
            bundle=str(bundle),
            rules=rules,
            lists=None if lists is None else str(lists),
            statistics=str(statistics or computed),
            reference=str(reference) if reference else None,
            histories=str(histories),
        )
        with progress_bar("replaying history") as progress:
            return training_frame(events, config, paths, None, progress, workers, attributes)


def _print_result(result: Recalibrated, out: Path) -> None:
    decision, rule_map = result.calibrated.decision, result.calibrated.rule_map
    since = datetime.fromtimestamp(result.from_ms / 1000, tz=UTC)
    click.echo(f"bundle {result.manifest.name} {result.manifest.version} in {out}")
    click.echo(f"learned from {result.rows:,} payments with {result.frauds:,} frauds since {since:%Y-%m-%d %H:%M} UTC")
    if not result.is_unseen:
        click.echo(
            "note: the model was trained on some of these payments, so its weight is overestimated; calibrate on history "
            "after its training period"
        )
    if rule_map is not None:
        click.echo(f"\n{'points':>6}  {'fraud rate':>10}   (map of {rule_map.rows:,} payments)")
        for points, rate in zip(rule_map.points, rule_map.rates, strict=True):
            click.echo(f"{points:>6}  {rate:>10.3%}")
    click.echo(
        f"\nmodel's weight {decision.model_weight:.3f}, rules' weight {decision.rules_weight:.3f}, "
        f"offset {decision.offset:+.3f} (in log-odds)"
    )
    if decision.rules_weight == 0.0:
        click.echo("the rules' points have weight 0: the model ranks better without them; forced actions still apply")
    click.echo(
        f"refer above {decision.refer_above}, soft challenge above {decision.soft_challenge_above}, "
        f"hard block above {decision.hard_block_above}"
    )

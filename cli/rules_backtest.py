"""`fraud rules backtest`: what a rule set would have done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.list_option import LISTS, named_lists
from cli.progress import progress_bar

if TYPE_CHECKING:
    from cli.decision_table import Over
    from jobs.config.job import JobConfig
    from models.backtest.labels import Unlabelled
    from models.backtest.parquet_files import ParquetTable
    from models.backtest.replayed import Replay
    from models.backtest.report import BacktestReport
    from models.backtest.trial import Deciding, Trial
    from udfs.rules.rule_set import RuleSet


@click.command(name="backtest")
@click.argument("rules")
@click.option("--over", "place", required=True, metavar="RUN|PARQUET|STORE",
              help="Decisions: a run's folder, Parquet of `fraud store export`, or a decision store's URL.")  # fmt: skip
@click.option("--against", metavar="RULES", help="The rules to compare with.  [default: what was decided then]")
@click.option("--until", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), metavar="TIME",
              help="Use nothing that was not known by then (UTC): neither payments nor labels.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["table", "json", "html"]), default="table", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="File for json or html.  [default: standard output]")
@click.option("--bundle", type=click.Path(path_type=Path),
              help="Bundle whose blend and thresholds decide; the run's or the shipped one by default.")  # fmt: skip
@click.option("--config", type=click.Path(path_type=Path),
              help="The job's configuration: thresholds, bundle, statistics; RUN/job.yaml by default.")  # fmt: skip
@click.option("--unlabelled", type=click.Choice(["legitimate", "unknown"]), default="legitimate", show_default=True,
              help="What a payment is that has no label after 30 days.")  # fmt: skip
@click.option("--events", type=click.Path(path_type=Path),
              help="Events that were scored, with labels; by default the run's or the store's.")  # fmt: skip
@click.option("--labels", multiple=True, type=click.Path(path_type=Path),
              help="More files with labels; may be given again.")  # fmt: skip
@click.option("--statistics", type=click.Path(path_type=Path),
              help="Population statistics; those of the configuration by default.")  # fmt: skip
@LISTS
@click.option("--reference", type=click.Path(path_type=Path),
              help="Reference folder of a replay: users, …, block list; that of the configuration by default.")  # fmt: skip
def backtest(
    rules: str, place: str, against: str | None, until: object, form: str, out: Path | None, bundle: Path | None,
    config: Path | None, events: Path | None, labels: tuple[Path, ...], statistics: Path | None, unlabelled: Unlabelled,
    lists: Path | None, reference: Path | None,
) -> None:  # fmt: skip
    """Try RULES (a file, or the name of a shipped pack) on decisions that were made: hits, frauds caught and money of each
    rule, and every action before and after.

    Decisions must have their features; what rules read and was not logged is computed again from the events, which takes
    longer and is said. The result has an id: the same rules, data and labels give the same bytes. See docs/backtest.md.

    \b
    fraud rules backtest new.yaml --over out/demo
    fraud rules backtest new.yaml --against live.yaml --over decisions.parquet --format html --out backtest.html
    """
    from cli.decision_table import Over, decision_table, recorded_config
    from models.backtest.errors import BacktestError
    from models.backtest.trial import backtest as try_rules
    from models.event_files import EventFileError
    from udfs.process.owner_only import owner_only
    from udfs.rules.errors import RuleError
    from udfs.rules.rule_map import RuleMapError
    from udfs.stores.port import StoreError

    click.get_current_context().with_resource(owner_only())  # examples name users and transactions
    over = Over(place, events, labels, () if bundle is None else (bundle,))
    recorded = recorded_config(over, config)
    trial = _trial(rules, against, until, unlabelled, _deciding(recorded, bundle, statistics, lists))
    with decision_table(over) as table:
        try:
            replayed = _replayed(table, trial, over, recorded, reference)
            horizon_ms = trial.until_ms if trial.until_ms is not None else table.newest_moment_ms()
            with progress_bar("trying the rules") as progress:
                report = try_rules(table, trial, horizon_ms or 0, replayed, progress)
        except (BacktestError, EventFileError, RuleError, RuleMapError, StoreError) as error:
            raise UserError(str(error)) from None
    if replayed is not None:
        _say_replayed(report, replayed)
    _write(report, form, out)


def _trial(rules: str, against: str | None, until: object, unlabelled: Unlabelled, deciding: Deciding) -> Trial:
    from datetime import UTC, datetime

    from models.backtest.trial import Trial

    until_ms = int(until.replace(tzinfo=UTC).timestamp() * 1000) if isinstance(until, datetime) else None
    return Trial(
        _checked(rules, deciding),
        None if against is None else _checked(against, deciding),
        deciding,
        until_ms,
        unlabelled,
    )


def _checked(rules: str, deciding: Deciding) -> RuleSet:
    """The rule set, without errors; warnings are written. Raises UserError."""
    from udfs.rules.pack_files import RuleFileError, rule_set_of
    from udfs.rules.rulebook import rule_problems

    try:
        rule_set = rule_set_of(rules)
    except RuleFileError as error:
        raise UserError(str(error)) from None
    problems = rule_problems(rule_set, deciding.manifest.feature_names, deciding.lists)
    errors = [f"{rules}: {problem}" for severity, problem in problems if severity == "error"]
    if errors:
        raise UserError("\n".join(errors))
    for _, problem in problems:
        click.echo(f"{rules}: warning: {problem}", err=True)
    return rule_set


def _deciding(recorded: JobConfig | None, bundle: Path | None, statistics: Path | None, lists: Path | None) -> Deciding:
    from jobs.config.scoring import scorer_config
    from jobs.config.value_types import shipped_bundle
    from models.backtest.trial import Deciding
    from udfs.rules.population import PopulationError, load_population
    from udfs.scoring.bundle import BundleError, read_manifest
    from udfs.scoring.decision_settings import DecisionSettings

    folder = bundle or Path(recorded.scoring.bundle if recorded is not None else shipped_bundle())
    if statistics is None and recorded is not None and recorded.scoring.statistics:
        statistics = Path(recorded.scoring.statistics)
    if lists is None and recorded is not None and recorded.scoring.lists:
        lists = Path(recorded.scoring.lists)
    try:
        population = load_population(statistics)
        settings = DecisionSettings() if recorded is None else scorer_config(recorded).decision
        return Deciding(read_manifest(folder), settings, population, named_lists(lists))
    except (BundleError, PopulationError) as error:
        raise UserError(str(error)) from None


def _replayed(
    table: ParquetTable, trial: Trial, over: Over, recorded: JobConfig | None, reference: Path | None
) -> Replay | None:
    """Features and facts that rules read and decisions lack; None where there are none. Raises UserError, and what a replay
    raises."""
    from contextlib import ExitStack

    import msgspec

    from cli.decision_table import events_of_run
    from cli.store_events import store_events
    from jobs.config.scoring import scorer_config, scorer_paths
    from models.backtest.replayed import Replay
    from models.backtest.trial import names_to_read
    from udfs.scoring.settings import ScorerConfig, ScorerPaths

    names = names_to_read(trial, table.form(), is_replayed=True).replayed
    if not names:
        return None
    events = over.events or (events_of_run(over.run) if over.run is not None else None)
    if events is None and not over.is_store:
        raise UserError(
            f"the decisions did not log {', '.join(names)}, which rules read: give the events that were scored with "
            "--events, and the job's --config or --reference"
        )
    if recorded is None:
        config, paths = ScorerConfig(), ScorerPaths(bundle="")
        told = "without --config events are replayed by the default configuration"
        click.echo(f"{told}{'' if reference is not None else ', and without profiles and histories'}", err=True)
    else:
        config, paths = scorer_config(recorded), scorer_paths(recorded)
    if paths.store is not None and reference is None:
        raise UserError(
            "profiles and histories came from a remote store, which has only present values; give --reference, the folder "
            "that it was loaded from"
        )
    if reference is not None:
        paths = msgspec.structs.replace(paths, store=None, reference=str(reference))
    source = events or "the store's events, in the order of their times"
    click.echo(f"not logged, so replayed from {source}: {', '.join(names)}", err=True)
    with ExitStack() as stack:
        if events is None:
            events = stack.enter_context(store_events(over.place))
        progress = stack.enter_context(progress_bar("replaying events"))
        return Replay(events, config, paths, trial.deciding.manifest.attributes, names, progress)


def _say_replayed(report: BacktestReport, replayed: Replay) -> None:
    if replayed.missing:
        click.echo(
            f"{replayed.missing:,} of {report.data.decisions:,} decisions have no transaction in the events: what is "
            "replayed is unknown there",
            err=True,
        )


def _write(report: BacktestReport, form: str, out: Path | None) -> None:
    if form == "table":
        from cli.rules_backtest_table import show

        return show(report)
    if form == "json":
        import msgspec

        content = msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
    else:
        from reporting.backtest_page import backtest_html

        content = backtest_html(report).encode()
    if out is None:
        return click.echo(content.decode(), nl=False)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {error.strerror}; choose another path with --out") from None
    click.echo(f"backtest {report.id}: {out}")

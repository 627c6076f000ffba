"""`fraud score`: scores a file of transactions, the user's own tables included."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.list_option import LISTS

if TYPE_CHECKING:
    from udfs.records.outputs import FeatureForm


@click.command(name="score")
@click.option(
    "--input",
    "source",
    required=True,
    type=click.Path(path_type=Path),
    help="Events (JSON Lines), or with --mapping any table.",
)
@click.option("--mapping", type=click.Path(path_type=Path), help="YAML mapping of a foreign table's columns.")
@click.option("--decisions", type=click.Path(path_type=Path), help="Also copy the decisions to this file.")
@click.option("--run", "directory", type=click.Path(path_type=Path), default=Path("out/score"), show_default=True,
              help="Folder of the run: decisions, alerts, flags, dead letters, report.")  # fmt: skip
@click.option(
    "--reference", type=click.Path(path_type=Path), help="Folder of users, merchants, devices, feeds, block list."
)
@click.option(
    "--histories", type=click.Path(path_type=Path), help="Entity history; computed from the input by default."
)
@click.option("--bundle", type=click.Path(path_type=Path), help="Model bundle; the shipped one by default.")
@click.option("--rules", default="bank", show_default=True, help="Rule file, or the name of a shipped pack.")
@LISTS
@click.option("--statistics", type=click.Path(path_type=Path),
              help="Population statistics (`fraud stats`); computed from the input by default.")  # fmt: skip
@click.option("--fx-rates", type=click.Path(path_type=Path), help="CSV of currency,valid_from,rate.")
@click.option("--base-currency", default="USD", show_default=True, help="ISO 4217 code that amounts are summed in.")
@click.option("--truth", type=click.Path(path_type=Path), help="truth.jsonl, for precision and recall in the report.")
@click.option("--parallelism", default=1, show_default=True, help="Parallel scorers.")
@click.option("--features", "form", type=click.Choice(["names", "packed", "none"]), default="names", show_default=True,
              help="How decisions carry their features: by name, packed (less than half the size), or not.")  # fmt: skip
@click.option("--no-features", is_flag=True, help="The same as --features none.")
@click.option("--no-report", is_flag=True, help="Write no HTML report.")
@click.option("--debug", is_flag=True, help="Show the stack trace if the job fails.")
def command(
    source: Path,
    mapping: Path | None,
    decisions: Path | None,
    directory: Path,
    reference: Path | None,
    histories: Path | None,
    bundle: Path | None,
    rules: str,
    lists: Path | None,
    statistics: Path | None,
    fx_rates: Path | None,
    base_currency: str,
    truth: Path | None,
    parallelism: int,
    form: FeatureForm,
    no_features: bool,
    no_report: bool,
    debug: bool,
) -> None:
    """Score a file of transactions in a local Flink, with the same job that runs on a cluster.

    \b
    fraud convert --input mine.csv --guess > m.yaml       # propose a mapping, then edit it
    fraud score --input mine.csv --mapping m.yaml --decisions out.jsonl
    """
    from cli.event_input import MAP, check_events
    from cli.outcome import show_outcome
    from cli.scoring_run import ScoringRun, score

    if not source.exists():
        raise UserError(f"{source}: no such file")
    if mapping is not None:
        source, converted_truth = _converted(source, mapping, directory)
        truth = truth or converted_truth
    check_events(source, MAP)
    run = ScoringRun(
        directory=directory,
        events=source,
        reference=reference,
        histories=histories,
        bundle=bundle,
        rules=rules,
        lists=lists,
        statistics=statistics,
        fx_rates=fx_rates,
        base_currency=base_currency,
        parallelism=parallelism,
        log_features="none" if no_features else form,
    )
    score(run, debug)
    if decisions is not None:
        _copy(directory / "decisions.jsonl", decisions)
    show_outcome(directory, truth, None if no_report else directory / "report.html")


def _converted(source: Path, mapping: Path, directory: Path) -> tuple[Path, Path | None]:
    """Convert the table to events in the run's folder; returns the files of events and, with labels, of truth."""
    from cli.convert import convert_tables, print_conversion

    directory.mkdir(parents=True, exist_ok=True)
    summary = convert_tables((source,), (mapping,), directory)
    print_conversion(summary)
    truth = directory / "truth.jsonl"
    return directory / "events.jsonl", truth if truth in summary.files else None  # one of an earlier run does not count


def _copy(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (target.exists() and target.samefile(source)):
            shutil.copyfile(source, target)
    except OSError as error:
        raise UserError(f"{target}: cannot be written: {error.strerror}") from None
    click.echo(f"decisions in {target}")

"""`fraud store export`: decisions as Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError

if TYPE_CHECKING:
    from udfs.records.outputs import FeatureForm


@click.command(name="export")
@click.option("--to", "path", required=True, type=click.Path(path_type=Path), help="The Parquet file to write.")
@click.option("--run", type=click.Path(path_type=Path), help="Folder of a scored run, or a file of decisions.")
@click.option("--store", "url", metavar="URL", envvar="FRAUD_CONSOLE_STORE", help="Decision store of the console.")
@click.option("--events", type=click.Path(path_type=Path),
              help="Events that were scored, with labels (JSON Lines); those that the run names by default.")  # fmt: skip
@click.option("--labels", multiple=True, type=click.Path(path_type=Path),
              help="More files with labels; may be given again.")  # fmt: skip
@click.option("--features", type=click.Choice(["names", "packed", "none"]),
              help="A column for each, packed as they were logged, or none.  [default: as logged]")  # fmt: skip
@click.option("--bundle", "bundles", multiple=True, type=click.Path(path_type=Path),
              help="Bundle of an earlier feature set, for packed features; may be given again.")  # fmt: skip
def export(
    path: Path, run: Path | None, url: str | None, events: Path | None, labels: tuple[Path, ...],
    features: FeatureForm | None, bundles: tuple[Path, ...],
) -> None:  # fmt: skip
    """Write decisions with features, the fields of their events, and labels with their time of arrival as one Parquet file,
    for `fraud rules backtest`, DuckDB, polars and pandas. Columns: docs/backtest.md.

    \b
    fraud store export --run out/demo --to decisions.parquet
    fraud store export --store sqlite:///out/console/store.sqlite --to decisions.parquet
    """
    from cli.decision_table import Over, write_table

    if run is not None:
        over = Over(str(run), events, labels, bundles)
    elif url is not None:
        if events is not None or labels:
            raise UserError("a store has its events and labels: --events and --labels go with --run")
        over = Over(url, None, (), bundles)
    else:
        raise UserError("give --run or --store")
    count = write_table(over, path, features)
    click.echo(f"{path}: {count:,} decisions")

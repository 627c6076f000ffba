"""Card payments in the layout of a public generator: train on one file, score another through the streaming job.

    python -m benchmarks.cards --transactions FILE --users FILE --later FILE --later-users FILE --until DATE --out DIR

What comes before DATE in the first file is learned from, with the labels that were known by then. The later file is
scored from DATE on by the job, its labels a week late in the stream; its part before DATE is history. Beside it plain
XGBoost on static columns and windows (cards_baseline.py), trained and tested on the same rows.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.errors import UserError

INTERRUPTED = 130
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="cards")
@click.option("--transactions", required=True, type=FILE, help="Payments to learn from.")
@click.option("--users", required=True, type=FILE, help="Their card holders.")
@click.option("--later", required=True, type=FILE, help="Payments to score: of the same people or of others.")
@click.option("--later-users", required=True, type=FILE, help="Their card holders.")
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]),
              help="Learn from what is before this day (UTC), measure from it on.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="Folder for decisions.parquet, metrics.json and bundle/.")  # fmt: skip
@click.option("--quick", is_flag=True, help="A small model, to see that all works.")
@click.option("--keep-work", is_flag=True, help="Keep events, profiles and the job's own decisions in OUT/work.")
@click.pass_context
def main(
    context: click.Context,
    transactions: Path,
    users: Path,
    later: Path,
    later_users: Path,
    until: datetime,
    out: Path,
    quick: bool,
    keep_work: bool,
) -> None:
    """Train on one file of card payments, score a later one through the streaming job, compare with plain XGBoost.

    \b
    Files are CSV (comma, pipe, semicolon or tab; may be gzipped) or Parquet, in any order of rows, with the columns
      payments: trans_num, cc_num, unix_time (seconds), category, merchant, amt, merch_lat, merch_long, is_fraud (0/1)
      users:    cc_num, gender, city, state, zip, lat, long, city_pop, job, dob
    Others are left alone. A payment that stands twice counts once; what cannot be read is dropped and told.

    \b
      python -m benchmarks.cards --transactions train.csv --users people.csv \\
        --later test.parquet --later-users people.csv --until 2020-06-21 --out out/cards

    Where the later file goes on where the first ends, the first one's payments build up habits and merchants' history
    for it; where both cover the same time, the later file's own payments before the date do.

    \b
    DIR/decisions.parquet  transaction_id, user_id, timestamp, probability, risk_score of each payment from DATE on
    DIR/metrics.json       AUC, average precision, recall at .1, .5 and 1 % false positives, calibration error, card
                           precision@100, beside plain XGBoost on the same rows; rows, frauds, seconds, throughput
    DIR/bundle             the model, for `fraud score --bundle`

    Exit code 0: done. 2: the files, the date or the job (one line says what to change). 130: interrupted.
    Two files of 400,000 payments take 2.1 GB of memory; time, and disk in DIR/work, grow with the rows.
    """
    from benchmarks.cards_columns import TableError
    from benchmarks.cards_results import print_results
    from benchmarks.cards_run import Files, run
    from benchmarks.cards_scoring import UndecidedTransactions
    from jobs.config_errors import ConfigError
    from jobs.failures import JobCancelled, JobFailed
    from models.event_files import EventFileError
    from models.frame import TrainingError
    from models.processes import WorkerDied
    from udfs.stores.port import StoreError

    work = out / "work"
    files = Files(transactions, users, later, later_users)
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        with temporary_files_in(work):
            result = run(files, int(until.replace(tzinfo=UTC).timestamp() * 1000), out, quick)
    except (KeyboardInterrupt, JobCancelled):
        shutil.rmtree(work, ignore_errors=True)
        click.echo("interrupted: nothing was measured", err=True)
        context.exit(INTERRUPTED)
    except (
        TableError, TrainingError, EventFileError, StoreError, WorkerDied, ConfigError, JobFailed, UndecidedTransactions,
        OSError,
    ) as error:  # fmt: skip
        raise UserError(str(error)) from None
    if not keep_work:
        shutil.rmtree(work)
    print_results(result)
    click.echo(f"wrote {out / 'decisions.parquet'}, {out / 'metrics.json'} and {out / 'bundle'}")


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Python's temporary files go there: the training frame is larger than many a /tmp."""
    before = tempfile.tempdir
    tempfile.tempdir = str(folder.resolve())
    try:
        yield
    finally:
        tempfile.tempdir = before


if __name__ == "__main__":
    main()

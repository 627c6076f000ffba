"""Card payments in the layout of a public generator: train on one file, score another through the streaming job.

    python -m benchmarks.cards --transactions FILE --users FILE --later FILE --later-users FILE --until DATE --out DIR

Training uses the transactions before DATE in the first file whose labels were known by then. The job scores the later
file from DATE on, with labels a week late in the stream; its transactions before DATE are history. The baseline is plain
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
@click.option("--transactions", required=True, type=FILE, help="Payments for training.")
@click.option("--users", required=True, type=FILE, help="Card holders of --transactions.")
@click.option("--later", required=True, type=FILE, help="Payments to score, of the same or other card holders.")
@click.option("--later-users", required=True, type=FILE, help="Card holders of --later.")
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]),
              help="Train on payments before this day (UTC), measure from this day on.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="Folder for decisions.parquet, metrics.json and bundle/.")  # fmt: skip
@click.option("--quick", is_flag=True, help="Train a small model, to try the benchmark.")
@click.option("--keep-work", is_flag=True, help="Keep events, profiles and the job's decisions in OUT/work.")
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
    Other columns are ignored. Repeated and unreadable payments are dropped and counted.

    \b
      python -m benchmarks.cards --transactions train.csv --users people.csv \\
        --later test.parquet --later-users people.csv --until 2020-06-21 --out out/cards

    Where the later file continues the first, the first file's payments build up habits and entity history for it;
    where both cover the same time, the later file's own payments before the date do.

    \b
    DIR/decisions.parquet  transaction_id, user_id, timestamp, probability, risk_score of each payment from DATE on
    DIR/metrics.json       AUC, average precision, recall at .1, .5 and 1 % false positives, calibration error and card
                           precision@100, also of plain XGBoost on the same rows; rows, frauds, seconds, throughput
    DIR/bundle             the model, for `fraud score --bundle`

    Exit codes: 0 success; 2 an error in the files, the date or the job (one line names the remedy); 130 interrupted.
    Two files of 400,000 payments need 2.1 GB of memory; time and disk in DIR/work grow with the number of rows.
    """
    from benchmarks.cards_columns import TableError
    from benchmarks.cards_results import print_results
    from benchmarks.cards_run import Files, run
    from benchmarks.cards_scoring import UndecidedTransactions
    from jobs.config.errors import ConfigError
    from jobs.runtime.failures import JobCancelled, JobFailed
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
        click.echo("interrupted: no results", err=True)
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
    """Redirects Python's temporary files to the folder: the training frame may exceed the size of /tmp."""
    before = tempfile.tempdir
    tempfile.tempdir = str(folder.resolve())
    try:
        yield
    finally:
        tempfile.tempdir = before


if __name__ == "__main__":
    main()

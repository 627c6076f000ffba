"""The Fraud Detection Handbook's protocol, with features and scores of the streaming job.

    python -m benchmarks.handbook --transactions FILE --train-start 2018-07-25 --out out/handbook

All history before the train week builds up user state and terminal history, as in production; the models are trained on
the train week alone. The job reads the history and stops with a savepoint. Restored from it, one run logs the train
week's features and another scores the test week with the new bundle (handbook_job.py). Several dates share the history
and the logged features. The baseline is the handbook's own features and model (handbook_baseline.py).
"""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path

import click
import numpy as np

from benchmarks.handbook_baseline import baseline_features
from benchmarks.handbook_job import HandbookJob, StopPoint
from benchmarks.handbook_protocol import DELAY_DAYS, TEST_DAYS, TRAIN_DAYS, Columns
from benchmarks.handbook_results import print_results, write_results
from benchmarks.handbook_table import columns_of, read_table, write_events
from benchmarks.handbook_week import LoggedWeeks, evaluate_week, score_baseline, train_week
from cli.progress import progress_bar
from models.metrics import DAY_MS

MARGIN_DAYS = 7  # a run stops some thousand transactions after its target; a week has tens of thousands
PROTOCOL_DAYS = TRAIN_DAYS + DELAY_DAYS + TEST_DAYS


@click.command(name="handbook")
@click.option("--transactions", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Parquet of the handbook's columns.")  # fmt: skip
@click.option("--train-start", "starts", required=True, multiple=True, type=click.DateTime(["%Y-%m-%d"]),
              help="First day of the train week; may be given several times.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="Folder for decisions.parquet and metrics.json; with several dates, a subfolder for each.")  # fmt: skip
@click.option("--keep-work", is_flag=True, help="Keep events, savepoints and decision logs in OUT/work.")
def main(transactions: Path, starts: tuple[datetime, ...], out: Path, keep_work: bool) -> None:
    """Train on a week, wait a week for its labels, test on the third; print the handbook's three metrics."""
    days = sorted({(start.date() - date(1970, 1, 1)).days for start in starts})
    work = out / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        table = read_table(transactions, days[-1] + PROTOCOL_DAYS)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    columns = columns_of(table)
    _check_dates(columns, days)
    events = write_events(table, work)
    job = HandbookJob(events, _count_terminals(events, work), work, len(columns.labels))
    baseline = baseline_features(columns)

    start = StopPoint()
    before = _transactions_before(columns, days[0] - MARGIN_DAYS)
    if before > 0:
        start = job.run_part(start, before, "history", outputs=False)
    features = job.run_part(start, _transactions_before(columns, days[-1] + TRAIN_DAYS), "features")
    logged = LoggedWeeks(columns, features.decisions, days[0], days[-1])
    results = []
    for day in days:
        name = str(np.datetime64(day, "D"))
        folder = out / name if len(days) > 1 else out
        trained = train_week(logged, day, folder / "bundle")
        end = _transactions_before(columns, day + PROTOCOL_DAYS)
        tested = job.run_part(start, end, f"test {name}", trained.bundle)
        result = evaluate_week(logged, day, trained, tested.decisions, folder)
        shutil.rmtree(work / f"test-{name}")
        results.append(score_baseline(result, baseline, columns, day))
        write_results(results[-1], folder)
    print_results(results)
    if not keep_work:
        shutil.rmtree(work)


def _check_dates(columns: Columns, days: list[int]) -> None:
    seen = columns.timestamps_ms // DAY_MS
    first, last = int(seen.min()), int(seen.max())
    if days[0] < first or days[-1] + PROTOCOL_DAYS - 1 > last:
        raise click.BadParameter(
            f"{PROTOCOL_DAYS} days are required from each date on; the file has {np.datetime64(first, 'D')} to "
            f"{np.datetime64(last, 'D')}",
            param_hint="--train-start",
        )


def _transactions_before(columns: Columns, day: int) -> int:
    return int((columns.timestamps_ms < day * DAY_MS).sum())


def _count_terminals(events: Path, work: Path) -> Path:
    from models.entity_history import aggregate_entities, write_history
    from udfs.entities.buckets import BucketSettings

    path = work / "entity_history.jsonl"
    with progress_bar("counting terminals") as progress:
        write_history(aggregate_entities(events, BucketSettings(), progress=progress), path)
    return path


if __name__ == "__main__":
    main()

"""Runs the steps of the card benchmark and times each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import click
import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.cards_baseline import FEATURES, baseline_features, codes_of, fit, predict
from benchmarks.cards_columns import TableError
from benchmarks.cards_results import Job, Metrics, Result, measure, part_of, write_results
from benchmarks.cards_scoring import Scored, score, write_decisions
from benchmarks.cards_stream import Stream, with_earlier_history, write_stream
from benchmarks.cards_table import CardTable, read_transactions, read_users
from benchmarks.cards_training import Trained, attributes_of, count_entities, train_on
from cli.progress import progress_bar

HOUR_SECONDS = 3_600


class Files(NamedTuple):
    transactions: Path
    users: Path
    later: Path
    later_users: Path


class Tables(NamedTuple):
    """The four files as tables; `first` contains only transactions before the date."""

    first: CardTable
    first_users: pa.Table
    later: CardTable
    later_users: pa.Table


def run(files: Files, until_ms: int, out: Path, quick: bool = False) -> Result:
    """Trains, scores and compares; writes decisions.parquet, metrics.json and bundle/ to `out`, temporary files to
    `out`/work.

    Raises TableError for unusable files, and the exceptions of training and of the job.
    """
    work = out / "work"
    clock = Clock()
    with clock.step("reading"):
        tables = read_tables(files, until_ms)
    with clock.step("events to learn from"):
        first = write_stream(tables.first, tables.first_users, work / "first")
    with clock.step("entities to learn from"):
        attributes = attributes_of(first)
        histories = count_entities(first, attributes)
    with clock.step("training, replay included"):
        shutil.rmtree(out / "bundle", ignore_errors=True)
        trained = train_on(first, histories, attributes, until_ms, out / "bundle", quick)
    shutil.rmtree(work / "first")
    with clock.step("events to score"):
        table, users, earlier_rows = with_earlier_history(*tables, until_ms)
        stream = write_stream(table, users, work / "later", table.rows_before(until_ms))
    with clock.step("entities to score by"):
        histories = count_entities(stream, attributes)
    with clock.step("the job"):
        scored = score(stream, histories, trained.bundle, work / "later")
    write_decisions(stream, scored, out / "decisions.parquet")
    with clock.step("plain XGBoost"):
        plain = _plain_xgboost(tables, stream, trained)
    with clock.step("measuring"):
        result = _result(tables, stream, trained, scored, plain, until_ms, earlier_rows)
    result.seconds = clock.seconds
    result.seconds_in_all = sum(clock.seconds.values())
    write_results(result, out)
    return result


class Clock:
    """Measures the wall-clock seconds of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.seconds[name] = round(perf_counter() - start, 1)


def read_tables(files: Files, until_ms: int) -> Tables:
    """Reads the files. Raises TableError where one is unusable or has no transactions on its side of the date."""
    with progress_bar("reading the tables") as progress:
        first = read_transactions(files.transactions)
        progress(1, 3)
        later = read_transactions(files.later)
        progress(2, 3)
        first_users, later_users = read_users(files.users), read_users(files.later_users)
        progress(3, 3)
    known = first.rows_before(until_ms)
    if not known:
        raise TableError(f"no training data before {_day(until_ms)}: {_range(first)}; choose a later --until")
    if later.rows_before(until_ms) == len(later):
        raise TableError(f"no transactions from {_day(until_ms)} on: {_range(later)}; choose an earlier --until")
    for table, users, users_file in ((first, first_users, files.users), (later, later_users, files.later_users)):
        _print_summary(table, users, users_file)
    return Tables(_cut(first, known), first_users, later, later_users)


def _cut(table: CardTable, rows: int) -> CardTable:
    """The first `rows` transactions, with the counts of dropped rows of the whole file."""
    part = table.take(slice(0, rows))
    return CardTable(part.path, part.transactions, part.cc_nums, table.duplicates, table.unreadable)


def _print_summary(table: CardTable, users: pa.Table, users_file: Path) -> None:
    notes = [
        f"{count:,} {words}"
        for count, words in ((table.duplicates, "repeated rows dropped"), (table.unreadable, "unreadable rows dropped"))
        if count
    ]
    cards = set(table.transactions["cc_num"].unique().to_pylist())
    without = len(cards - set(users["cc_num"].to_pylist()))
    if without:
        notes.append(f"{without:,} of {len(cards):,} cards are not in {users_file.name}")
    click.echo(f"{table.path.name}: {len(table):,} transactions" + "".join(f", {note}" for note in notes))


def _plain_xgboost(tables: Tables, stream: Stream, trained: Trained) -> npt.NDArray[np.float64]:
    """The baseline's probabilities of the measured transactions, float64 [n]."""
    with progress_bar("plain XGBoost") as progress:
        codes = codes_of(tables.first, tables.first_users)
        features = baseline_features(tables.first, tables.first_users, codes)
        progress(1, 3)
        booster = fit(features, tables.first.labels, trained.rows, trained.settings, trained.trees)
        progress(2, 3)
        later = baseline_features(stream.table, stream.users, codes)[stream.first_measured :]
        probabilities = predict(booster, later)
        progress(3, 3)
    return probabilities


def _result(
    tables: Tables,
    stream: Stream,
    trained: Trained,
    scored: Scored,
    plain: npt.NDArray[np.float64],
    until_ms: int,
    earlier_rows: int,
) -> Result:
    measured = stream.table.take(slice(stream.first_measured, None))
    learned = tables.first.take(trained.rows)
    users = _users(measured)

    def figures(probabilities: npt.NDArray[np.float64]) -> Metrics:
        return measure(measured.labels, probabilities, users, measured.times_ms)

    with progress_bar("measuring"):
        return Result(
            until=_day(until_ms),
            learned=part_of(learned.labels, _users(learned), learned.times_ms),
            measured=part_of(measured.labels, users, measured.times_ms),
            history_of_later_file=stream.first_measured - earlier_rows,
            history_of_first_file=earlier_rows,
            duplicates_dropped={"transactions": tables.first.duplicates, "later": tables.later.duplicates},
            unreadable_dropped={"transactions": tables.first.unreadable, "later": tables.later.unreadable},
            ours=figures(scored.probabilities),
            ours_model=figures(scored.model_probabilities),
            ours_risk_score=figures(scored.risk_scores / 1000),
            xgboost=figures(plain),
            xgboost_features=FEATURES,
            bundle_version=trained.version,
            settings=msgspec.to_builtins(trained.settings),
            trees=trained.trees,
            blend=trained.blend,
            job=Job(
                scored.seconds,
                scored.records,
                scored.decisions,
                scored.decisions / scored.seconds,
                scored.decisions / scored.seconds * HOUR_SECONDS,
            ),
            seconds={},
            seconds_in_all=0.0,
        )


def _users(table: CardTable) -> npt.NDArray[np.int64]:
    """A number for each user, int64 [N], ordered by the ids of decisions.parquet."""
    ids = table.cc_nums.to_numpy(zero_copy_only=False)
    _, codes = np.unique(ids.astype(str) if ids.dtype == object else ids, return_inverse=True)
    numbers: npt.NDArray[np.int64] = codes.astype(np.int64)
    return numbers


def _day(moment_ms: int) -> str:
    return str(np.datetime64(moment_ms, "ms").astype("datetime64[D]"))


def _range(table: CardTable) -> str:
    return f"{table.path} has unix_time from {_day(int(table.times_ms[0]))} to {_day(int(table.times_ms[-1]))} (UTC)"

"""The decision store: writing, and pages of every kind of filter: `python -m benchmarks.store`.

Writes synthetic decisions to SQLite and to a PostgreSQL server of its own, in batches as an intake does; in the same run the
first of the same rows plainly, by executemany and COPY into a table without any index. Then the time of a page of 50 by kind
of filter: the first reading, the slowest of the next ones, and the indexes of its plans.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TypeVar

import click
from sqlalchemy import text

from benchmarks.postgresql_server import PostgresqlServer
from benchmarks.store_plans import asked, indexes_of
from benchmarks.store_rows import BUNDLE, CANARY, DAYS, OLD_BUNDLE, RULES, START_MS, WORDS, synthetic
from cli.progress import progress_bar
from console.store.bulk import copy_rows
from console.store.encoding import COLUMNS, facts_of, row_of
from console.store.rows import Batch, DecisionFilters, DecisionRecord, DecisionRow, Page, Position
from console.store.store import DecisionStore
from console.store.tables import decisions

BATCH = 4_000
PLAIN_ROWS = 40_000
PAGE = 50
REPEATS = 7
Item = TypeVar("Item")
POSTGRESQL = {"shared_buffers": "1GB", "max_wal_size": "4GB", "checkpoint_timeout": "15min", "work_mem": "32MB"}


def filters(user_id: str, transaction_id: str) -> dict[str, DecisionFilters]:
    """One of each kind, and what is hard: a rare one among many, and two that never meet."""
    middle = START_MS + DAYS * 43_200_000
    return {
        "none": DecisionFilters(),
        "a day in the middle": DecisionFilters(from_ms=middle, to_ms=middle + 86_400_000),
        "user": DecisionFilters(user_id=user_id),
        "user, rule": DecisionFilters(user_id=user_id, rule=RULES[1]),
        "transaction": DecisionFilters(transaction_id=transaction_id),
        "action allow": DecisionFilters(action="allow"),
        "action hard_block": DecisionFilters(action="hard_block"),
        "score >= 900": DecisionFilters(min_score=900),
        "score 430 to 460": DecisionFilters(min_score=430, max_score=460),
        "score = 437": DecisionFilters(min_score=437, max_score=437),
        "score <= 3": DecisionFilters(max_score=3),
        "score 480 to 499, blocked (none)": DecisionFilters(min_score=480, max_score=499, action="hard_block"),
        "rule, frequent": DecisionFilters(rule=RULES[1]),
        "rule, rare": DecisionFilters(rule=RULES[20]),
        "rule, unknown": DecisionFilters(rule="no_such_rule"),
        "rule, flag PCI": DecisionFilters(rule=RULES[1], flag="PCI"),
        "two that exclude each other": DecisionFilters(rule=RULES[1], action="hard_block", max_score=899),
        "flag AML": DecisionFilters(flag="AML"),
        "flag KYC, tag unusual": DecisionFilters(flag="KYC", tag="unusual"),
        "tag": DecisionFilters(tag="unusual"),
        "bundle": DecisionFilters(bundle=BUNDLE),
        "bundle, before": DecisionFilters(bundle=OLD_BUNDLE),
        "bundle, canary": DecisionFilters(bundle=CANARY),
        "bundle, canary, allowed (none)": DecisionFilters(bundle=CANARY, action="allow"),
        "text, frequent": DecisionFilters(text=WORDS[1]),
        "text, rare": DecisionFilters(text=WORDS[399]),
        "text, three words": DecisionFilters(text=" ".join(WORDS[2:5])),
        "text, unknown": DecisionFilters(text="nothing of it"),
        "text, rule": DecisionFilters(text=WORDS[1], rule=RULES[15]),
        "text, action, score": DecisionFilters(text=WORDS[2], action="soft_challenge", min_score=790),
        "text, user": DecisionFilters(text=WORDS[1], user_id=user_id),
        "text, a day in the middle": DecisionFilters(text=WORDS[3], from_ms=middle, to_ms=middle + 86_400_000),
    }


def parts(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    waiting = iter(items)
    while part := list(islice(waiting, size)):
        yield part


def write_all(store: DecisionStore, count: int, label: str) -> tuple[float, float]:
    """Writes the decisions; returns decisions a second by the store, of all and of the last fifth."""
    spent = late = 0.0
    done = late_count = 0
    with progress_bar(f"{label}: writing") as progress:
        for part in parts(synthetic(count), BATCH):
            start = time.perf_counter()
            store.write(Batch(decisions=part, positions=[Position("benchmark", 0, done + len(part))]))
            passed = time.perf_counter() - start
            spent += passed
            done += len(part)
            if done > count * 0.8:
                late += passed
                late_count += len(part)
            progress(done, count)
    return done / spent, late_count / late


def write_plainly(store: DecisionStore, records: Sequence[DecisionRecord]) -> float:
    """Rows a second of the same rows into a table without indexes; encoded before."""
    rows = [row_of(record, facts_of(record, 1)) for record in records]
    names = ", ".join(COLUMNS)
    kind = store.database.engine.dialect
    types = ", ".join(f"{column.name} {column.type.compile(kind)}" for column in decisions.columns)
    with store.database.write() as connection:
        connection.execute(text(f"CREATE TABLE plain ({types})"))
    start = time.perf_counter()
    for part in parts(rows, BATCH):
        with store.database.write() as connection:
            if store.database.is_sqlite:
                places = ", ".join("?" * len(COLUMNS))
                connection.exec_driver_sql(f"INSERT INTO plain ({names}) VALUES ({places})", part)
            else:
                copy_rows(connection, f"COPY plain ({names}) FROM STDIN", part)
    rate = len(rows) / (time.perf_counter() - start)
    with store.database.write() as connection:
        connection.execute(text("DROP TABLE plain"))
    return rate


def measure_pages(store: DecisionStore, label: str) -> Iterator[str]:
    """Rows of a table: the times of a page by kind of filter."""
    some = store.decisions(limit=PAGE).items[-1]
    kinds = filters(some.user_id, some.transaction_id)
    yield "| filter | rows | first, ms | slowest of the next, ms | indexes |"
    yield "|---|---|---|---|---|"
    with progress_bar(f"{label}: pages") as progress:
        for number, (name, one) in enumerate(kinds.items()):
            times = []
            with asked(store.database) as statements:
                page, first = _timed(store, one, None)
            for _ in range(REPEATS):
                times.append(_timed(store, one, None)[1])
            if page.next_cursor is not None:
                times.append(_timed(store, one, page.next_cursor)[1])
            short = "+" if page.next_cursor is not None and len(page.items) < PAGE else ""
            indexes = ", ".join(indexes_of(store.database, statements))
            yield f"| {name} | {len(page.items)}{short} | {first:.1f} | {max(times):.1f} | {indexes} |"
            progress(number + 1, len(kinds))


def _timed(store: DecisionStore, one: DecisionFilters, cursor: str | None) -> tuple[Page[DecisionRow], float]:
    start = time.perf_counter()
    page = store.decisions(one, cursor, PAGE)
    return page, (time.perf_counter() - start) * 1_000


@contextmanager
def stores(which: str, folder: Path) -> Iterator[Iterator[tuple[str, DecisionStore]]]:
    server: PostgresqlServer | None = None

    def opened() -> Iterator[tuple[str, DecisionStore]]:
        nonlocal server
        if which in ("both", "sqlite"):
            yield "SQLite", DecisionStore.open(f"sqlite:///{folder / 'store.sqlite'}")
        if which in ("both", "postgresql"):
            server = PostgresqlServer(**POSTGRESQL)
            server.start()
            yield "PostgreSQL", DecisionStore.open(server.make_database("benchmark"))

    try:
        yield opened()
    finally:
        if server is not None:
            server.stop()


@click.command()
@click.option("--decisions", "count", default=200_000, show_default=True, type=click.IntRange(1_000, 5_000_000))
@click.option("--only", "which", type=click.Choice(["both", "sqlite", "postgresql"]), default="both", show_default=True)
def main(count: int, which: str) -> None:
    """Write decisions to each database and read filtered pages."""
    with tempfile.TemporaryDirectory(prefix="store-") as folder, stores(which, Path(folder)) as found:
        for label, store in found:
            plain = write_plainly(store, list(islice(synthetic(count), PLAIN_ROWS)))
            rate, late = write_all(store, count, label)
            again = write_plainly(store, list(islice(synthetic(count), PLAIN_ROWS)))
            click.echo(
                f"\n{label}, {count:,} decisions: {rate:,.0f} decisions/s (the last fifth {late:,.0f}/s); "
                "the same rows plainly "
                f"{plain:,.0f} rows/s before, {again:,.0f} after\n"
            )
            for line in measure_pages(store, label):
                click.echo(line)
            store.close()


if __name__ == "__main__":
    main()

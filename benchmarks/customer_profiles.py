"""Profiles of customers from a database: `python -m benchmarks.customer_profiles`.

Fills a SQLite file, and a PostgreSQL server of its own, with the simulator's tables of a bank, and profiles them in a
process of its own, which tells its time and its greatest resident memory. In the same run: how long reading the rows
alone takes.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import click

from benchmarks.machine import loop_nanoseconds
from benchmarks.postgresql_server import PostgresqlServer
from cli.progress import progress_bar
from customers.database import Database, find_table, rows_of
from customers.profiles import profile_customers
from customers.schema import TABLES
from customers.settings import load_settings
from simulator.config import DAY_MS, SimulatorConfig
from simulator.database import write_database
from simulator.generate import simulate

DAYS = 120
TRANSACTIONS_A_CUSTOMER = 50
START_MS = 1_767_225_600_000
POSTGRESQL = {"shared_buffers": "512MB", "work_mem": "32MB", "max_wal_size": "4GB"}
Measured = tuple[int, float, float, float, int]


def fill(url: str, transactions: int) -> dict[str, int]:
    """Rows by table."""
    config = SimulatorConfig(
        users=max(20, transactions // TRANSACTIONS_A_CUSTOMER),
        days=DAYS,
        seed=1,
        start_ms=START_MS,
        transactions=transactions,
    )
    database = Database(url)
    with progress_bar("simulating") as progress:
        written = write_database(simulate(config), database.engine, progress)
    database.close()
    return written.rows


def profile(url: str) -> Measured:
    """Customers, seconds, seconds of the processor, seconds of reading the rows alone, and MiB of resident memory at most of
    this process.
    """
    database = Database(url)
    start, processor = time.perf_counter(), time.process_time()
    profiles = profile_customers(database, load_settings(), START_MS + DAYS * DAY_MS)
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)
    start = time.perf_counter()
    with database.reading() as connection:
        for schema in TABLES:
            for _ in rows_of(connection, find_table(connection, schema, {}), "customer_id"):
                pass
    reading = time.perf_counter() - start
    database.close()
    return len(profiles.met), seconds, processor, reading, peak


def in_a_process(work: Callable[[str], Measured], url: str) -> Measured:
    """The result of the work done by a new process."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(work, url, sending))
    process.start()
    sending.close()
    measured: Measured = receiving.recv()
    process.join()
    return measured


def _send(work: Callable[[str], Measured], url: str, sending: Connection) -> None:
    sending.send(work(url))


@contextmanager
def databases(which: str, folder: Path) -> Iterator[dict[str, str]]:
    """URLs of empty databases by name."""
    found, server = {}, None
    if which in ("both", "sqlite"):
        found["SQLite"] = f"sqlite:///{folder / 'bank.sqlite'}"
    try:
        if which in ("both", "postgresql"):
            server = PostgresqlServer(**POSTGRESQL)
            server.start()
            found["PostgreSQL"] = server.make_database("bank")
        yield found
    finally:
        if server is not None:
            server.stop()


@click.command()
@click.option("--transactions", default=1_000_000, show_default=True, type=click.IntRange(1_000, 20_000_000))
@click.option("--only", "which", type=click.Choice(["both", "sqlite", "postgresql"]), default="both", show_default=True)
def main(transactions: int, which: str) -> None:
    """Profile the customers of a simulated bank in each database."""
    with tempfile.TemporaryDirectory(prefix="bank-") as folder, databases(which, Path(folder)) as found:
        click.echo(f"{loop_nanoseconds():.0f} ns a turn of an empty Python loop")
        for label, url in found.items():
            rows = fill(url, transactions)
            customers, seconds, processor, reading, peak = in_a_process(profile, url)
            total = sum(rows.values())
            told = f"{rows['transactions']:,} transactions, {total:,} rows, {customers:,} customers"
            click.echo(
                f"{label}: {told} in {seconds:.1f} s ({processor:.1f} s of the processor), reading the rows alone takes "
                f"{reading:.1f} s; at most {peak:,} MiB"
            )


if __name__ == "__main__":
    main()

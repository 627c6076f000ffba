"""From the five tables of a database to the profiles of its customers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from customers.conditions import Conditions, Met
from customers.database import Database, find_table
from customers.quality import Quality, nothing_found
from customers.reading import TableReader
from customers.schema import ACCOUNTS, CUSTOMERS, DEVICES, LOGINS, TABLES, TRANSACTIONS
from customers.settings import ProfileSettings
from customers.totals import Totals
from customers.values import NO_TIME

Progress = Callable[[int, int], None]


class Profiles(NamedTuple):
    """`met` has one item a customer, in the order of `totals.ids`."""

    as_of_ms: int
    totals: Totals
    met: list[Met]
    quality: Quality
    settings: ProfileSettings


def profile_customers(
    database: Database, settings: ProfileSettings, as_of_ms: int, progress: Progress = lambda done, total: None
) -> Profiles:
    """Profiles of all customers, in the order of their ids, as they were at a moment (epoch milliseconds).

    `progress` is told rows read and rows to read. Memory: a chunk of rows, the rows of the busiest customer, and about 500
    bytes a customer. Raises ProfileError.
    """
    conditions = Conditions(settings.conditions)
    quality = nothing_found()
    with database.reading() as connection:
        tables = {schema.name: find_table(connection, schema, settings.tables) for schema in TABLES}
        readers = {name: TableReader(connection, table, quality) for name, table in tables.items()}
        total, done = sum(reader.rows for reader in readers.values()), 0

        def report(rows: int) -> None:
            nonlocal done
            done += rows
            progress(done, max(total, done))

        ids, signed_up_ms = _customers(readers[CUSTOMERS.name], report)
        totals = Totals(ids, signed_up_ms, as_of_ms, settings.inactive_after_days, quality)
        positions = {name: position for position, name in enumerate(ids)}
        for schema, add in (
            (ACCOUNTS, totals.add_accounts),
            (DEVICES, totals.add_devices),
            (LOGINS, totals.add_logins),
            (TRANSACTIONS, totals.add_transactions),
        ):
            for chunk in readers[schema.name].chunks(positions, report):
                add(chunk)
    return Profiles(as_of_ms, totals, list(conditions.met(totals)), quality, settings)


def _customers(
    reader: TableReader, report: Callable[[int], None]
) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Ids and sign-ups: of a customer that is there twice the earliest readable sign-up."""
    known: dict[str, int] = {}
    repeated = 0
    for chunk in reader.customers(report):
        for name, signed_up_ms in zip(chunk.texts("customer_id"), chunk.times("signed_up_at").tolist(), strict=True):
            if name is None:
                continue
            before = known.get(name)
            repeated += before is not None
            if before is None or before == NO_TIME or NO_TIME < signed_up_ms < before:
                known[name] = signed_up_ms
    reader.repeated(repeated)
    ids = sorted(known)
    return ids, np.array([known[name] for name in ids], np.int64)

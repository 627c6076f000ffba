"""The database with the tables: SQLite, PostgreSQL or MySQL by SQLAlchemy, read in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from customers.errors import DatabaseError, TableError
from customers.schema import ACCOUNT_LINK, ACCOUNTS, TRANSACTIONS, Column, TableSchema
from customers.settings import TableNames
from udfs.rules.errors import one_line

ROWS_A_READ = 50_000
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql"}
_PACKAGES = {"mysql": "pymysql", "postgresql": "psycopg"}


class FoundTable(NamedTuple):
    """A table as it is in the database: `columns` are those of ours that it has, `declared` their types, in that order."""

    schema: TableSchema
    source: sa.FromClause
    columns: tuple[Column, ...]
    expressions: tuple[sa.ColumnElement[Any], ...]
    declared: tuple[str, ...]

    @property
    def absent(self) -> list[str]:
        """Columns that it does not have, and that need not be there."""
        return [column.name for column in self.schema.columns if column not in self.columns]

    def place(self, column: str) -> int | None:
        """The position of a column among `columns`."""
        names = [known.name for known in self.columns]
        return names.index(column) if column in names else None


class Database:
    """An open database. Not thread-safe."""

    def __init__(self, url: str) -> None:
        """Raises DatabaseError for a URL or driver that cannot be used, and for a SQLite file that is not there."""
        try:
            self._url = _with_driver(make_url(url))
            self.engine = sa.create_engine(self._url)
        except (ArgumentError, NoSuchModuleError, ValueError):
            raise DatabaseError(
                "the database must be a URL such as sqlite:///bank.sqlite, postgresql://USER@HOST/NAME or "
                "mysql://USER@HOST/NAME"
            ) from None
        except ImportError as error:
            raise DatabaseError(f"a driver is missing: install {_package(url)} ({one_line(error)})") from None

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database."""
        database = self._url.database if self._url.get_backend_name() == "sqlite" else None
        return Path(database) if database and database != ":memory:" else None

    @property
    def name(self) -> str:
        """The URL without its password."""
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection whose reads see one moment. Raises DatabaseError."""
        if self.path is not None and not self.path.is_file():
            raise DatabaseError(f"{self.path}: there is no such database file")
        with self._translated(), self.engine.connect() as connection:
            if self._url.get_backend_name() == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that writes. Raises DatabaseError."""
        with self._translated(), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise DatabaseError(f"{self.name}: {one_line(str(cause))}") from None


def find_table(connection: sa.Connection, schema: TableSchema, names: dict[str, TableNames]) -> FoundTable:
    """The table and the columns that it has. Raises TableError, naming what is missing."""
    given = names.get(schema.name, TableNames())
    theirs, declared = _columns(connection, schema.name, given)
    wanted = {column.name: given.columns.get(column.name, column.name) for column in schema.columns}
    for ours, name in wanted.items():
        if ours in given.columns and name not in declared:
            raise TableError(f"table {theirs.name} has no column {name}, which the settings name for {ours}")
    source: sa.FromClause = theirs
    found: dict[str, sa.ColumnElement[Any]] = {
        ours: theirs.c[name] for ours, name in wanted.items() if name in declared
    }
    types = {ours: declared[name] for ours, name in wanted.items() if name in declared}
    link = given.columns.get(ACCOUNT_LINK, ACCOUNT_LINK)
    if schema is TRANSACTIONS and "customer_id" not in found and link in declared:
        source, found["customer_id"] = _through_accounts(connection, theirs, link, names)
        types["customer_id"] = "by account_id"
    missing = [column.name for column in schema.columns if column.is_required and column.name not in found]
    if missing:
        their_columns = ", ".join(declared) or "none"
        raise TableError(
            f"table {theirs.name} has no column {', '.join(missing)} (its columns: {their_columns}): name it under "
            f"tables.{schema.name}.columns in the settings"
        )
    columns = tuple(column for column in schema.columns if column.name in found)
    return FoundTable(
        schema,
        source,
        columns,
        tuple(found[column.name] for column in columns),
        tuple(types[column.name] for column in columns),
    )


def row_count(connection: sa.Connection, table: FoundTable) -> int:
    """Rows of the table, as they will be read."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(table.source)).scalar_one())


def rows_of(
    connection: sa.Connection, table: FoundTable, order_by: str | None = None
) -> Iterator[Sequence[Sequence[Any]]]:
    """The rows in batches of at most ROWS_A_READ, values as the driver gives them, ordered by a column if named."""
    query = sa.select(*table.expressions).select_from(table.source)
    place = table.place(order_by) if order_by is not None else None
    if place is not None:
        query = query.order_by(table.expressions[place])
    with connection.execute(query, execution_options={"stream_results": True}) as result:
        yield from result.partitions(ROWS_A_READ)


def _columns(connection: sa.Connection, table: str, given: TableNames) -> tuple[sa.TableClause, dict[str, str]]:
    name = given.name or table
    try:
        columns = sa.inspect(connection).get_columns(name, schema=given.schema)
    except NoSuchTableError:
        columns = []
    if not columns:
        raise TableError(f"there is no table {name}: name it under tables.{table} in the settings")
    declared = {column["name"]: str(column["type"]) for column in columns}
    return sa.table(name, *(sa.column(column) for column in declared), schema=given.schema), declared


def _through_accounts(
    connection: sa.Connection, transactions: sa.TableClause, link: str, names: dict[str, TableNames]
) -> tuple[sa.FromClause, sa.ColumnElement[Any]]:
    """Transactions with the customer of their account; of an account id that is there twice, the least customer's."""
    given = names.get(ACCOUNTS.name, TableNames())
    accounts, declared = _columns(connection, ACCOUNTS.name, given)
    account, customer = (given.columns.get(name, name) for name in ("account_id", "customer_id"))
    if account not in declared or customer not in declared:
        raise TableError(f"transactions have no customer_id, and table {accounts.name} has no {account} and {customer}")
    owner = sa.func.min(accounts.c[customer]).label("owner")
    owners = sa.select(accounts.c[account], owner).group_by(accounts.c[account]).subquery("owners")
    joined = transactions.outerjoin(owners, transactions.c[link] == owners.c[account])
    return joined, owners.c.owner


def _with_driver(url: URL) -> URL:
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _package(url: str) -> str:
    return next((package for name, package in _PACKAGES.items() if url.startswith(name)), "its driver")

"""Opens a database by URL, and begins its transactions: any number of readers, one writer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from console.store.errors import StoreUnavailable, StoreUrlError

DEFAULT_URL = "sqlite:///out/console/store.sqlite"
SQLITE_WAIT_MS = 15_000
POOL_SIZE = 8
CONNECT_SECONDS = 5
WRITER_LOCK = 0x66726175645F77  # of PostgreSQL's advisory locks
_SQLITE_SETTINGS = (
    "PRAGMA page_size = 8192",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    f"PRAGMA busy_timeout = {SQLITE_WAIT_MS}",
    "PRAGMA cache_size = -65536",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA journal_size_limit = 67108864",
)
# Searches read indexes in the order of time, entry by entry. A plan that collects and sorts is slow where much is found.
_POSTGRESQL_OPTIONS = " ".join(
    f"-c {name}=off" for name in ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit")
)
_NOT_RETRYABLE = (
    "disk is full",
    "malformed",
    "not a database",
    "readonly",
    "read-only",
    "No space left",
    "no such table",
)


class Database:
    """An engine and how its transactions begin. Thread-safe."""

    def __init__(self, url: str) -> None:
        """Connects with the first transaction. Raises StoreUrlError."""
        self.url = _checked(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgresql_engine(self.url)
        self._writer = Lock()

    @property
    def path(self) -> Path | None:
        """The file of a SQLite store."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    @property
    def name(self) -> str:
        """The URL without driver and password."""
        return self.url.set(drivername=self.url.get_backend_name()).render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment. Raises StoreUnavailable."""
        with self._translated(), self.engine.connect() as connection, connection.begin():
            if not self.is_sqlite:
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes a few rows. Raises StoreUnavailable."""
        if self.is_sqlite:
            with self._writer, self._translated(), self.engine.connect() as connection:
                writing = connection.execution_options(store_writes=True)
                with writing.begin():
                    yield writing
        else:
            with self._translated(), self.engine.begin() as connection:
                yield connection

    @contextmanager
    def write_alone(self) -> Iterator[Connection]:
        """A transaction beside which no other of this kind runs, in any process. Raises StoreUnavailable."""
        with self.write() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITER_LOCK})
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            raise self._unavailable(error.orig or error) from error
        except DBAPIError as error:
            if error.connection_invalidated or "malformed" in str(error) or "not a database" in str(error):
                raise self._unavailable(error.orig or error) from error
            raise
        except PoolTimeout as error:
            raise StoreUnavailable(f"{self.name}: all {2 * POOL_SIZE} connections are in use; try again") from error
        except Exception as error:
            if _is_lost_connection(error):  # of COPY, which SQLAlchemy does not wrap
                raise self._unavailable(error) from error
            raise

    def _unavailable(self, error: BaseException) -> StoreUnavailable:
        cause = " ".join(str(error).split())
        retryable = not any(words in cause for words in _NOT_RETRYABLE)
        remedy = "try again" if retryable else "free disk space, or repair or replace the database"
        return StoreUnavailable(f"{self.name}: {cause}; {remedy}", retryable)


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite store; None for another kind. Raises StoreUrlError."""
    checked = _checked(url)
    return Path(checked.database) if checked.get_backend_name() == "sqlite" and checked.database else None


def _checked(text_of_url: str) -> URL:
    try:
        url = make_url(text_of_url)
    except (ArgumentError, ValueError):
        raise StoreUrlError("not a URL: give sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE") from None
    kind = url.get_backend_name()
    if kind == "sqlite":
        if not url.database or url.database == ":memory:":
            raise StoreUrlError("a SQLite store needs a file: sqlite:///FILE, or sqlite:////FILE for an absolute path")
        return url.set(drivername="sqlite+pysqlite")
    if kind in ("postgresql", "postgres"):
        if not url.database:
            raise StoreUrlError("a PostgreSQL store needs a database: postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        return url.set(drivername="postgresql+psycopg")
    raise StoreUrlError(
        f"{kind}: no kind of store; give sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    )


def _sqlite_engine(url: URL) -> Engine:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUrlError(f"{path}: cannot be written: {error.strerror}; name another file") from None
    engine = create_engine(url, pool_size=POOL_SIZE, max_overflow=POOL_SIZE, pool_timeout=CONNECT_SECONDS)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions: a writer's begins differently
        for setting in _SQLITE_SETTINGS:
            connection.execute(setting)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("store_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(url: URL) -> Engine:
    try:
        return create_engine(
            url, pool_size=POOL_SIZE, max_overflow=POOL_SIZE, pool_timeout=CONNECT_SECONDS, pool_pre_ping=True,
            # Plans are made for the values: a plan for any values would not know which partitions are meant.
            connect_args={"connect_timeout": CONNECT_SECONDS, "options": _POSTGRESQL_OPTIONS, "prepare_threshold": None},
        )  # fmt: skip
    except (ImportError, NoSuchModuleError):
        raise StoreUrlError("PostgreSQL needs the library psycopg 3: install the extra `console`") from None


def _is_lost_connection(error: BaseException) -> bool:
    import sys

    psycopg = sys.modules.get("psycopg")
    return psycopg is not None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)

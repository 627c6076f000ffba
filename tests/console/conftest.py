"""One PostgreSQL server for all tests of the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.postgresql_server import FOR_TESTS, PostgresqlServer


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    server = PostgresqlServer(**FOR_TESTS)
    server.start()
    yield server
    server.stop()

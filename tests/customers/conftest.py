"""Empty databases of both kinds: the tests that take `url` run over SQLite and over a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from benchmarks.postgresql_server import FOR_TESTS, PostgresqlServer


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    server = PostgresqlServer(**FOR_TESTS)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    name = f"c{uuid4().hex[:12]}"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / name}.sqlite"
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.make_database(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'bank'}.sqlite"

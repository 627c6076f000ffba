"""Stores of both kinds, each empty: the tests that take `store` run over SQLite and over a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from benchmarks.postgresql_server import PostgresqlServer
from console.store.store import DecisionStore

KINDS = ("sqlite", "postgresql")
MakeUrl = Callable[[str], str]


@pytest.fixture
def new_url(tmp_path: Path, request: pytest.FixtureRequest) -> MakeUrl:
    """The URL of an empty database of a kind."""

    def make(kind: str) -> str:
        name = f"s{uuid4().hex[:12]}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}.sqlite"
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        return server.make_database(name)

    return make


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, new_url: MakeUrl) -> str:
    return new_url(request.param)


@pytest.fixture
def store(url: str) -> Iterator[DecisionStore]:
    opened = DecisionStore.open(url)
    yield opened
    opened.close()


@pytest.fixture
def open_store(new_url: MakeUrl) -> Iterator[Callable[[str], DecisionStore]]:
    """Opens empty stores of a kind."""
    opened: list[DecisionStore] = []

    def make(kind: str) -> DecisionStore:
        opened.append(DecisionStore.open(new_url(kind)))
        return opened[-1]

    yield make
    for one in opened:
        one.close()

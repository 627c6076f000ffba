"""Opens the store that the entity aggregates job writes to. A new adapter adds a branch to `open_writer`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from udfs.entities.buckets import BucketSettings
from udfs.stores.clocks import Clocks
from udfs.stores.opening import open_store
from udfs.stores.port import Store, StoreWriter
from udfs.stores.settings import RemoteStoreSettings
from udfs.stores.sqlite import SqliteStore


class SqliteSettings(msgspec.Struct, frozen=True, tag="sqlite"):
    """A SQLite file on the local disk."""

    path: str


StoreTarget = SqliteSettings | RemoteStoreSettings


class WrittenStore(Store, StoreWriter, Protocol):
    """A store that is written and read by the same process."""


def open_writer(target: StoreTarget, buckets: BucketSettings, clocks: Clocks) -> WrittenStore:
    """Open the store to write histories to and read profiles from. Raises StoreUnavailable, StoreError."""
    if isinstance(target, SqliteSettings):
        return SqliteStore(Path(target.path), buckets)
    return open_store(target, buckets, clocks)

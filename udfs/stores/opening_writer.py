"""Opens whichever store the entity aggregates are written to. A new adapter is one more branch."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from udfs.entity_buckets import BucketSettings
from udfs.stores.clocks import Clocks
from udfs.stores.opening import open_store
from udfs.stores.port import Store, StoreWriter
from udfs.stores.settings import RemoteStoreSettings
from udfs.stores.sqlite import SqliteStore


class SqliteSettings(msgspec.Struct, frozen=True, tag="sqlite"):
    """A file on this machine's disk."""

    path: str


StoreTarget = SqliteSettings | RemoteStoreSettings


class WrittenStore(Store, StoreWriter, Protocol):
    """What was written there can be read there."""


def open_writer(target: StoreTarget, buckets: BucketSettings, clocks: Clocks) -> WrittenStore:
    """The store to write to, and to read profiles from. Raises StoreUnavailable, StoreError."""
    if isinstance(target, SqliteSettings):
        return SqliteStore(Path(target.path), buckets)
    return open_store(target, buckets, clocks)

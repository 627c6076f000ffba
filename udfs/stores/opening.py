"""Opens the remote store of the settings. A new adapter adds a branch to `open_store`."""

from __future__ import annotations

import logging
from typing import Protocol

from udfs.entities.buckets import BucketSettings
from udfs.stores.clocks import Clocks
from udfs.stores.port import OnlineFeatureStore, Store, StoreError, StoreUnavailable, StoreWriter
from udfs.stores.settings import DynamoDBSettings, RemoteStoreSettings

_log = logging.getLogger(__name__)


class RemoteStore(Store, StoreWriter, OnlineFeatureStore, Protocol):
    """The interface of a remote store adapter. Adapters are thread-safe; calls block for at most their timeouts."""

    def check(self) -> None:
        """Send one request. Raises StoreUnavailable without a response, StoreError for a wrong configuration."""
        ...

    def close(self) -> None:
        """Close the connections; no other call may follow."""
        ...


def open_store(settings: RemoteStoreSettings, buckets: BucketSettings, clocks: Clocks) -> RemoteStore:
    """Create the adapter; it connects on first use. Raises StoreError for invalid settings or environment."""
    if isinstance(settings, DynamoDBSettings):
        try:
            from udfs.stores.dynamodb import DynamoDBStore
        except ModuleNotFoundError as error:
            raise StoreError(f"a store of kind dynamodb needs {error.name}: install the extra `aws`") from None

        return DynamoDBStore(settings, buckets, clocks)
    from udfs.stores.redis import RedisStore

    return RedisStore(settings, buckets, clocks)


def open_for_scoring(settings: RemoteStoreSettings, buckets: BucketSettings, clocks: Clocks) -> RemoteStore:
    """Create the adapter and check it once. An unavailable store is only logged, so that scoring starts without it.

    Raises StoreError for a wrong configuration.
    """
    store = open_store(settings, buckets, clocks)
    try:
        store.check()
    except StoreUnavailable as error:
        _log.warning("%s; scoring starts without it", error)
    return store

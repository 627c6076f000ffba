"""Opens whichever remote store the settings name. A new adapter is one more branch."""

from __future__ import annotations

import logging
from typing import Protocol

from udfs.entity_buckets import BucketSettings
from udfs.stores.clocks import Clocks
from udfs.stores.port import OnlineFeatureStore, Store, StoreError, StoreUnavailable, StoreWriter
from udfs.stores.settings import DynamoDBSettings, RemoteStoreSettings

_log = logging.getLogger(__name__)


class RemoteStore(Store, StoreWriter, OnlineFeatureStore, Protocol):
    """All that an adapter can do."""

    def check(self) -> None:
        """Ask once. Raises StoreUnavailable if there is no answer, StoreError if something must be changed first."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


def open_store(settings: RemoteStoreSettings, buckets: BucketSettings, clocks: Clocks) -> RemoteStore:
    """An adapter, not yet connected. Raises StoreError for settings or an environment that cannot be used."""
    if isinstance(settings, DynamoDBSettings):
        try:
            from udfs.stores.dynamodb import DynamoDBStore
        except ModuleNotFoundError as error:
            raise StoreError(f"a store of kind dynamodb needs {error.name}: install the extra `aws`") from None

        return DynamoDBStore(settings, buckets, clocks)
    from udfs.stores.redis import RedisStore

    return RedisStore(settings, buckets)


def open_for_scoring(settings: RemoteStoreSettings, buckets: BucketSettings, clocks: Clocks) -> RemoteStore:
    """The same, asked once: what an operator must put right ends the start, a store that is down does not.

    Raises StoreError.
    """
    store = open_store(settings, buckets, clocks)
    try:
        store.check()
    except StoreUnavailable as error:
        _log.warning("%s; scoring starts without it", error)
    return store

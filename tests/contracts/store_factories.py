"""Every store that the contract suites run on. A new adapter adds its factories to STORES and WRITABLE, nothing else.

A factory gets the content and gives a context manager whose value is the store, holding exactly that content. It may
write the content wherever its store keeps it, and cleans up when it is left. The servers are real; each is started once.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from itertools import count
from pathlib import Path

import msgspec

from tests.servers.dynamodb_local import CREDENTIALS, DynamoDBLocal
from tests.servers.redis_server import RedisServer
from udfs.core._native import EntityHistory
from udfs.entities.buckets import BucketRow, BucketSettings
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.profiles import DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.stores.dynamodb_tables import make_tables
from udfs.stores.memory import MemoryStore
from udfs.stores.opening import RemoteStore, open_store
from udfs.stores.port import HISTORY, Record, Store, StoredRecord
from udfs.stores.settings import DynamoDBSettings, RedisSettings, RemoteStoreSettings

Profile = UserProfile | MerchantProfile | DeviceProfile | IpFeed | DomainFeed
SETTINGS = BucketSettings()
PATIENT_MS = 10_000  # the suites are about values; test_store_faults is about time
_fresh = count()


class Content(msgspec.Struct, frozen=True):
    """`profiles` by full key; `histories` by merchant id (None: the store keeps no histories at all), `broad` ones by
    full key."""

    profiles: Mapping[str, Profile] = {}
    histories: Mapping[str, BucketRow] | None = None
    broad: Mapping[str, BucketRow] = {}


StoreFactory = Callable[[Content], AbstractContextManager[Store]]


@cache
def redis_server() -> RedisServer:
    server = RedisServer(Path(tempfile.mkdtemp(prefix="redis-")))
    server.start()
    atexit.register(server.stop)
    return server


@cache
def dynamodb_local() -> DynamoDBLocal:
    os.environ.update(CREDENTIALS)
    server = DynamoDBLocal(Path(tempfile.mkdtemp(prefix="dynamodb-")))
    server.start()
    atexit.register(server.stop)
    return server


def redis_settings() -> RedisSettings:
    """A corner of the server that nobody has used."""
    return RedisSettings(
        port=redis_server().port,
        namespace=f"test-{next(_fresh)}:",
        timeout_ms=PATIENT_MS,
        connect_timeout_ms=PATIENT_MS,
    )


def dynamodb_settings() -> DynamoDBSettings:
    """Two tables that nobody has used."""
    settings = DynamoDBSettings(
        region="us-east-1",
        table_prefix=f"test-{next(_fresh)}-",
        endpoint=dynamodb_local().endpoint,
        timeout_ms=PATIENT_MS,
        connect_timeout_ms=PATIENT_MS,
        patience_ms=PATIENT_MS,
    )
    assert [is_new for _, is_new in make_tables(settings)] == [True, True]
    return settings


@contextmanager
def memory(content: Content) -> Iterator[Store]:
    records: dict[str, Record] = dict(content.profiles)
    for merchant_id, row in (content.histories or {}).items():
        records[HISTORY["merchant"] + merchant_id] = EntityHistory(row, SETTINGS)
    records |= {key: EntityHistory(row, SETTINGS) for key, row in content.broad.items()}
    yield MemoryStore(records, content.histories is not None)


def remote(fresh_settings: Callable[[], RemoteStoreSettings]) -> StoreFactory:
    @contextmanager
    def opened(content: Content) -> Iterator[Store]:
        settings = msgspec.structs.replace(fresh_settings(), holds_histories=content.histories is not None)
        store = open_store(settings, SETTINGS, SYSTEM_CLOCKS)
        records: dict[str, StoredRecord] = dict(content.profiles)
        for merchant_id, row in (content.histories or {}).items():
            records[HISTORY["merchant"] + merchant_id] = row
        records |= content.broad
        store.put_many(records, None)
        yield store
        store.close()

    return opened


def empty_memory() -> MemoryStore:
    return MemoryStore({}, clock_ms=SYSTEM_CLOCKS.monotonic_ms)


def empty_remote(fresh_settings: Callable[[], RemoteStoreSettings]) -> Callable[[], RemoteStore]:
    return lambda: open_store(fresh_settings(), SETTINGS, SYSTEM_CLOCKS)


STORES: dict[str, StoreFactory] = {
    "memory": memory,
    "redis": remote(redis_settings),
    "dynamodb": remote(dynamodb_settings),
}
WRITABLE: dict[str, Callable[[], MemoryStore | RemoteStore]] = {
    "memory": empty_memory,
    "redis": empty_remote(redis_settings),
    "dynamodb": empty_remote(dynamodb_settings),
}

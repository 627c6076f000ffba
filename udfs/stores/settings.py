"""Settings of the stores: frozen, picklable data without secrets, which stay in the environment."""

from __future__ import annotations

import msgspec


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True, tag="redis"):
    """A Redis server. Times in milliseconds; `password_variable` names the environment variable of the password."""

    host: str = "127.0.0.1"
    port: int = 6379
    database: int = 0
    namespace: str = "fraud:"
    username: str | None = None
    password_variable: str | None = None
    tls: bool = False
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    timeout_ms: int = 50
    connect_timeout_ms: int = 50
    holds_histories: bool = False


class DynamoDBSettings(msgspec.Struct, frozen=True, kw_only=True, tag="dynamodb"):
    """Two DynamoDB tables, `<prefix>records` and `<prefix>online`. Times in milliseconds.

    Credentials come from the AWS default provider chain (environment, profile, role). `timeout_ms` is for one call,
    `patience_ms` for a call with its retries after throttling.
    """

    region: str | None = None
    table_prefix: str = "fraud-"
    endpoint: str | None = None
    profile: str | None = None
    timeout_ms: int = 100
    connect_timeout_ms: int = 200
    patience_ms: int = 250
    holds_histories: bool = False

    @property
    def records_table(self) -> str:
        return f"{self.table_prefix}records"

    @property
    def online_table(self) -> str:
        return f"{self.table_prefix}online"


RemoteStoreSettings = RedisSettings | DynamoDBSettings


class OnlineFeatureSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Publishing of online features. Times in milliseconds; users beyond `max_waiting_users` are dropped."""

    ttl_ms: int = 300_000
    flush_interval_ms: int = 50
    max_waiting_users: int = 20_000


class CacheSettings(msgspec.Struct, frozen=True):
    """The cache in front of a store. Times in milliseconds.

    An entry is served for `fresh_ms`, and up to `stale_ms` while the store is unavailable. After `failures_to_open`
    consecutive failures the store is not called for `open_ms`. Entries within `refresh_ahead_ms` of `fresh_ms` are
    refreshed in the background (0: off).
    """

    fresh_ms: int = 60_000
    stale_ms: int = 600_000
    entries: int = 200_000
    failures_to_open: int = 3
    open_ms: int = 1_000
    refresh_ahead_ms: int = 0

"""The `store` and `online_features` sections: the enrichment store, and publishing of online features."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from jobs.config.section import Section
from jobs.config.value_types import ExistingFile
from udfs.stores.settings import (
    CacheSettings,
    DynamoDBSettings,
    OnlineFeatureSettings,
    RedisSettings,
    RemoteStoreSettings,
)

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_TABLE_PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,200}")


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        # The value may be the secret itself: not in the message.
        raise ValueError("is not the name of an environment variable: letters, digits, underscore")
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError(f"{value!r} is neither a host name nor an IP address; give the port in `port`")
    return value


def _table_prefix(value: str) -> str:
    if not _TABLE_PREFIX.fullmatch(value):
        raise ValueError(f"{value!r} is not a prefix of table names: letters, digits, dot, hyphen, underscore")
    return value


def _endpoint(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError(f"{value!r} is not a URL like http://127.0.0.1:8000")
    return value


class MemoryStoreSection(Section):
    """The reference folder (`scoring.reference`), loaded into the memory of each scorer."""

    kind: Literal["memory"] = "memory"


class RemoteStoreSection(Section):
    """Settings of all remote stores, and of the cache in front of them."""

    holds_histories: bool = Field(
        default=False, description="the store has all entity histories: a missing one means no activity, not unknown"
    )
    fresh_ms: int = Field(default=60_000, ge=1, description="age until which a cached record is used without a look-up")
    stale_ms: int = Field(
        default=600_000,
        ge=1,
        description="age until which a cached record is used while the store is down; decisions have status `stale`",
    )
    cached_records: int = Field(
        default=200_000, ge=2, description="maximum records in the cache, per parallel instance"
    )

    @model_validator(mode="after")
    def _stale_after_fresh(self) -> RemoteStoreSection:
        if self.stale_ms < self.fresh_ms:
            raise ValueError("stale_ms must not be below fresh_ms")
        return self


class RedisStoreSection(RemoteStoreSection):
    """A Redis server, loaded with `fraud load`."""

    kind: Literal["redis"]
    host: Annotated[str, AfterValidator(_host)] = Field(default="127.0.0.1", description="host name or IP address")
    port: int = Field(default=6379, ge=1, le=65_535, description="port")
    database: int = Field(default=0, ge=0, description="database number")
    namespace: str = Field(default="fraud:", max_length=100, description="prefix of all keys")
    username: str | None = Field(default=None, description="user name (Redis ACL)")
    password_variable: Annotated[str, AfterValidator(_variable)] | None = Field(
        default=None, description="environment variable that holds the password"
    )
    tls: bool = Field(default=False, description="encrypt the connection and verify the server's certificate")
    ca_file: ExistingFile | None = Field(default=None, description="CA certificates to trust; null: the system's")
    certificate_file: ExistingFile | None = Field(
        default=None, description="client certificate, if the server requires one"
    )
    key_file: ExistingFile | None = Field(default=None, description="private key of the client certificate")
    timeout_ms: int = Field(default=50, ge=1, le=10_000, description="response timeout")
    connect_timeout_ms: int = Field(default=50, ge=1, le=10_000, description="connect timeout")

    @model_validator(mode="after")
    def _check_tls(self) -> RedisStoreSection:
        if not self.tls and (self.ca_file or self.certificate_file or self.key_file):
            raise ValueError("ca_file, certificate_file and key_file need tls: true")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file: give both or neither")
        return self


class DynamoDBStoreSection(RemoteStoreSection):
    """Two DynamoDB tables, created by `fraud store init` and loaded with `fraud load`. AWS's default credential chain
    provides the credentials."""

    kind: Literal["dynamodb"]
    region: str | None = Field(default=None, description="AWS region; null: that of the environment or profile")
    table_prefix: Annotated[str, AfterValidator(_table_prefix)] = Field(
        default="fraud-", description="prefix of the tables `records` and `online`"
    )
    endpoint: Annotated[str, AfterValidator(_endpoint)] | None = Field(
        default=None, description="endpoint URL that replaces AWS's default, for emulators and private endpoints"
    )
    profile: str | None = Field(default=None, description="AWS profile; null: the default one")
    timeout_ms: int = Field(default=100, ge=1, le=10_000, description="response timeout")
    connect_timeout_ms: int = Field(default=200, ge=1, le=10_000, description="connect timeout")
    patience_ms: int = Field(
        default=250,
        ge=1,
        le=60_000,
        description="total time limit of a look-up, with retries of throttled or partial responses",
    )
    refresh_ahead_ms: int = Field(
        default=20_000,
        ge=0,
        description="cached records are refreshed in the background this long before `fresh_ms` is over; 0: never",
    )

    @model_validator(mode="after")
    def _check_refresh_ahead(self) -> DynamoDBStoreSection:
        if self.refresh_ahead_ms >= self.fresh_ms:
            raise ValueError("refresh_ahead_ms must be below fresh_ms")
        return self


Store = Annotated[MemoryStoreSection | RedisStoreSection | DynamoDBStoreSection, Field(discriminator="kind")]


class NoOnlineFeatures(Section):
    """Online features are not published."""

    kind: Literal["none"] = "none"


class StoreOnlineFeatures(Section):
    """Each user's newest windows are written to the store, for other services (`fraud features get`)."""

    kind: Literal["store"]
    ttl_ms: int = Field(default=300_000, ge=1_000, description="time to live after a user's last transaction")
    flush_interval_ms: int = Field(default=50, ge=5, le=200, description="maximum delay of a write")
    max_waiting_users: int = Field(
        default=20_000, ge=1, description="maximum users waiting to be written; updates of further users are dropped"
    )


OnlineFeaturesSection = Annotated[NoOnlineFeatures | StoreOnlineFeatures, Field(discriminator="kind")]


def store_settings(store: Store) -> RemoteStoreSettings | None:
    """Settings of the remote store's client; None for a memory store."""
    if isinstance(store, RedisStoreSection):
        return RedisSettings(
            host=store.host,
            port=store.port,
            database=store.database,
            namespace=store.namespace,
            username=store.username,
            password_variable=store.password_variable,
            tls=store.tls,
            ca_file=store.ca_file,
            certificate_file=store.certificate_file,
            key_file=store.key_file,
            timeout_ms=store.timeout_ms,
            connect_timeout_ms=store.connect_timeout_ms,
            holds_histories=store.holds_histories,
        )
    if isinstance(store, DynamoDBStoreSection):
        return DynamoDBSettings(
            region=store.region,
            table_prefix=store.table_prefix,
            endpoint=store.endpoint,
            profile=store.profile,
            timeout_ms=store.timeout_ms,
            connect_timeout_ms=store.connect_timeout_ms,
            patience_ms=store.patience_ms,
            holds_histories=store.holds_histories,
        )
    return None


def cache_settings(store: Store) -> CacheSettings:
    """Settings of the cache in front of a remote store."""
    if isinstance(store, MemoryStoreSection):
        return CacheSettings()
    return CacheSettings(
        fresh_ms=store.fresh_ms,
        stale_ms=store.stale_ms,
        entries=store.cached_records,
        refresh_ahead_ms=store.refresh_ahead_ms if isinstance(store, DynamoDBStoreSection) else 0,
    )


def online_feature_settings(online: NoOnlineFeatures | StoreOnlineFeatures) -> OnlineFeatureSettings | None:
    """Settings of publishing online features; None if they are not published."""
    if isinstance(online, NoOnlineFeatures):
        return None
    return OnlineFeatureSettings(
        ttl_ms=online.ttl_ms,
        flush_interval_ms=online.flush_interval_ms,
        max_waiting_users=online.max_waiting_users,
    )

"""The `store` and `online_features` sections: where enrichment is read and online features go."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from jobs.config_types import ExistingFile
from jobs.section import Section
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
    if not _VARIABLE.fullmatch(value):  # it may be the secret itself, so it is not shown
        raise ValueError("is the name of an environment variable: letters, digits, underscore")
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError(f"{value!r} is neither a host name nor an address; the port has its own key")
    return value


def _table_prefix(value: str) -> str:
    if not _TABLE_PREFIX.fullmatch(value):
        raise ValueError(f"{value!r} cannot begin a table's name: letters, digits, dot, hyphen, underscore")
    return value


def _endpoint(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError(f"{value!r} is no address like http://127.0.0.1:8000")
    return value


class MemoryStoreSection(Section):
    """The reference folder (`scoring.reference`) in the memory of each scorer."""

    kind: Literal["memory"] = "memory"


class RemoteStoreSection(Section):
    """What all remote stores have: the cache in front of them."""

    holds_histories: bool = Field(
        default=False, description="merchants' histories are kept there, so that one without any is known to have none"
    )
    fresh_ms: int = Field(default=60_000, ge=1, description="how long a cached record is used without asking again")
    stale_ms: int = Field(
        default=600_000, ge=1, description="how long it is still used while the store is down; decisions say `stale`"
    )
    cached_records: int = Field(default=200_000, ge=2, description="records kept in memory, per parallel instance")

    @model_validator(mode="after")
    def _stale_after_fresh(self) -> RemoteStoreSection:
        if self.stale_ms < self.fresh_ms:
            raise ValueError("stale_ms must not be below fresh_ms")
        return self


class RedisStoreSection(RemoteStoreSection):
    """A Redis server, filled by `fraud load`."""

    kind: Literal["redis"]
    host: Annotated[str, AfterValidator(_host)] = Field(default="127.0.0.1", description="host name or address")
    port: int = Field(default=6379, ge=1, le=65_535, description="port")
    database: int = Field(default=0, ge=0, description="number of the database")
    namespace: str = Field(default="fraud:", max_length=100, description="what every key begins with")
    username: str | None = Field(default=None, description="user of Redis' access control list")
    password_variable: Annotated[str, AfterValidator(_variable)] | None = Field(
        default=None, description="environment variable that holds the password"
    )
    tls: bool = Field(default=False, description="encrypt the connection and check the server's certificate")
    ca_file: ExistingFile | None = Field(default=None, description="certificates to trust in place of the system's")
    certificate_file: ExistingFile | None = Field(default=None, description="client certificate, if the server asks")
    key_file: ExistingFile | None = Field(default=None, description="its key")
    timeout_ms: int = Field(default=50, ge=1, le=10_000, description="how long an answer may take")
    connect_timeout_ms: int = Field(default=50, ge=1, le=10_000, description="how long connecting may take")

    @model_validator(mode="after")
    def _tls_is_whole(self) -> RedisStoreSection:
        if not self.tls and (self.ca_file or self.certificate_file or self.key_file):
            raise ValueError("ca_file, certificate_file and key_file need tls: true")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        return self


class DynamoDBStoreSection(RemoteStoreSection):
    """Two DynamoDB tables, made by `fraud store init` and filled by `fraud load`. Credentials by AWS's own chain."""

    kind: Literal["dynamodb"]
    region: str | None = Field(default=None, description="AWS region; without it that of the environment or profile")
    table_prefix: Annotated[str, AfterValidator(_table_prefix)] = Field(
        default="fraud-", description="the tables are called this and `records`, this and `online`"
    )
    endpoint: Annotated[str, AfterValidator(_endpoint)] | None = Field(
        default=None, description="address in place of AWS's own, for emulators and private endpoints"
    )
    profile: str | None = Field(default=None, description="profile of AWS's shared files, if not the default")
    timeout_ms: int = Field(default=100, ge=1, le=10_000, description="how long an answer may take")
    connect_timeout_ms: int = Field(default=200, ge=1, le=10_000, description="how long connecting may take")
    patience_ms: int = Field(
        default=250, ge=1, le=60_000, description="how long a look-up may go on when AWS throttles or answers in part"
    )
    refresh_ahead_ms: int = Field(
        default=20_000,
        ge=0,
        description="cached records this close to their age limit are read again in the background; 0: never",
    )

    @model_validator(mode="after")
    def _refresh_before_the_limit(self) -> DynamoDBStoreSection:
        if self.refresh_ahead_ms >= self.fresh_ms:
            raise ValueError("refresh_ahead_ms must be below fresh_ms")
        return self


Store = Annotated[MemoryStoreSection | RedisStoreSection | DynamoDBStoreSection, Field(discriminator="kind")]


class NoOnlineFeatures(Section):
    """Nothing is published."""

    kind: Literal["none"] = "none"


class StoreOnlineFeatures(Section):
    """Each user's newest windows go to the store, for other services (`fraud features get`)."""

    kind: Literal["store"]
    ttl_ms: int = Field(default=300_000, ge=1_000, description="how long they stay after a user's last transaction")
    flush_interval_ms: int = Field(default=50, ge=5, le=200, description="how long the newest values may wait")
    max_waiting_users: int = Field(default=20_000, ge=1, description="users waiting to be written; more are dropped")


OnlineFeaturesSection = Annotated[NoOnlineFeatures | StoreOnlineFeatures, Field(discriminator="kind")]


def store_settings(store: Store) -> RemoteStoreSettings | None:
    """The remote store in the adapters' own terms; None for memory."""
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
    """The cache in front of a remote store."""
    if isinstance(store, MemoryStoreSection):
        return CacheSettings()
    return CacheSettings(
        fresh_ms=store.fresh_ms,
        stale_ms=store.stale_ms,
        entries=store.cached_records,
        refresh_ahead_ms=store.refresh_ahead_ms if isinstance(store, DynamoDBStoreSection) else 0,
    )


def online_feature_settings(online: NoOnlineFeatures | StoreOnlineFeatures) -> OnlineFeatureSettings | None:
    """How online features are published; None: not at all."""
    if isinstance(online, NoOnlineFeatures):
        return None
    return OnlineFeatureSettings(
        ttl_ms=online.ttl_ms,
        flush_interval_ms=online.flush_interval_ms,
        max_waiting_users=online.max_waiting_users,
    )

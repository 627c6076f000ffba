"""Redis store: records as strings, online features as hashes. One round trip per look-up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    NoScriptError,
    RedisError,
    ResponseError,
)
from redis.retry import Retry

from udfs.entities.buckets import FOR_EVER_MS, BucketSettings
from udfs.stores.clocks import Clocks
from udfs.stores.encoding import RecordDecoder, encode_record, require_record_type
from udfs.stores.port import (
    UNREADABLE,
    OnlineFeatures,
    Record,
    StoredRecord,
    StoreError,
    StoreUnavailable,
    Unreadable,
)
from udfs.stores.redis_deadline import DeadlineConnection, DeadlineSSLConnection
from udfs.stores.settings import RedisSettings

KEYS_AT_ONCE = 1_000
USERS_A_SCRIPT = 100  # a script blocks the server while it runs
ONLINE = "online:"
FEATURES = ("txn_count_5m", "avg_amount_1h", "foreign_country_count_1d", "velocity_score")
_REFUSALS = (AuthenticationError, AuthorizationError, NoPermissionError)

NEWER_WINS = """
local published = 0
for i, key in ipairs(KEYS) do
  local first = 2 + (i - 1) * 5
  local known = tonumber(redis.call('HGET', key, 'event_time_ms') or '')
  if not known or known <= tonumber(ARGV[first]) then
    redis.call('HSET', key, 'event_time_ms', ARGV[first], 'txn_count_5m', ARGV[first + 1],
      'avg_amount_1h', ARGV[first + 2], 'foreign_country_count_1d', ARGV[first + 3], 'velocity_score', ARGV[first + 4])
    redis.call('PEXPIRE', key, ARGV[1])
    published = published + 1
  end
end
return published
"""
"""Lua script, so that the values with the later event time win whatever the order of the writers.

KEYS: users. ARGV: TTL in ms, then the event time and the four values of each user (empty: not known)."""


class RedisStore:
    """RemoteStore on one Redis server. Thread-safe; calls block for at most their timeouts."""

    def __init__(self, settings: RedisSettings, buckets: BucketSettings, clocks: Clocks) -> None:
        self.holds_histories = settings.holds_histories
        self.complete_through_ms = FOR_EVER_MS
        self._namespace = settings.namespace
        self._name = f"Redis at {settings.host}:{settings.port}"
        self._decoder = RecordDecoder(buckets)
        self._client = _client(settings, clocks)
        self._script_hash: str | None = None

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        namespace, decode = self._namespace, self._decoder.decode
        records: list[Record | Unreadable | None] = []
        with self._available():
            for start in range(0, len(keys), KEYS_AT_ONCE):
                chunk = keys[start : start + KEYS_AT_ONCE]
                for key, value in zip(chunk, self._values([namespace + key for key in chunk]), strict=True):
                    records.append(decode(key, value) if isinstance(value, bytes) else value)
        return records

    def _values(self, keys: list[str]) -> list[bytes | Unreadable | None]:
        """The strings under the keys, None for a key that does not exist, UNREADABLE for one that holds another type.

        MGET gives nil for both, so the existing keys are counted in the same round trip.
        """
        values, existing = self._replies(["MGET", *keys], ["EXISTS", *keys])
        absent = [index for index, value in enumerate(values) if value is None]
        if len(keys) - len(absent) != existing:
            types = self._replies(*(["TYPE", keys[index]] for index in absent))
            for index, kind in zip(absent, types, strict=True):
                if kind not in (b"none", b"string"):
                    values[index] = UNREADABLE
        return values  # type: ignore[no-any-return]

    def _replies(self, *commands: list[str]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        replies: list[Any] = pipeline.execute()
        return replies

    def put_many(self, records: Mapping[str, StoredRecord], ttl_ms: int | None) -> None:
        for key, record in records.items():
            require_record_type(key, record)
        items = iter(records.items())
        with self._available():
            while chunk := list(islice(items, KEYS_AT_ONCE)):
                pipeline = self._client.pipeline(transaction=False)
                for key, record in chunk:
                    pipeline.set(self._namespace + key, encode_record(record), px=ttl_ms)
                pipeline.execute()

    def publish(self, features: Sequence[OnlineFeatures], ttl_ms: int) -> None:
        starts = range(0, len(features), USERS_A_SCRIPT)
        calls = [self._script_call(features[start : start + USERS_A_SCRIPT], ttl_ms) for start in starts]
        with self._available():
            try:
                self._run_scripts(calls)
            except NoScriptError:  # the server was restarted
                self._script_hash = None
                self._run_scripts(calls)

    def online_features(self, user_id: str) -> OnlineFeatures | None:
        with self._available():
            found: Any = self._client.execute_command("HGETALL", f"{self._namespace}{ONLINE}{user_id}")
        if not found:
            return None
        try:
            values = [_number(found[name.encode()]) for name in FEATURES]
            return OnlineFeatures(user_id, int(found[b"event_time_ms"]), *values)
        except (KeyError, ValueError):
            key = f"{self._namespace}{ONLINE}{user_id}"
            raise StoreError(f"{self._name}: {key} is not a record of online features") from None

    def check(self) -> None:
        try:
            self._values([f"{self._namespace}user:"])
        except _REFUSALS as error:
            raise StoreError(
                f"{self._name}: access denied: {error}; check username, password and permissions"
            ) from None
        except ResponseError as error:
            raise StoreError(f"{self._name}: request rejected: {error}") from None
        except (RedisError, OSError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise StoreError(f"{self._name}: the server's certificate is not trusted: check ca_file") from None
            raise StoreUnavailable(f"{self._name} is unavailable: {error}") from None

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def _available(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"{self._name} is unavailable: {error}") from None

    def _script_call(self, features: Sequence[OnlineFeatures], ttl_ms: int) -> list[Any]:
        arguments: list[Any] = [ttl_ms]
        for newest in features:
            arguments.append(newest.event_time_ms)
            arguments += [_text(getattr(newest, name)) for name in FEATURES]
        keys = [f"{self._namespace}{ONLINE}{newest.user_id}" for newest in features]
        return [len(keys), *keys, *arguments]

    def _run_scripts(self, calls: list[list[Any]]) -> None:
        if self._script_hash is None:
            self._script_hash = str(self._client.execute_command("SCRIPT LOAD", NEWER_WINS))
        pipeline = self._client.pipeline(transaction=False)
        for call in calls:
            pipeline.execute_command("EVALSHA", self._script_hash, *call)
        pipeline.execute()


def _client(settings: RedisSettings, clocks: Clocks) -> Any:
    """Create a client without retries. Raises StoreError if the password's environment variable is not set."""
    tls: dict[str, Any] = {}
    if settings.tls:
        tls = {
            "ssl_ca_certs": settings.ca_file,
            "ssl_certfile": settings.certificate_file,
            "ssl_keyfile": settings.key_file,
        }
    connections = ConnectionPool(
        connection_class=DeadlineSSLConnection if settings.tls else DeadlineConnection,
        host=settings.host,
        port=settings.port,
        db=settings.database,
        username=settings.username,
        password=_password(settings.password_variable),
        socket_timeout=settings.timeout_ms / 1_000,
        socket_connect_timeout=settings.connect_timeout_ms / 1_000,
        reply_ms=settings.timeout_ms,
        clock_ms=clocks.monotonic_ms,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        lib_name=None,
        lib_version=None,
        **tls,
    )
    return Redis.from_pool(connections)


def _password(variable: str | None) -> str | None:
    if variable is None:
        return None
    password = os.environ.get(variable)
    if not password:
        raise StoreError(f"the environment variable {variable} (store.password_variable) is not set")
    return password


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)


def _number(text: bytes) -> float | None:
    return float(text) if text else None

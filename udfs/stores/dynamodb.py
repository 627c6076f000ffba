"""DynamoDB store: records in one table, online features in another. One BatchGetItem for up to 100 keys.

A call costs about 0.8 ms of CPU, so the cache in front of it refreshes ahead (`refresh_ahead`). DynamoDB may delete expired
items hours late, so expiry is checked on read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from udfs.entities.buckets import FOR_EVER_MS, BucketSettings
from udfs.stores.clocks import Clocks
from udfs.stores.dynamodb_client import RetryBudget, error_code, open_client, store_errors
from udfs.stores.encoding import RecordDecoder, encode_record, require_record_type
from udfs.stores.port import (
    OnlineFeatures,
    Record,
    StoredRecord,
    StoreError,
    StoreUnavailable,
    Unreadable,
)
from udfs.stores.settings import DynamoDBSettings

KEYS_AT_ONCE = 100
WRITES_AT_ONCE = 25
USERS_AT_ONCE = 25
FEATURES = ("txn_count_5m", "avg_amount_1h", "foreign_country_count_1d", "velocity_score")
KEY, VALUE, EXPIRES_AT, UNTIL_MS = "id", "value", "expires_at", "until_ms"
"""`expires_at` is the TTL attribute of the table, in seconds rounded up; `until_ms` is the exact expiry checked on read."""
CONFLICTS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class DynamoDBStore:
    """RemoteStore over two tables of one region. Thread-safe; calls block for at most their timeouts."""

    def __init__(self, settings: DynamoDBSettings, buckets: BucketSettings, clocks: Clocks) -> None:
        self.holds_histories = settings.holds_histories
        self.complete_through_ms = FOR_EVER_MS
        self._settings = settings
        self._clocks = clocks
        self._decoder = RecordDecoder(buckets)
        self._client = open_client(settings)
        place = settings.endpoint or self._client.meta.region_name
        self._records_name = f"DynamoDB table {settings.records_table} ({place})"
        self._online_name = f"DynamoDB table {settings.online_table} ({place})"

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        found: dict[str, Record | Unreadable] = {}
        unique = iter(dict.fromkeys(keys))  # BatchGetItem rejects duplicate keys
        while chunk := list(islice(unique, KEYS_AT_ONCE)):
            self._read(chunk, found)
        return [found.get(key) for key in keys]

    def put_many(self, records: Mapping[str, StoredRecord], ttl_ms: int | None) -> None:
        for key, record in records.items():
            require_record_type(key, record)
        expiry = self._expiry(ttl_ms)
        items = iter(records.items())
        while chunk := list(islice(items, WRITES_AT_ONCE)):
            writes = [
                {"PutRequest": {"Item": {KEY: {"S": key}, VALUE: {"B": encode_record(record)}, **expiry}}}
                for key, record in chunk
            ]
            self._write(writes)

    def publish(self, features: Sequence[OnlineFeatures], ttl_ms: int) -> None:
        for start in range(0, len(features), USERS_AT_ONCE):
            self._publish([self._put_if_newer(newest, ttl_ms) for newest in features[start : start + USERS_AT_ONCE]])

    def online_features(self, user_id: str) -> OnlineFeatures | None:
        with store_errors(self._online_name):
            response = self._retry_budget(self._online_name).call(
                self._client.get_item,
                TableName=self._settings.online_table,
                Key={KEY: {"S": user_id}},
                ConsistentRead=True,
            )
        item = response.get("Item")
        if item is None:
            return None
        try:
            if self._is_expired(item):
                return None
            values = [float(item[name]["N"]) if name in item else None for name in FEATURES]
            return OnlineFeatures(user_id, int(item["event_time_ms"]["N"]), *values)
        except (KeyError, ValueError):
            raise StoreError(f"{self._online_name}: item {user_id!r} is not a record of online features") from None

    def check(self) -> None:
        for name, table in (
            (self._records_name, self._settings.records_table),
            (self._online_name, self._settings.online_table),
        ):
            with store_errors(name):
                self._retry_budget(name).call(self._client.get_item, TableName=table, Key={KEY: {"S": "user:"}})

    def close(self) -> None:
        self._client.close()

    def _read(self, keys: list[str], found: dict[str, Record | Unreadable]) -> None:
        table = self._settings.records_table
        budget = self._retry_budget(self._records_name)
        request: Any = {table: {"Keys": [{KEY: {"S": key}} for key in keys]}}
        with _unavailable_only(), store_errors(self._records_name):
            while True:
                response = budget.call(self._client.batch_get_item, RequestItems=request)
                for item in response["Responses"].get(table, ()):
                    if not self._is_expired(item):
                        key = item[KEY]["S"]
                        found[key] = self._decoder.decode(key, item.get(VALUE, {}).get("B", b""))
                request = response.get("UnprocessedKeys")
                if not request:
                    return
                budget.pause("partial response (UnprocessedKeys)")

    def _write(self, writes: list[Any]) -> None:
        budget = self._retry_budget(self._records_name)
        request: Any = {self._settings.records_table: writes}
        with store_errors(self._records_name):
            while request:
                response = budget.call(self._client.batch_write_item, RequestItems=request)
                request = response.get("UnprocessedItems")
                if request:
                    budget.pause("partial write (UnprocessedItems)")

    def _publish(self, puts: list[Any]) -> None:
        """Write conditionally, as a transaction. Puts that fail their condition are dropped and the rest is retried."""
        budget = self._retry_budget(self._online_name)
        with _unavailable_only(), store_errors(self._online_name):
            while puts:
                try:
                    budget.call(self._client.transact_write_items, TransactItems=puts)
                    return
                except ClientError as error:
                    if error_code(error) != "TransactionCanceledException":
                        raise
                    codes = [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", ())]
                    if len(codes) != len(puts):
                        raise
                    puts = [put for put, code in zip(puts, codes, strict=True) if code != "ConditionalCheckFailed"]
                    if CONFLICTS & set(codes):
                        budget.pause("conflict with other writers (TransactionConflict)")
                    elif "ConditionalCheckFailed" not in codes:
                        raise

    def _put_if_newer(self, newest: OnlineFeatures, ttl_ms: int) -> Any:
        item: dict[str, Any] = {
            KEY: {"S": newest.user_id},
            "event_time_ms": {"N": str(newest.event_time_ms)},
            **self._expiry(ttl_ms),
        }
        for name in FEATURES:
            value = getattr(newest, name)
            if value is not None:
                item[name] = {"N": repr(value)}
        return {
            "Put": {
                "TableName": self._settings.online_table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(id) OR event_time_ms <= :t OR until_ms <= :now",
                "ExpressionAttributeValues": {
                    ":t": {"N": str(newest.event_time_ms)},
                    ":now": {"N": str(self._clocks.wall_ms())},
                },
            }
        }

    def _expiry(self, ttl_ms: int | None) -> dict[str, Any]:
        if ttl_ms is None:
            return {}
        until_ms = self._clocks.wall_ms() + ttl_ms
        return {UNTIL_MS: {"N": str(until_ms)}, EXPIRES_AT: {"N": str(-(-until_ms // 1_000))}}

    def _is_expired(self, item: Any) -> bool:
        return UNTIL_MS in item and int(item[UNTIL_MS]["N"]) <= self._clocks.wall_ms()

    def _retry_budget(self, name: str) -> RetryBudget:
        return RetryBudget(name, self._settings.patience_ms, self._clocks.monotonic_ms)


@contextmanager
def _unavailable_only() -> Iterator[None]:
    """Turns StoreError into StoreUnavailable: while the job runs, a deleted table or a revoked permission is an outage."""
    try:
        yield
    except StoreError as error:
        raise StoreUnavailable(str(error)) from None

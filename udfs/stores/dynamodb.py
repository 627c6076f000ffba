"""DynamoDB: records in one table, online features in another. One BatchGetItem for up to 100 keys.

A call costs some 0.8 ms of CPU, so the cache in front of it reads ahead (`refresh_ahead`). DynamoDB removes expired items
late, hours sometimes: whether one is expired is checked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from udfs.entity_buckets import FOR_EVER_MS, BucketSettings
from udfs.stores.clocks import Clocks
from udfs.stores.dynamodb_client import Patience, error_code, open_client, store_errors
from udfs.stores.encoding import RecordDecoder, encode_record, require_right_kind
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
"""`expires_at` is in seconds, rounded up, for DynamoDB's own removal; `until_ms` is what counts here."""
CONFLICTS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class DynamoDBStore:
    """Two tables of one region. Safe to use from several threads; every call ends within its time-outs."""

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
        unique = iter(dict.fromkeys(keys))  # a key twice in one call is an error to DynamoDB
        while chunk := list(islice(unique, KEYS_AT_ONCE)):
            self._read(chunk, found)
        return [found.get(key) for key in keys]

    def put_many(self, records: Mapping[str, StoredRecord], ttl_ms: int | None) -> None:
        for key, record in records.items():
            require_right_kind(key, record)
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
            answer = self._patience(self._online_name).call(
                self._client.get_item,
                TableName=self._settings.online_table,
                Key={KEY: {"S": user_id}},
                ConsistentRead=True,
            )
        item = answer.get("Item")
        if item is None:
            return None
        try:
            if self._is_expired(item):
                return None
            values = [float(item[name]["N"]) if name in item else None for name in FEATURES]
            return OnlineFeatures(user_id, int(item["event_time_ms"]["N"]), *values)
        except (KeyError, ValueError):
            raise StoreError(f"{self._online_name}: the item {user_id!r} holds no online features") from None

    def check(self) -> None:
        for name, table in (
            (self._records_name, self._settings.records_table),
            (self._online_name, self._settings.online_table),
        ):
            with store_errors(name):
                self._patience(name).call(self._client.get_item, TableName=table, Key={KEY: {"S": "user:"}})

    def close(self) -> None:
        self._client.close()

    def _read(self, keys: list[str], found: dict[str, Record | Unreadable]) -> None:
        table = self._settings.records_table
        patience = self._patience(self._records_name)
        request: Any = {table: {"Keys": [{KEY: {"S": key}} for key in keys]}}
        with _unavailable_only(), store_errors(self._records_name):
            while True:
                answer = patience.call(self._client.batch_get_item, RequestItems=request)
                for item in answer["Responses"].get(table, ()):
                    if not self._is_expired(item):
                        key = item[KEY]["S"]
                        found[key] = self._decoder.decode(key, item.get(VALUE, {}).get("B", b""))
                request = answer.get("UnprocessedKeys")
                if not request:
                    return
                patience.pause("it answered in part only (UnprocessedKeys)")

    def _write(self, writes: list[Any]) -> None:
        patience = self._patience(self._records_name)
        request: Any = {self._settings.records_table: writes}
        with store_errors(self._records_name):
            while request:
                answer = patience.call(self._client.batch_write_item, RequestItems=request)
                request = answer.get("UnprocessedItems")
                if request:
                    patience.pause("it wrote in part only (UnprocessedItems)")

    def _publish(self, puts: list[Any]) -> None:
        """Conditional writes many at a time exist only as a transaction: without those that it fails on, again."""
        patience = self._patience(self._online_name)
        with _unavailable_only(), store_errors(self._online_name):
            while puts:
                try:
                    patience.call(self._client.transact_write_items, TransactItems=puts)
                    return
                except ClientError as error:
                    if error_code(error) != "TransactionCanceledException":
                        raise
                    codes = [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", ())]
                    if len(codes) != len(puts):
                        raise
                    puts = [put for put, code in zip(puts, codes, strict=True) if code != "ConditionalCheckFailed"]
                    if CONFLICTS & set(codes):
                        patience.pause("other writers are in the way (TransactionConflict)")
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

    def _patience(self, name: str) -> Patience:
        return Patience(name, self._settings.patience_ms, self._clocks.monotonic_ms)


@contextmanager
def _unavailable_only() -> Iterator[None]:
    """While the job runs, a table that is gone or a permission that was taken away is a store that is down."""
    try:
        yield
    except StoreError as error:
        raise StoreUnavailable(str(error)) from None

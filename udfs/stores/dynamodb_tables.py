"""Creates the tables of the DynamoDB store."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError, WaiterError
from msgspec.structs import replace

from udfs.stores.dynamodb import EXPIRES_AT, KEY
from udfs.stores.dynamodb_client import error_code, open_client, store_errors
from udfs.stores.port import StoreUnavailable
from udfs.stores.settings import DynamoDBSettings

ADMIN_TIMEOUT_MS = 10_000


def make_tables(settings: DynamoDBSettings) -> Iterator[tuple[str, bool]]:
    """Create missing tables, wait until they are active, and yield each table's name and whether it is new.

    Billing mode is on-demand. Raises StoreError, StoreUnavailable.
    """
    client = open_client(replace(settings, timeout_ms=ADMIN_TIMEOUT_MS, connect_timeout_ms=ADMIN_TIMEOUT_MS))
    for table in (settings.records_table, settings.online_table):
        name = f"DynamoDB table {table} ({settings.endpoint or client.meta.region_name})"
        with store_errors(name):
            try:
                client.create_table(
                    TableName=table,
                    KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
                    BillingMode="PAY_PER_REQUEST",
                )
                is_new = True
            except ClientError as error:
                if error_code(error) != "ResourceInUseException":
                    raise
                is_new = False
            try:
                client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
            except WaiterError as error:
                raise StoreUnavailable(f"{name} did not become active within two minutes: {error}") from None
            expiry = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
            if expiry["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
                client.update_time_to_live(
                    TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES_AT}
                )
        yield table, is_new

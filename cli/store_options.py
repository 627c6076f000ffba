"""Options that select a store: by a job's config file, or by address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click

from cli.errors import UserError

if TYPE_CHECKING:
    from udfs.stores.opening import RemoteStore
    from udfs.stores.settings import RemoteStoreSettings

PASSWORD_VARIABLE = "FRAUD_STORE_PASSWORD"
TIMEOUT_MS = 5_000  # longer than the job's


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator that adds --config and --store; pass their values to `chosen_store`."""
    command = click.option(
        "--store",
        "address",
        metavar="URL",
        help="redis://[USER@]HOST[:PORT][/DATABASE], rediss://… for TLS, or dynamodb://REGION[/TABLE-PREFIX]. "
        f"A password comes from the environment variable {PASSWORD_VARIABLE}.",
    )(command)
    return click.option(
        "--config", type=click.Path(path_type=Path), help="The job's config file; its `store` is used."
    )(command)


def chosen_store(config: Path | None, address: str | None) -> RemoteStoreSettings:
    """Settings of the selected store, with timeouts of TIMEOUT_MS. Raises UserError."""
    from msgspec.structs import replace

    if (config is None) == (address is None):
        raise UserError("give either --config FILE or --store URL")
    settings = _of_address(address) if address is not None else _of_config(config)
    return replace(settings, timeout_ms=TIMEOUT_MS, connect_timeout_ms=TIMEOUT_MS)


@contextmanager
def opened(settings: RemoteStoreSettings) -> Iterator[RemoteStore]:
    """Opens the store and checks its connection; store errors, also of the block, become UserError."""
    from udfs.entities.buckets import BucketSettings
    from udfs.process.system_clocks import SYSTEM_CLOCKS
    from udfs.stores.opening import open_store
    from udfs.stores.port import StoreError, StoreUnavailable

    try:
        store = open_store(settings, BucketSettings(), SYSTEM_CLOCKS)
        store.check()
        yield store
        store.close()
    except (StoreError, StoreUnavailable) as error:
        raise UserError(str(error)) from None


def _of_config(path: Any) -> RemoteStoreSettings:
    from jobs.config.errors import ConfigError
    from jobs.config.loading import load_store
    from jobs.config.stores import store_settings

    try:
        settings = store_settings(load_store(path))
    except ConfigError as error:
        raise UserError(str(error)) from None
    if settings is None:
        raise UserError(
            f"{path}: the store is of kind memory: the job reads it from scoring.reference, nothing to load or read here"
        )
    return settings


def _of_address(address: str) -> RemoteStoreSettings:
    import os

    from udfs.stores.settings import DynamoDBSettings, RedisSettings

    try:
        parts = urlsplit(address)
        port, path = parts.port, parts.path.strip("/")
        if parts.password is not None:
            raise UserError(f"--store: no password in the address: give it by {PASSWORD_VARIABLE}")
        if parts.scheme == "dynamodb" and parts.hostname:
            return DynamoDBSettings(region=parts.hostname, table_prefix=path or DynamoDBSettings().table_prefix)
        if parts.scheme in ("redis", "rediss") and parts.hostname:
            return RedisSettings(
                host=parts.hostname,
                port=port or 6379,
                database=int(path or 0),
                username=unquote(parts.username) if parts.username else None,
                password_variable=PASSWORD_VARIABLE if os.environ.get(PASSWORD_VARIABLE) else None,
                tls=parts.scheme == "rediss",
            )
    except ValueError:
        pass
    raise UserError("--store: expected redis://HOST:PORT/DATABASE, rediss://… or dynamodb://REGION/TABLE-PREFIX")

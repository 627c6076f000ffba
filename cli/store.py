"""`fraud store`: makes a store ready."""

from __future__ import annotations

from pathlib import Path

import click

from cli.errors import UserError
from cli.store_options import chosen_store, opened, store_options


@click.group(name="store")
def command() -> None:
    """Make a store ready for `fraud load` and for the job."""


@command.command(name="init")
@store_options
def init(config: Path | None, address: str | None) -> None:
    """Make DynamoDB's tables where they are missing; Redis needs nothing and is only asked for an answer.

    \b
    fraud store init --store dynamodb://eu-central-1/fraud-
    fraud store init --config deploy/conf/redis.yaml

    Repeating it changes nothing. Tables are billed by request and forget expired items by themselves.
    """
    from udfs.stores.port import StoreError, StoreUnavailable
    from udfs.stores.settings import DynamoDBSettings

    settings = chosen_store(config, address)
    if isinstance(settings, DynamoDBSettings):
        from udfs.stores.dynamodb_tables import make_tables

        try:
            for table, is_new in make_tables(settings):
                click.echo(f"{table}: {'made' if is_new else 'was there'}")
        except (StoreError, StoreUnavailable) as error:
            raise UserError(str(error)) from None
    with opened(settings):
        click.echo("the store answers")

"""`fraud store`: prepares the store of profiles, and does the upkeep of the decision store."""

from __future__ import annotations

from pathlib import Path

import click

from cli.console_store import backup, erase, move, rebuild, retain
from cli.errors import UserError
from cli.store_export import export
from cli.store_options import chosen_store, opened, store_options


@click.group(name="store")
def command() -> None:
    """Prepare the store of profiles (init), or export, rebuild, move, back up, erase from or shorten the decision store.

    The latter are those of `fraud console store`, too.
    """


command.add_command(export)
for of_decisions in (rebuild, move, backup, erase, retain):
    command.add_command(of_decisions)


@command.command(name="init")
@store_options
def init(config: Path | None, address: str | None) -> None:
    """Create missing DynamoDB tables; for Redis only check the connection.

    \b
    fraud store init --store dynamodb://eu-central-1/fraud-
    fraud store init --config deploy/conf/redis.yaml

    Idempotent. Tables are billed by request; expired items are deleted by DynamoDB's time to live.
    """
    from udfs.stores.port import StoreError, StoreUnavailable
    from udfs.stores.settings import DynamoDBSettings

    settings = chosen_store(config, address)
    if isinstance(settings, DynamoDBSettings):
        from udfs.stores.dynamodb_tables import make_tables

        try:
            for table, is_new in make_tables(settings):
                click.echo(f"{table}: {'created' if is_new else 'exists'}")
        except (StoreError, StoreUnavailable) as error:
            raise UserError(str(error)) from None
    with opened(settings):
        click.echo("connected to the store")

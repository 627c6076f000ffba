"""`fraud console keys`: adds, lists and revokes API keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from console.settings import STORE_URL

if TYPE_CHECKING:
    from console.store.rows import Role
    from console.store.store import DecisionStore

ROLES = ["scorer", "viewer", "analyst", "admin"]

STORE_VARIABLE = "FRAUD_CONSOLE_STORE"
"""A URL with a password should not be seen in the list of processes."""

store_option = click.option(
    "--store", "url", metavar="URL", default=STORE_URL, show_default=True, envvar=STORE_VARIABLE, help="Decision store."
)


@click.group(name="keys")
def keys() -> None:
    """Add, list or revoke API keys."""


@keys.command(name="add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True,
              help="scorer: sends events; viewer: reads; analyst: reads and works on cases; admin: all.")  # fmt: skip
@store_option
def add(name: str, role: Role, url: str) -> None:
    """Add a key and print it, this once: the store keeps its hash only.

    \b
    fraud console keys add checkout --role scorer
    """
    from console.api.key_changes import KeyNameError, add_key

    with opened(url, make=True) as store:
        try:
            secret = add_key(store, name, role, now_ms(), who())
        except KeyNameError as error:
            raise UserError(str(error)) from None
    click.echo(secret)


@keys.command(name="list")
@store_option
def list_(url: str) -> None:
    """List the keys: name, role, when they were added and revoked."""
    with opened(url) as store:
        for key in store.keys():  # noqa: SIM118
            state = "in force" if key.revoked_ms is None else f"revoked {_moment(key.revoked_ms)}"
            click.echo(f"{key.name}  {key.role}  added {_moment(key.created_ms)}  {state}")


@keys.command(name="revoke")
@click.argument("name")
@store_option
def revoke(name: str, url: str) -> None:
    """Revoke the key of this name; running consoles refuse it within seconds."""
    from console.api.key_changes import KeyNameError, revoke_key

    with opened(url) as store:
        try:
            revoke_key(store, name, now_ms(), who())
        except KeyNameError as error:
            raise UserError(str(error)) from None
    click.echo(f"{name}: revoked")


@contextmanager
def opened(url: str, *, make: bool = False) -> Iterator[DecisionStore]:
    """The store of a URL; with `make` a new one where there is none. Raises UserError for what its user can put right."""
    from console.store.errors import StoreError
    from console.store.store import DecisionStore

    try:
        store = DecisionStore.open(url) if make else DecisionStore.open_existing(url)
        try:
            yield store
        finally:
            store.close()
    except StoreError as error:
        raise UserError(str(error)) from None


def now_ms() -> int:
    """The wall clock."""
    from udfs.process.system_clocks import SYSTEM_CLOCKS

    return SYSTEM_CLOCKS.wall_ms()


def who() -> str:
    """Who changes something: the user of the operating system."""
    from getpass import getuser

    return f"{getuser()} (command line)"


def _moment(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

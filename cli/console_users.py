"""`fraud console users`: adds, lists, changes and disables the people who sign in to the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.console_keys import now_ms, opened, store_option, who
from cli.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.store.rows import Role
    from console.store.store import DecisionStore

ROLES = ["viewer", "analyst", "admin"]
PASSWORD_VARIABLE = "FRAUD_CONSOLE_PASSWORD"


@click.group(name="users")
def users() -> None:
    """Add, list, change or disable the people who sign in to the pages."""


@users.command(name="add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True,
              help="viewer: looks; analyst: works on alerts, blocks; admin: all.")  # fmt: skip
@store_option
def add(name: str, role: Role, url: str) -> None:
    """Add a person. Asks for the password; scripts give it by the variable FRAUD_CONSOLE_PASSWORD.

    \b
    fraud console users add anna --role analyst
    """
    from console.web.accounts import add_account

    password = _password()
    _change(url, lambda store: add_account(store, name, role, password, now_ms(), who()), make=True)
    click.echo(f"{name}: added as {role}")


@users.command(name="list")
@store_option
def list_(url: str) -> None:
    """List the people: name, role, and whether they may sign in."""
    from console.web.accounts import accounts

    with opened(url) as store:
        for account in accounts(store.database):
            click.echo(f"{account.name}  {account.role}  {'disabled' if account.disabled_ms else 'may sign in'}")


@users.command(name="password")
@click.argument("name")
@store_option
def password(name: str, url: str) -> None:
    """Give a person another password; they have to sign in again."""
    from console.web.accounts import set_password

    new = _password()
    _change(url, lambda store: set_password(store, name, new, now_ms(), who()))
    click.echo(f"{name}: password changed")


@users.command(name="role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@store_option
def role(name: str, role: Role, url: str) -> None:
    """Give a person another role; they have to sign in again."""
    from console.web.accounts import set_role

    _change(url, lambda store: set_role(store, name, role, now_ms(), who()))
    click.echo(f"{name}: {role}")


@users.command(name="disable")
@click.argument("name")
@store_option
def disable(name: str, url: str) -> None:
    """Let a person sign in no more; pages that are open stop within seconds."""
    from console.web.accounts import disable_account

    _change(url, lambda store: disable_account(store, name, now_ms(), who()))
    click.echo(f"{name}: disabled")


def _password() -> str:
    import os

    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    asked: str = click.prompt("password", hide_input=True, confirmation_prompt=True)
    return asked


def _change(url: str, change: Callable[[DecisionStore], None], *, make: bool = False) -> None:
    """Raises UserError."""
    from console.web.accounts import AccountError

    with opened(url, make=make) as store:
        try:
            change(store)
        except AccountError as error:
            raise UserError(str(error)) from None

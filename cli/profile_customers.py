"""`fraud profile-customers`: profiles of customers from the tables of a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.progress import progress_bar

if TYPE_CHECKING:
    from customers.profiles import Profiles

DATABASE_VARIABLE = "FRAUD_PROFILES_DATABASE"
"""A URL with a password should not be seen in the list of processes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.command(name="profile-customers")
@click.option("--database", "url", metavar="URL", required=True, envvar=DATABASE_VARIABLE, show_envvar=True,
              help="sqlite:///FILE, postgresql://USER@HOST/NAME or mysql://USER@HOST/NAME (needs pymysql).")  # fmt: skip
@click.option("--settings", "settings_path", type=click.Path(path_type=Path),
              help="Conditions, names of tables and columns (docs/profiles.md).  [default: shipped ones]")  # fmt: skip
@click.option("--as-of", help="The moment of the profile, ISO 8601 with offset; later records are not known.  "
              "[default: now]")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/customers"), show_default=True,
              help="Folder of customers.csv and customers.html.")  # fmt: skip
@click.option("--table", help="Also write the profiles to this table of the database, in place of an earlier run's.")
def command(url: str, settings_path: Path | None, as_of: str | None, out: Path, table: str | None) -> None:
    """Profile the customers of a database: check the data, total per customer, and flag whoever meets a condition.

    Reads the tables customers, accounts, devices, login_activity and transactions. Conditions are written in the rule
    language over the numbers of a profile. Nothing is written to the database without --table.

    \b
    fraud simulate --database sqlite:///out/bank.sqlite --users 500     # something to try it on
    fraud profile-customers --database sqlite:///out/bank.sqlite --as-of 2026-02-01T00:00:00Z
    """
    as_of_ms = _moment_ms(as_of)
    try:
        from customers.database import Database
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed: install the extra `console`") from None
    from customers.errors import ProfileError
    from customers.output import write_csv, write_table
    from customers.profiles import profile_customers
    from customers.settings import load_settings
    from reporting.customer_page import write_customer_page

    try:
        settings = load_settings(settings_path)
        database = Database(url)
        try:
            with progress_bar("reading the tables") as progress:
                profiles = profile_customers(database, settings, as_of_ms, progress)
            out.mkdir(parents=True, exist_ok=True)
            write_csv(profiles, out / "customers.csv")
            write_customer_page(profiles, database.name, out / "customers.html")
            if table is not None:
                write_table(profiles, database, table)
        finally:
            database.close()
    except ProfileError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"cannot write {error.filename or out}: {error.strerror or error}") from None
    _tell(profiles, out, table)


def _tell(profiles: Profiles, out: Path, table: str | None) -> None:
    flagged = sum(bool(one.conditions) for one in profiles.met)
    rows = sum(counted.rows for counted in profiles.quality.tables)
    click.echo(f"{len(profiles.met):,} customers from {rows:,} rows, {flagged:,} flagged")
    for condition in profiles.settings.conditions:
        count = sum(condition.id in one.conditions for one in profiles.met)
        click.echo(f"{count:>9,}  {condition.id}")
    found = [check for check in profiles.quality.checks.values() if check.count]
    if found:
        click.echo("checks of the data:")
    for check in found:
        click.echo(f"{check.count:>9,}  {check.meaning}")
    unreadable = [column for column in profiles.quality.columns if column.unreadable]
    for column in unreadable:
        click.echo(
            f"{column.unreadable:>9,}  values of {column.table}.{column.column} are no {column.kind}, "
            f"such as {column.example}"
        )
    written = f", and table {table}" if table is not None else ""
    click.echo(f"written: {out / 'customers.csv'}, {out / 'customers.html'}{written}")


def _moment_ms(text: str | None) -> int:
    if text is None:
        moment = datetime.now(UTC)
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise UserError(f"--as-of: {text!r} is not a time with an offset such as 2026-01-01T00:00:00Z") from None
    if moment.tzinfo is None:
        raise UserError(f"--as-of: {text!r} needs an offset, such as 2026-01-01T00:00:00Z")
    return (moment - _EPOCH) // timedelta(milliseconds=1)

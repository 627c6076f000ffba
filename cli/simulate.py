"""`fraud simulate`: simulated payments with fraud and labels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.progress import progress_bar

if TYPE_CHECKING:
    from simulator.config import SimulatorConfig

INTERRUPTED = 130
USERS = 1_000
FEWEST_USERS = 20
TX_PER_DAY = 2.0
WRITING_WEIGHT = 4  # time to write a transaction, in units of the time to generate it
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.command(
    "simulate", short_help="Simulate users, merchants and payments, with many fraud patterns and delayed labels."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write to; its files are replaced. This or --database."
)
@click.option("--database", "url", metavar="URL",
              help="Write the tables of `fraud profile-customers` to this database, some data wrong.")  # fmt: skip
@click.option("--users", type=int, help=f"Number of users.  [default: {USERS:,}, or what fits --transactions]")
@click.option("--days", type=int, default=30, show_default=True, help="Length of the period.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed and arguments give the same bytes.")
@click.option(
    "--start", default="2026-01-01T00:00:00Z", show_default=True, help="Start of the period, ISO 8601 with offset."
)
@click.option("--transactions", type=int, help="Exact number of transactions, in place of --tx-per-day.")
@click.option("--tx-per-day", type=float, help=f"Mean transactions of a user in a day.  [default: {TX_PER_DAY:g}]")
@click.option(
    "--fraud-share", type=float, default=0.006, show_default=True, help="Share of transactions that are fraud."
)
@click.option("--patterns", help="Fraud patterns by name, separated by commas.  [default: all]")
@click.option("--with-labels/--no-labels", default=True, show_default=True, help="Write delayed labels of fraud.")
@click.option("--multi-currency", is_flag=True, help="Local currencies in place of USD, with fx_rates.csv beside them.")
@click.option("--merchants", type=int, help="Number of merchants, at least 180.  [default: by the number of users]")
def command(
    out: Path | None,
    url: str | None,
    users: int | None,
    days: int,
    seed: int,
    start: str,
    transactions: int | None,
    tx_per_day: float | None,
    fraud_share: float,
    patterns: str | None,
    with_labels: bool,
    multi_currency: bool,
    merchants: int | None,
) -> None:
    """Simulate payments of users, with many fraud patterns and labels that arrive days later.

    Writes OUT/events.jsonl (transactions, logins, account changes and labels in order of arrival), OUT/truth.jsonl
    (what was fraud, and by which pattern), OUT/reference/ (profiles, feeds, block list) and OUT/manifest.json (seed,
    arguments, counts). Ctrl-C leaves OUT unchanged.

    With --database, such as sqlite:///out/bank.sqlite: the tables customers, accounts, devices, login_activity and
    transactions, in an empty database.
    """
    from simulator import pattern_registry
    from simulator.config import SimulatorConfig, SimulatorConfigError

    if out is None and url is None:
        raise UserError("give a folder with --out, or a database with --database")
    if transactions is not None and tx_per_day is not None:
        raise UserError("give either --transactions or --tx-per-day, not both")
    if users is None:
        users = USERS if transactions is None else max(FEWEST_USERS, round(transactions / max(1, days) / TX_PER_DAY))
    try:
        config = SimulatorConfig(
            users=users,
            days=days,
            seed=seed,
            start_ms=_epoch_ms(start),
            transactions=transactions,
            tx_per_day=TX_PER_DAY if tx_per_day is None else tx_per_day,
            fraud_share=fraud_share,
            patterns=None if patterns is None else tuple(name.strip() for name in patterns.split(",") if name.strip()),
            with_labels=with_labels,
            multi_currency=multi_currency,
            merchants=merchants,
        )
        pattern_registry.select(config.patterns)  # fail before the progress bar starts
        if out is None:
            return _write_database(config, str(url))
        counts, by_pattern = _run(config, out)
    except SimulatorConfigError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(
            f"cannot write {error.filename or out}: {error.strerror or error}; choose another --out"
        ) from None
    except KeyboardInterrupt:
        click.echo("interrupted: nothing was written", err=True)
        click.get_current_context().exit(INTERRUPTED)
    click.echo(
        f"{counts['transactions']:,} transactions ({counts['frauds']:,} fraud), {counts['logins']:,} logins, "
        f"{counts['account_changes']:,} account changes and {counts['labels']:,} labels in {out / 'events.jsonl'}"
    )
    patterns_text = ", ".join(f"{name} {count:,}" for name, count in by_pattern.items() if count)
    if patterns_text:
        click.echo(f"fraud by pattern: {patterns_text}")


def _run(config: SimulatorConfig, out: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Simulate and write; returns counts by event type and by fraud pattern."""
    from simulator import files
    from simulator.generate import simulate

    steps = (1 + WRITING_WEIGHT) * config.transaction_count
    with progress_bar("simulating") as report:
        simulation = simulate(config, lambda done, total: report(done, steps))
        generated = config.transaction_count
        files.write(simulation, out, lambda done, total: report(generated + (steps - generated) * done // total, steps))
    return simulation.manifest["counts"], simulation.manifest["patterns"]


def _write_database(config: SimulatorConfig, url: str) -> None:
    """Simulate and write the tables of a bank; Ctrl-C leaves none of them in PostgreSQL."""
    from sqlalchemy.exc import SQLAlchemyError

    from customers.database import Database
    from customers.errors import DatabaseError
    from simulator.database import DatabaseExists, write_database
    from simulator.generate import simulate

    try:
        database = Database(url)
        if database.path is not None:
            database.path.parent.mkdir(parents=True, exist_ok=True)
        with progress_bar("simulating") as report:
            steps = (1 + WRITING_WEIGHT) * config.transaction_count
            simulation = simulate(config, lambda done, total: report(done, steps))
            generated = config.transaction_count
            written = write_database(
                simulation,
                database.engine,
                lambda done, total: report(generated + (steps - generated) * done // total, steps),
            )
    except (DatabaseExists, DatabaseError) as error:
        raise UserError(str(error)) from None
    except SQLAlchemyError as error:
        raise UserError(f"{database.name}: {' '.join(str(getattr(error, 'orig', None) or error).split())}") from None
    click.echo(", ".join(f"{count:,} {name}" for name, count in written.rows.items()) + f" in {database.name}")
    end = datetime.fromtimestamp(config.start_ms / 1_000, UTC) + timedelta(days=config.days)
    click.echo(f"its last moment, for fraud profile-customers: --as-of {end:%Y-%m-%dT%H:%M:%SZ}")
    wrong = ", ".join(f"{name} {count:,}" for name, count in written.faults.items() if count)
    if wrong:
        click.echo(f"wrong on purpose: {wrong}")


def _epoch_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UserError(f"--start: {text!r} is not a time with an offset such as 2026-01-01T00:00:00Z")
    return (moment - _EPOCH) // timedelta(milliseconds=1)

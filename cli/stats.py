"""`fraud stats`: population statistics, which rules compare with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.progress import progress_bar

MOST_DIGITS = 20  # of epoch nanoseconds, whose error names them

if TYPE_CHECKING:
    from models.statistics import StatisticsReport


@click.command(name="stats")
@click.option(
    "--events", required=True, type=click.Path(path_type=Path), help="Events in order of arrival (JSON Lines)."
)
@click.option(
    "--reference", type=click.Path(path_type=Path), help="Reference folder; its users.jsonl has the users' homes."
)
@click.option("--until", help="Use only what was known by then: ISO 8601 (UTC by default) or epoch milliseconds.")
@click.option("--fx-rates", type=click.Path(path_type=Path), help="FX table (CSV); without it currencies count 1:1.")
@click.option("--base-currency", default="USD", show_default=True, help="Currency of the amounts in the statistics.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Statistics file to write.")
def command(
    events: Path, reference: Path | None, until: str | None, fx_rates: Path | None, base_currency: str, out: Path
) -> None:
    """Compute quantiles of amounts and distances from home, and fraud rates by city, from a file of events.

    The statistics file has snapshots as of each day of the first four weeks, then of each week, and of the end. A snapshot
    uses only what was known before its time, and a transaction is compared with the newest snapshot before it.

    Rules read them as population_amount_p95, population_km_from_home_p90, population_fraud_rate, city_fraud_rate and
    statistics_as_of_ms.
    """
    from cli.event_input import check_events
    from models.event_files import EventFileError
    from models.statistics import collect_statistics, write_statistics
    from udfs.entities.buckets import BucketSettings
    from udfs.records.profiles import UserProfile
    from udfs.stores.memory import load_reference
    from udfs.stores.port import StoreError
    from udfs.values.fx_rates import FxFileError, load_fx_rates
    from udfs.values.money import Money

    until_ms = _epoch_ms(until) if until is not None else None
    check_events(events)
    try:
        records = load_reference(reference, BucketSettings()).store.records.values()
        users = {record.user_id: record for record in records if isinstance(record, UserProfile)}
        money = Money(base_currency, load_fx_rates(fx_rates) if fx_rates else ())
        with progress_bar("reading events") as progress:
            report = collect_statistics(events, users, money, until_ms, progress)
        out.parent.mkdir(parents=True, exist_ok=True)
        write_statistics(report.statistics, out)
    except (EventFileError, StoreError, FxFileError, OSError) as error:
        raise UserError(str(error)) from None
    _print_report(report, out)


def _epoch_ms(text: str) -> int:
    """Epoch milliseconds from ISO 8601 text or from digits. Raises UserError, also for digits that are seconds."""
    from udfs.records.codec import BadRecord, epoch_ms

    try:
        if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS:
            return epoch_ms(int(text), "--until")
        moment = datetime.fromisoformat(text)
    except BadRecord as error:
        raise UserError(str(error)) from None
    except ValueError:
        raise UserError(
            f"--until {text!r} is neither ISO 8601 like 2026-03-01T00:00:00Z nor epoch milliseconds"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _print_report(report: StatisticsReport, out: Path) -> None:
    snapshots = report.statistics.snapshots
    if not snapshots:
        click.echo(f"no transactions: {out}")
    else:
        newest = snapshots[-1]
        as_of = datetime.fromtimestamp(newest.as_of_ms / 1000, tz=UTC)
        click.echo(f"{newest.transactions:,} transactions, {newest.frauds:,} known frauds: {out}")
        click.echo(
            f"as of {as_of:%Y-%m-%d %H:%M:%S} UTC, right after the newest event; {len(snapshots) - 1} earlier snapshots"
        )
        if newest.km_from_home_p90 is None:
            click.echo("no distance from home: it needs locations in the events and homes in REFERENCE/users.jsonl")
        if newest.fraud_rate is None:
            click.echo("no fraud rate: there are no labels of these transactions")
    if report.bad:
        click.echo(f"{report.bad:,} of {report.lines:,} lines were skipped:", err=True)
        for bad in report.first_bad:
            click.echo(f"  line {bad.number}: {bad.reason}", err=True)
        if report.bad > len(report.first_bad):
            click.echo(f"  and {report.bad - len(report.first_bad):,} more", err=True)

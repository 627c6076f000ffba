"""`fraud aggregate`: computes the entity history of a file of events."""

from __future__ import annotations

import time
from pathlib import Path

import click

from cli.errors import UserError
from cli.progress import progress_bar
from cli.scoring_run import FUTURE_TOLERANCE_MS


@click.command(name="aggregate")
@click.option(
    "--events", required=True, type=click.Path(path_type=Path), help="Events in order of arrival (JSON Lines)."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Reference folder to write to.")
@click.option("--reference", type=click.Path(path_type=Path), help="Reference folder whose profiles hold attributes.")
@click.option("--fx-rates", type=click.Path(path_type=Path), help="CSV of currency,valid_from,rate.")
@click.option("--base-currency", default="USD", show_default=True, help="ISO 4217 code that amounts are summed in.")
def command(events: Path, out: Path, reference: Path | None, fx_rates: Path | None, base_currency: str) -> None:
    """Count transactions, users and labelled frauds by hour into OUT/entity_history.jsonl, for each merchant, device,
    beneficiary, IP address, category, channel, city … and each text attribute that occurs.

    The scorer reads these buckets as of each transaction's time: a fraud counts only from the time its label is known.
    One file computed from the whole history is therefore valid for every transaction in it.

    \b
    Example:
      fraud aggregate --events out/history/events.jsonl --out out/history/reference
    """
    from cli.event_input import check_events
    from models.entity_history import aggregate_entities, profiles_of, write_history
    from models.event_files import EventFileError
    from models.found_attributes import found_attributes
    from udfs.entities.buckets import BucketSettings
    from udfs.stores.port import StoreError
    from udfs.stores.reference_rows import HISTORY_FILE
    from udfs.values.fx_rates import FxFileError, load_fx_rates
    from udfs.values.money import Money

    check_events(events)
    latest_ms = time.time_ns() // 1_000_000 + FUTURE_TOLERANCE_MS  # exclude events with a time in the future
    try:
        money = Money(base_currency, load_fx_rates(fx_rates) if fx_rates else ())
        with progress_bar("looking for attributes") as progress:
            attributes = found_attributes(events, reference, progress)
        profiles = profiles_of(reference) if reference is not None else {}
        with progress_bar("counting merchants, devices, …") as progress:
            rows = aggregate_entities(events, BucketSettings(), latest_ms, progress, attributes, profiles, money)
        out.mkdir(parents=True, exist_ok=True)
        count = write_history(rows, out / HISTORY_FILE.name)
    except (EventFileError, FxFileError, StoreError, OSError) as error:
        raise UserError(str(error)) from None
    click.echo(f"{count:,} merchants, devices, categories … in {out / HISTORY_FILE.name}")

"""`fraud aggregate`: the history of merchants, devices, beneficiaries and IP addresses from a file of events."""

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
def command(events: Path, out: Path) -> None:
    """Count transactions, users and labelled frauds by hour into OUT/entity_history.jsonl, for each merchant, device,
    beneficiary and IP address.

    The scorer reads these buckets as of each transaction's time: a fraud counts only once its label could be known.
    So one file made from the whole history is right for every transaction in it.

    \b
    Example:
      fraud aggregate --events out/history/events.jsonl --out out/history/reference
    """
    from models.entity_history import aggregate_entities, write_history
    from models.event_files import EventFileError
    from udfs.entity_buckets import BucketSettings
    from udfs.stores.reference_rows import HISTORY_FILE

    latest_ms = time.time_ns() // 1_000_000 + FUTURE_TOLERANCE_MS  # one event far ahead would draw the rest with it
    try:
        with progress_bar("counting merchants, devices, …") as progress:
            rows = aggregate_entities(events, BucketSettings(), latest_ms, progress)
        out.mkdir(parents=True, exist_ok=True)
        count = write_history(rows, out / HISTORY_FILE.name)
    except (EventFileError, OSError) as error:
        raise UserError(str(error)) from None
    click.echo(f"{count:,} merchants, devices, beneficiaries and IP addresses in {out / HISTORY_FILE.name}")

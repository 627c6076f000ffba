"""How many payments of the past would have hit a list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cli.errors import UserError
from cli.progress import progress_bar
from cli.scoring_run import CONFIG_FILE
from models.event_files import EventFileError, Progress, lines_of
from udfs.records.codec import BadRecord, decode_event
from udfs.records.event_decoder import EventDecoder
from udfs.records.events import Transaction
from udfs.rules.named_lists import FIELDS_OF_TYPE, NamedList
from udfs.values.time_units import DAY_MS, HOUR_MS


def hits_over(over: Path, named_list: NamedList, days: int) -> str:
    """A line on the different payments in the last days of a run, or of a file of events, whose value is on the list then.

    Raises UserError.
    """
    fields = FIELDS_OF_TYPE[named_list.type]
    if not fields:
        raise UserError(f"a list of type {named_list.type} may be compared with any text: --over cannot tell its hits")
    events, decode = _source_of(over)
    is_on_list = named_list.compile().core.contains
    by_hour: dict[int, list[int]] = {}
    seen: set[int] = set()
    newest_ms = -1
    try:
        with progress_bar(f"reading {events.name}") as progress:
            for payment in _payments(events, decode, progress):
                name = hash((payment.user_id, payment.transaction_id))
                if name in seen:
                    continue
                seen.add(name)
                newest_ms = max(newest_ms, payment.timestamp)
                values = [getattr(payment, field) for field in fields]
                is_hit = any(value is not None and is_on_list(value, payment.timestamp) for value in values)
                counts = by_hour.setdefault(payment.timestamp // HOUR_MS, [0, 0])
                counts[0] += 1
                counts[1] += is_hit
    except EventFileError as error:
        raise UserError(str(error)) from None
    if newest_ms < 0:
        raise UserError(f"{events}: no payments")
    first_hour = (newest_ms - days * DAY_MS) // HOUR_MS + 1
    counted = [counts for hour, counts in by_hour.items() if hour >= first_hour]
    total, hits = (sum(counts[place] for counts in counted) for place in (0, 1))
    share = f" ({hits / total:.2%})" if hits else ""
    return f"would have hit {hits:,} of {total:,} payments{share} in the last {days} days of {events.name}, by {_or(fields)}"


def _or(fields: tuple[str, ...]) -> str:
    return " or ".join(fields)


def _source_of(over: Path) -> tuple[Path, EventDecoder]:
    if not over.is_dir():
        return over, decode_event
    from jobs.config.errors import ConfigError
    from jobs.config.job import FileSource
    from jobs.config.record_format import record_format
    from jobs.config.recorded_run import load_recorded

    try:
        config = load_recorded(over / CONFIG_FILE)
        if not isinstance(config.source, FileSource):
            raise UserError(f"{over}: the run read {config.source.kind}: give a file of its events to --over")
        return Path(config.source.path), record_format(config.source, config.s3).decode
    except ConfigError as error:
        raise UserError(str(error)) from None


def _payments(events: Path, decode: EventDecoder, progress: Progress) -> Iterator[Transaction]:
    for line in lines_of(events, progress):
        try:
            event = decode(line)
        except BadRecord:
            continue
        if isinstance(event, Transaction):
            yield event

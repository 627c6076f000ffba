"""How many payments of the past would have hit a list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from cli.decision_table import Over
from cli.errors import UserError
from cli.progress import progress_bar
from cli.scoring_run import CONFIG_FILE
from cli.store_events import store_events
from models.event_files import EventFileError, Progress, lines_of
from udfs.records.codec import BadRecord, decode_event
from udfs.records.event_decoder import EventDecoder
from udfs.records.events import Transaction
from udfs.rules.list_hits import ListHitCounter
from udfs.rules.named_lists import ListError, NamedList


def hits_over(over: str, named_list: NamedList, days: int) -> str:
    """A line on the different payments in the last days of a run, a file of events or a decision store's URL, whose value is
    on the list then.

    Raises UserError.
    """
    try:
        counter = ListHitCounter(named_list)
    except ListError:
        raise UserError(
            f"a list of type {named_list.type} may be compared with any text: --over cannot tell its hits"
        ) from None
    with ExitStack() as stack:
        is_store = Over(over).is_store
        events, decode = _source_of(stack.enter_context(store_events(over)) if is_store else Path(over))
        name = "the store" if is_store else events.name
        progress = stack.enter_context(progress_bar(f"reading {name}"))
        try:
            for payment in _payments(events, decode, progress):
                counter.add(payment)
        except EventFileError as error:
            raise UserError(str(error)) from None
    found = counter.of_last(days)
    if found is None:
        raise UserError(f"{name}: no payments")
    share = f" ({found.hits / found.payments:.2%})" if found.hits else ""
    fields = " or ".join(counter.fields)
    shown = f"{found.hits:,} of {found.payments:,} payments{share}"
    return f"would have hit {shown} in the last {days} days of {name}, by {fields}"


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

"""`fraud control history` and `verify`: what was in force when, and whether the log of it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.control_options import CONFIG, now_ms, open_channel_of, utc_text
from cli.errors import UserError

if TYPE_CHECKING:
    from console.store.control import LogRow
    from udfs.control.history import HistoryEntry


@click.command(name="history", epilog="Example: fraud control history --config job.yaml --at 2026-03-01T12:00:00Z")
@CONFIG
@click.option("--at", help="Only what was in force then: epoch milliseconds or ISO 8601 with offset.")
@click.option(
    "--store",
    "store_url",
    metavar="URL",
    help="Decision store of a console: read its log in place of the control stream.",
)
def history(config_file: Path, at: str | None, store_url: str | None) -> None:
    """List all that was published, rejected elements among them, or what was in force at a moment.

    By the clocks of the publishers, and by the job's configuration as it is now. A decision's `control_versions` has the
    versions that it was made with.
    """
    from cli.control_elements import start_versions
    from jobs.config.control import authority_settings
    from jobs.control.channel import ChannelError, recorded
    from udfs.control.authority import Authority
    from udfs.control.chain import Recorded
    from udfs.control.history import history_of, in_force

    moment_ms = None if at is None else _moment(at)
    config, channel = open_channel_of(config_file)
    try:
        if store_url is None:
            records = recorded(channel.read())
        else:
            records = [Recorded(row.location, row.payload, row.at_ms or None) for row in log_of_store(store_url)]
    except ChannelError as error:
        raise UserError(str(error)) from None
    starts = start_versions(config)
    entries = history_of(records, Authority(authority_settings(config.control)), starts)
    if moment_ms is None:
        for entry in entries:
            click.echo(_line(entry, now_ms()))
        return
    found = in_force(entries, moment_ms)
    click.echo(f"in force at {utc_text(moment_ms)}:")
    for key, version in starts.items():
        if key not in found:
            click.echo(f"{key} version {version}: what the job starts with")
    for key in sorted(found):
        click.echo(_line(found[key], moment_ms))


@click.command(
    name="verify",
    epilog="Examples: fraud control verify --config job.yaml --head 12:0123abcd…; fraud control verify --store sqlite:///FILE",
)
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="The running job's configuration.")
@click.option(
    "--store", "store_url", metavar="URL",
    help="Decision store of a console: its log is checked, and with --config the stream is compared with it.",
)  # fmt: skip
@click.option(
    "--head", metavar="NUMBER:HASH", help="The entry that an earlier run named last: the log must still have it."
)
def verify(config_file: Path | None, store_url: str | None, head: str | None) -> None:
    """Check the hash chain of the control stream: an entry that was changed, dropped or moved is told with its position.

    Prints number and hash of the newest entry. Note them elsewhere: with --head, a log that was cut off or written anew is
    told, too. Exit code 1 if anything is wrong.
    """
    from jobs.control.channel import ChannelError, recorded
    from udfs.control.chain import Recorded, chain_of

    if config_file is None and store_url is None:
        raise UserError("give --config of a job, --store of a console, or both")
    noted = None if head is None else _noted(head)
    faults: list[str] = []
    records: list[Recorded] = []
    if config_file is not None:
        try:
            records = recorded(open_channel_of(config_file)[1].read())
        except ChannelError as error:
            raise UserError(str(error)) from None
    if store_url is not None:
        from console.store.control import log_faults, stream_faults

        rows = log_of_store(store_url)
        faults += [f"store: {fault}" for fault in log_faults(rows)]
        if config_file is None:
            records = [Recorded(row.location, row.payload, row.at_ms) for row in rows]
        else:
            faults += [f"store: {fault}" for fault in stream_faults(rows, records)]
        click.echo(f"the store has {len(rows)} records of the control stream")
    chain = chain_of(records)
    for note in chain.notes:
        click.echo(f"no fault: {note}")
    if chain.outside:
        click.echo(f"{chain.outside} records are not of the chain: they were published without it")
    faults += [str(fault) for fault in chain.faults]
    if noted is not None and not chain.has(*noted):
        faults.append(f"the log does not have number {noted[0]} with hash {noted[1]}: it was cut off or written anew")
    for fault_line in faults:
        click.echo(fault_line, err=True)
    if faults:
        click.get_current_context().exit(1)
    click.echo(f"{chain.length} entries, each follows the one before it; the newest is {chain.length}:{chain.head}")


def log_of_store(url: str) -> list[LogRow]:
    """The records of the control stream that a console's store has. Raises UserError."""
    from cli.console_keys import opened
    from console.store.control import ControlStore

    with opened(url) as store:
        return ControlStore(store.database).log()


def _moment(text: str) -> int:
    from pydantic import TypeAdapter, ValidationError

    from jobs.config.value_types import Timestamp

    try:
        return TypeAdapter(Timestamp).validate_python(text)
    except ValidationError as error:
        raise UserError(f"--at: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _noted(text: str) -> tuple[int, str]:
    number, _, entry_hash = text.partition(":")
    if not number.isdecimal() or len(entry_hash) != 64:
        raise UserError(f"--head {text!r}: give NUMBER:HASH, as `fraud control verify` prints it")
    return int(number), entry_hash


def _line(entry: HistoryEntry, at_ms: int) -> str:
    when = utc_text(entry.at_ms) if entry.at_ms else "time not known"
    what = entry.location if entry.key is None else f"{entry.key} version {entry.version}"
    parts = [f"{entry.position}  {when}  {entry.outcome}  {what}"]
    if entry.author:
        parts.append(f"by {entry.author}{' (signed)' if entry.signed else ''}")
    if entry.approver:
        parts.append(f"approved by {entry.approver}")
    if entry.backtest:
        parts.append(f"backtest {entry.backtest}")
    if entry.until_ms is not None:
        ended = "ran out" if entry.until_ms <= at_ms else "emergency until"
        parts.append(f"{ended} {utc_text(entry.until_ms)}")
    elif entry.emergency:
        parts.append("emergency")
    if entry.reason:
        parts.append(entry.reason)
    return ", ".join(parts)

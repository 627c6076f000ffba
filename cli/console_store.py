"""`fraud console store`: keeps the decision store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.console_keys import now_ms, opened, store_option, who
from cli.errors import UserError
from cli.progress import progress_bar
from console.settings import SCORER_LOG

if TYPE_CHECKING:
    from console.store.store import DecisionStore
    from jobs.config.job import JobConfig

DAYS = click.FloatRange(min=0, min_open=True)


@click.group(name="store")
def store() -> None:
    """Rebuild, move, back up, erase from or shorten the decision store."""


@store.command(name="rebuild")
@click.option("--run", "folder", type=click.Path(path_type=Path), help="Folder of a scored run, such as out/demo.")
@click.option("--config", type=click.Path(path_type=Path), help="Config file of a job whose Kafka topics are read.")
@click.option(
    "--log", "log_path", type=click.Path(path_type=Path), help=f"Log of a console that scores, such as {SCORER_LOG}."
)
@click.option("--skip-missing", is_flag=True, help="Of topics: go on with the earliest records that are still there.")
@store_option
def rebuild(folder: Path | None, config: Path | None, log_path: Path | None, skip_missing: bool, url: str) -> None:
    """Empty the store and read everything again; keys, audit log and cases stay. Stop the console before.

    \b
    fraud console store rebuild --log out/console/scorer.sqlite
    """
    from console.store.rebuild import rebuild as empty_and_read
    from jobs.config.errors import ConfigError

    if sum(one is not None for one in (folder, config, log_path)) != 1:
        raise UserError("give one of --run, --config and --log")

    def read(store: DecisionStore) -> int:
        if folder is not None:
            return take_run(store, folder)
        return (
            _read_log(store, log_path) if log_path is not None else _read_topics(store, _loaded(config), skip_missing)
        )

    with opened(url, make=True) as store:
        try:
            count = empty_and_read(store, read)
        except ConfigError as error:
            raise UserError(str(error)) from None
        _audit(store, "store rebuilt", {"records": count})
    click.echo(f"{count:,} records read")


@store.command(name="move")
@click.option(
    "--to", "target_url", metavar="URL", required=True, help="postgresql://USER@HOST/DATABASE, an empty database."
)
@store_option
def move(target_url: str, url: str) -> None:
    """Copy a SQLite store into an empty PostgreSQL database. Stop the console before, then start it with --store URL."""
    from console.store.move import move as copy_all

    with opened(url) as source, opened(target_url, make=True) as target:
        with progress_bar("moving rows") as progress:
            counts = copy_all(source, target, progress)
        _audit(target, "store moved", {"rows": sum(counts.values())})
    for table, count in counts.items():
        click.echo(f"{table}: {count:,} rows")


@store.command(name="backup")
@click.argument("file", type=click.Path(path_type=Path))
@store_option
def backup(file: Path, url: str) -> None:
    """Copy a SQLite store to FILE, also while a console uses it."""
    from console.store.backup import backup as copy_to

    with opened(url) as store, progress_bar("copying pages") as progress:
        size = copy_to(store.database, file, progress)
    click.echo(f"{file}: {size:,} bytes; start a console on it with --store sqlite:///{file}")


@store.command(name="erase")
@click.option("--user", "user_id", required=True, help="Id of the person.")
@click.option("--config", type=click.Path(path_type=Path),
              help="Config file of the job: an erasure is written to its events, so that it forgets the user.")  # fmt: skip
@click.option("--log", "log_path", type=click.Path(path_type=Path),
              help=f"Log of a console that scores, such as {SCORER_LOG}; stop the console before.")  # fmt: skip
@store_option
def erase(user_id: str, config: Path | None, log_path: Path | None, url: str) -> None:
    """Erase a person: from the store, from the job's state (--config), from an embedded scorer (--log).

    Then it lists what others still hold, and until when. A running console does the same by POST /v1/erasures.

    \b
    fraud console store erase --user U1 --config job.yaml
    """
    from console.store.held import held_by_job, held_by_log, held_by_store
    from jobs.config.errors import ConfigError
    from udfs.records.codec import BadRecord, identifier

    try:
        identifier(user_id, "--user")
        job = None if config is None else _loaded(config)
    except BadRecord as bad:
        raise UserError(str(bad)) from None
    moment_ms = now_ms()
    with opened(url) as store:
        try:
            is_published = job is not None and _publish_erasure(job, user_id, moment_ms)
            if log_path is not None:
                _erase_from_log(log_path, user_id)
            erased = store.erase_user(user_id, moment_ms)
            _audit(store, "user erased", erased.counts)
            for table, count in erased.counts.items():
                click.echo(f"{table}: {count:,} rows removed")
            held = held_by_job(job, moment_ms, is_published) if job is not None else []
            if log_path is None and Path(SCORER_LOG).is_file():
                held += held_by_log(Path(SCORER_LOG))
            held += held_by_store(store.database.is_sqlite)
        except ConfigError as error:
            raise UserError(str(error)) from None
    for place in held:
        until = "until someone removes it" if place.until_ms is None else f"until {_day(place.until_ms)}"
        click.echo(f"still held: {place.where}: {place.what}, {until}")
    if job is None:
        click.echo("not looked at: a job's topics and state; give its --config")


def _publish_erasure(job: JobConfig, user_id: str, moment_ms: int) -> bool:
    """Whether the job's events take it. Raises ConfigError."""
    import secrets

    from jobs.config.kafka import KafkaSource
    from jobs.config.record_format import record_format
    from jobs.kafka.erasures import erasure_payload, publish_erasure
    from udfs.records.events import Erasure

    erasure = Erasure(event_id=f"erasure-{secrets.token_hex(8)}", user_id=user_id, timestamp=moment_ms)
    if isinstance(job.source, KafkaSource):
        topics = publish_erasure(job, erasure)
        click.echo(f"{erasure.event_id} written to {', '.join(topics)}: the job forgets the user when it reads it")
        return True
    record = erasure_payload(erasure, record_format(job.source, job.s3).key_path).decode()
    click.echo(f"source.kind: {job.source.kind} is not written to; add this record to the user's events: {record}")
    return False


def _erase_from_log(path: Path, user_id: str) -> None:
    from console.answers.embedded_log import EmbeddedLogError
    from console.answers.log_erasure import erase_from_log

    if not path.is_file():
        raise UserError(f"{path}: no such file; give the log of a console that scores, such as {SCORER_LOG}")
    try:
        with progress_bar("erasing from the log") as progress:
            count = erase_from_log(path, user_id, progress)
    except EmbeddedLogError as error:
        raise UserError(f"{error}. A running console takes POST /v1/erasures") from None
    click.echo(f"{path}: {count:,} records removed, the state is forgotten")


@store.command(name="retain")
@click.option("--decisions", "decisions_days", type=DAYS, default=400, show_default=True, help="Days to keep them.")
@click.option("--alerts", "alerts_days", type=DAYS, default=400, show_default=True, help="Days to keep them.")
@click.option("--events", "events_days", type=DAYS, default=400, show_default=True, help="Days to keep them.")
@click.option("--dead-letters", "letters_days", type=DAYS, default=90, show_default=True, help="Days to keep them.")
@store_option
def retain(decisions_days: float, alerts_days: float, events_days: float, letters_days: float, url: str) -> None:
    """Remove what is older; call it once a day."""
    from console.store.retention import RetentionPolicy, apply_retention

    policy = RetentionPolicy(
        decisions_days=decisions_days, alerts_days=alerts_days, events_days=events_days, dead_letters_days=letters_days
    )
    with opened(url) as store:
        removed = apply_retention(store.database, policy, now_ms())
        _audit(store, "old rows removed", removed)
    for table, count in removed.items():
        click.echo(f"{table}: {count:,} rows removed")


def _audit(store: DecisionStore, what: str, after: dict[str, int]) -> None:
    from console.store.rows import AuditEntry

    store.audit(AuditEntry(at_ms=now_ms(), who=who(), what=what, after=dict(after)))


def take_run(store: DecisionStore, folder: Path) -> int:
    """Take what is new of a run into the store, with its progress; returns the number of records. Raises UserError."""
    from console.store.intake_run import RunError, read_run

    try:
        with progress_bar("reading the run") as progress:
            return read_run(store, folder, progress=progress)
    except RunError as error:
        raise UserError(str(error)) from None


def _read_log(store: DecisionStore, path: Path) -> int:
    from console.store.intake_log import LogIntake

    if not path.is_file():
        raise UserError(f"{path}: no such file; give the log of a console that scores, such as {SCORER_LOG}")
    return LogIntake(store, path).run_to_end()


def _read_topics(store: DecisionStore, config: JobConfig, skip_missing: bool) -> int:
    from threading import Event

    from console.store.intake_kafka import kafka_intakes

    count = 0
    for intake in kafka_intakes(store, config, skip_missing):
        try:
            count += intake.run(Event(), until_end=True)
        finally:
            intake.close()
    return count


def _loaded(path: Path | None) -> JobConfig:
    from jobs.config.errors import ConfigError
    from jobs.config.loading import load_config

    assert path is not None
    try:
        return load_config(path)
    except ConfigError as error:
        raise UserError(str(error)) from None


def _day(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d")

"""What outside of the store may hold records of an erased user, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from udfs.values.time_units import DAY_MS

if TYPE_CHECKING:
    from jobs.config.job import JobConfig
    from jobs.config.kafka import KafkaConnection

CHECKPOINTS_KEPT = 3
"""As jobs/runtime/environment.py has it."""
VISITORS_MS = 8 * DAY_MS
"""The entity aggregates job knows who visited an entity for a week, and drops it at the entity's next event."""


class Held(msgspec.Struct, frozen=True):
    """A place that may hold records of a user. `until_ms`: epoch milliseconds; None: until someone removes them."""

    where: str
    what: str
    until_ms: int | None = None


def held_by_job(config: JobConfig, now_ms: int, is_published: bool) -> list[Held]:
    """What a job's topics, files and state may hold of any user, if nothing new comes of that user.

    `is_published`: an erasure was written to the events, now. Asks the brokers for the retention of the topics. Raises
    ConfigError if they do not answer.
    """
    return [*_of_topics(config, now_ms), *_of_state(config, now_ms, is_published), *_of_sinks(config)]


def held_by_store(is_sqlite: bool) -> list[Held]:
    """What a store's database may hold of rows that were removed from it."""
    if is_sqlite:
        freed = Held(
            "the store's file", "bytes of removed rows in pages that are not used again yet; VACUUM overwrites them"
        )
    else:
        freed = Held(
            "PostgreSQL",
            "removed rows until the next VACUUM; its write-ahead log and archives of it, replicas, dumps by their retention",
        )
    changes = Held(
        "the store's log of changes of the job, and proposals",
        "blocks of the user and lists that have the user's id: a log without them could not be verified",
    )
    return [freed, changes, Held("backups of the store", "all rows of their moment")]


def held_by_log(path: Path) -> list[Held]:
    """What the log of an embedded scorer holds from which a user was not erased."""
    return [Held(f"the scorer's log {path}", "state, events and answers of the user; erase with --log")]


def held_by_running_log(path: Path) -> list[Held]:
    """What the log of a scorer that runs may hold of a user that was erased from it."""
    told = "copies of removed rows, in pages that SQLite has reorganised; erasing with --log writes the file anew"
    return [Held(f"the scorer's log {path}", told)]


def _of_topics(config: JobConfig, now_ms: int) -> Iterator[Held]:
    from console.store.intake_kafka import topics_of
    from console.store.kafka_topics import retention_ms
    from jobs.config.kafka import KafkaReplies

    asked: list[tuple[KafkaConnection, dict[str, str]]] = [(one, {**topics}) for one, topics in topics_of(config)]
    if isinstance(config.replies, KafkaReplies):
        asked.append((config.replies.connection, {config.replies.topic: "replies"}))
    for connection, topics in asked:
        kept = retention_ms(connection, list(topics))
        for topic, kind in topics.items():
            time_ms = kept[topic]
            until = None if time_ms is None else now_ms + time_ms
            yield Held(f"Kafka topic {topic}", f"{kind} of the last {_days(time_ms)}", until)


def _of_state(config: JobConfig, now_ms: int, is_published: bool) -> Iterator[Held]:
    if is_published:
        yield Held("the job's state", "windows, habits and ids of the user, until the job has read the erasure", now_ms)
    else:
        days = config.state.ttl_days
        yield Held(
            "the job's state", "windows, habits and ids of the user, unless an erasure is added to the events",
            now_ms + days * DAY_MS,
        )  # fmt: skip
    if config.state.checkpoint_dir is not None or config.flink.managed:
        yield Held(
            "checkpoints", f"the state before the erasure, until {CHECKPOINTS_KEPT} newer ones are complete",
            now_ms + CHECKPOINTS_KEPT * config.state.checkpoint_interval_ms if is_published else None,
        )  # fmt: skip
    yield Held("savepoints", "the state of their moment")
    yield Held(
        "the entity aggregates job, if there is one",
        "who visited an entity in a week, and the ids of labelled payments for aggregates.label_days",
        now_ms + VISITORS_MS,
    )
    if config.online_features.kind == "store":
        yield Held("online features in the store", "the user's newest windows", now_ms + config.online_features.ttl_ms)


def _of_sinks(config: JobConfig) -> Iterator[Held]:
    for sink in config.sinks:
        if sink.kind == "files":
            yield Held(f"files in {sink.directory}", "decisions, alerts, flags and dead letters")
        elif sink.kind == "sns":
            yield Held("subscribers of alerts (SNS)", "alerts that were sent")
    yield Held("profiles and block lists that you loaded", "the rows of the user (scoring.reference, store, control)")


def _days(time_ms: int | None) -> str:
    return "time, without limit" if time_ms is None else f"{time_ms / DAY_MS:g} days"

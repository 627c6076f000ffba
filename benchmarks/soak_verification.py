"""Verifies a soak test: every transaction is decided, repeated decisions are equal, and user state is exact."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from benchmarks.kafka_log import KafkaLog

ONE_USER_IN = 50
"""One user in so many is replayed in plain Python from all events, and the decisions are compared byte by byte."""
EXAMPLES = 3
"""Maximum number of examples of each kind of difference."""


class Verdict(NamedTuple):
    """Counts of a verification. The test passes where `missing`, `different_*` and `dead_letters` are 0."""

    transactions: int
    decisions: int
    repeated: int
    replayed: int
    missing: int
    different_repeats: int
    different_from_replay: int
    dead_letters: int
    degraded_then_not: int
    """Repeated decisions that differ because one of them is tagged as made without the store's values."""
    not_ok: int
    """Decisions whose enrichment status is `stale` or `degraded`."""
    examples: list[list[str]]
    """Differing repeated decisions, then decisions with their differing replays."""

    @property
    def is_good(self) -> bool:
        return not (self.missing or self.different_repeats or self.different_from_replay or self.dead_letters)


class _Event(msgspec.Struct, tag_field=None):
    user_id: str
    transaction_id: str | None = None
    type: str = "transaction"


class _Decision(msgspec.Struct):
    transaction_id: str
    user_id: str
    enrichment: str = "ok"


def verify(log: KafkaLog, config_file: Path, events: str, decisions: str, dead_letters: str) -> Verdict:
    """Reads both topics completely. Only decisions with `enrichment: ok` are compared with the replay."""
    decode_event, decode_decision = msgspec.json.Decoder(_Event).decode, msgspec.json.Decoder(_Decision).decode
    undecided: set[str] = set()
    sample: list[Any] = []
    for record in log.records(events, timeout_s=600):
        event = decode_event(record.value)
        if event.type == "transaction" and event.transaction_id is not None:
            undecided.add(event.transaction_id)
        if is_sampled(event.user_id):
            sample.append(record)
    transactions = len(undecided)
    expected = _replayed(config_file, sample)
    seen: dict[str, int] = {}
    total = wrong = compared = not_ok = 0
    different: set[str] = set()
    examples: list[list[str]] = []
    for record in log.records(decisions, timeout_s=600):
        decision = decode_decision(record.value)
        total += 1
        digest = hash(record.value)
        if seen.setdefault(decision.transaction_id, digest) != digest:
            different.add(decision.transaction_id)
        undecided.discard(decision.transaction_id)
        not_ok += decision.enrichment != "ok"
        if decision.enrichment == "ok" and is_sampled(decision.user_id):
            compared += 1
            replayed = expected.get(decision.transaction_id, [])
            if record.value not in replayed:
                wrong += 1
                if len(examples) < EXAMPLES:
                    examples.append([value.decode() for value in (record.value, *replayed)])
    pairs = _all_of(log, decisions, different) if different else []
    unexplained = [values for values in pairs if all(decode_decision(value).enrichment == "ok" for value in values)]
    return Verdict(
        transactions,
        total,
        total - len(seen),
        compared,
        len(undecided),
        len(unexplained),
        wrong,
        log.size(dead_letters),
        len(pairs) - len(unexplained),
        not_ok,
        [[value.decode() for value in values] for values in (unexplained or pairs)[:EXAMPLES]] + examples,
    )


def _all_of(log: KafkaLog, decisions: str, transactions: set[str]) -> list[list[bytes]]:
    """The distinct decisions on each of the given transactions, by reading the topic again."""
    found: dict[str, dict[bytes, None]] = {}
    decode = msgspec.json.Decoder(_Decision).decode
    for record in log.records(decisions, timeout_s=600):
        transaction_id = decode(record.value).transaction_id
        if transaction_id in transactions:
            found.setdefault(transaction_id, {})[record.value] = None
    return [list(values) for values in found.values()]


def is_sampled(user_id: str) -> bool:
    """True for one user in ONE_USER_IN, the same in every run."""
    return crc32(user_id.encode()) % ONE_USER_IN == 0


def _replayed(config_file: Path, records: Iterable[Any]) -> dict[str, list[bytes]]:
    """Decisions of an in-memory scorer by transaction id; records of a user must be in order (they share a partition)."""
    from jobs.config.loading import load_config
    from jobs.config.scoring import scorer_config, scorer_paths
    from udfs.process.system_clocks import SYSTEM_CLOCKS
    from udfs.records.outputs import Origin
    from udfs.scoring.factory import open_scorer
    from udfs.state.user_log import MemoryUserLogs

    config = load_config(config_file)
    logs = MemoryUserLogs()
    scorer = open_scorer(scorer_config(config), scorer_paths(config), logs, SYSTEM_CLOCKS)
    found: dict[str, list[bytes]] = {}
    decode = msgspec.json.Decoder(_Decision).decode
    for record in records:
        logs.set_current_key(str(json.loads(record.value)["user_id"]))
        origin = Origin(record.topic, str(record.partition), record.offset)
        for output in scorer.process(record.value, logs.key, record.timestamp, origin):
            if output.destination == "decisions":
                found.setdefault(decode(output.value).transaction_id, []).append(output.value)
    scorer.close()
    return found

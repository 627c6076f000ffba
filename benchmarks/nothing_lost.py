"""After a soak: has every transaction its decision, are repeated ones the same, and is users' state exact?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from benchmarks.kafka_log import KafkaLog

ONE_USER_IN = 50
"""So many users' decisions are made again in plain Python, from all their events, and compared byte by byte."""
EXAMPLES = 3
"""Of each kind of difference, to look at."""


class Verdict(NamedTuple):
    """What was found. Nothing is lost and all is exact when the four from `missing` on are 0."""

    transactions: int
    decisions: int
    repeated: int
    replayed: int
    missing: int
    different_repeats: int
    different_from_replay: int
    dead_letters: int
    degraded_then_not: int
    """Repeated ones of which one was made without the store's values, and says so."""
    not_ok: int
    """Decisions that say that they lack the store's values, or are from stale ones."""
    examples: list[list[str]]
    """Different repeats, and then decisions beside what a replay gives."""

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
    """Read both topics whole. A decision that is tagged other than `enrichment: ok` is not compared with the replay."""
    decode_event, decode_decision = msgspec.json.Decoder(_Event).decode, msgspec.json.Decoder(_Decision).decode
    waiting: set[str] = set()
    sample: list[Any] = []
    for record in log.records(events, patience_s=600):
        event = decode_event(record.value)
        if event.type == "transaction" and event.transaction_id is not None:
            waiting.add(event.transaction_id)
        if is_sampled(event.user_id):
            sample.append(record)
    transactions = len(waiting)
    expected = _replayed(config_file, sample)
    seen: dict[str, int] = {}
    total = wrong = compared = not_ok = 0
    different: set[str] = set()
    examples: list[list[str]] = []
    for record in log.records(decisions, patience_s=600):
        decision = decode_decision(record.value)
        total += 1
        mark = hash(record.value)
        if seen.setdefault(decision.transaction_id, mark) != mark:
            different.add(decision.transaction_id)
        waiting.discard(decision.transaction_id)
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
        len(waiting),
        len(unexplained),
        wrong,
        log.size(dead_letters),
        len(pairs) - len(unexplained),
        not_ok,
        [[value.decode() for value in values] for values in (unexplained or pairs)[:EXAMPLES]] + examples,
    )


def _all_of(log: KafkaLog, decisions: str, transactions: set[str]) -> list[list[bytes]]:
    """The different decisions on each of some transactions, from a second reading."""
    found: dict[str, dict[bytes, None]] = {}
    decode = msgspec.json.Decoder(_Decision).decode
    for record in log.records(decisions, patience_s=600):
        transaction_id = decode(record.value).transaction_id
        if transaction_id in transactions:
            found.setdefault(transaction_id, {})[record.value] = None
    return [list(values) for values in found.values()]


def is_sampled(user_id: str) -> bool:
    """One user in fifty, the same in every run."""
    return crc32(user_id.encode()) % ONE_USER_IN == 0


def _replayed(config_file: Path, records: Iterable[Any]) -> dict[str, list[bytes]]:
    """A scorer's decisions on memory by transaction; a user's events are on one partition, in their order."""
    from jobs.config_file import load_config
    from jobs.scoring_settings import scorer_config, scorer_paths
    from udfs.open_scorer import open_scorer
    from udfs.outputs import Origin
    from udfs.system_clocks import SYSTEM_CLOCKS
    from udfs.user_log import MemoryUserLogs

    config = load_config(config_file)
    logs = MemoryUserLogs()
    scorer = open_scorer(scorer_config(config), scorer_paths(config), logs, SYSTEM_CLOCKS)
    found: dict[str, list[bytes]] = {}
    decode = msgspec.json.Decoder(_Decision).decode
    for record in records:
        logs.key = str(json.loads(record.value)["user_id"])
        origin = Origin(record.topic, str(record.partition), record.offset)
        for output in scorer.process(record.value, logs.key, record.timestamp, origin):
            if output.destination == "decisions":
                found.setdefault(decode(output.value).transaction_id, []).append(output.value)
    scorer.close()
    return found

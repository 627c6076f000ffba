"""Makes a whole simulation: people pay by habit, fraudsters commit fraud, labels become known, events arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from simulator import (
    account_changes,
    arrival,
    currencies,
    frauds,
    labels,
    pattern_registry,
    purchases,
    refunds,
    sessions,
)
from simulator.config import SimulatorConfig
from simulator.event_lines import EventLines
from simulator.names import Names
from simulator.randomness import RandomStreams
from simulator.reference import Reference, make_reference
from simulator.transactions import NOT_FRAUD, Transactions, concatenate
from simulator.truth import Truth
from simulator.world import World, make_world

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Simulation:
    """`events` are the encoded lines in arrival order; `truth` one record a transaction by event time.

    `manifest` holds the seed, the arguments and the counts by type and by pattern, ready for JSON.
    """

    config: SimulatorConfig
    events: EventLines
    truth: Truth
    reference: Reference
    manifest: dict[str, Any]


def simulate(config: SimulatorConfig, progress: Progress | None = None) -> Simulation:
    """Makes everything but the text of the events, which `events` encodes when it is iterated.

    The number of transactions is exactly config.transaction_count unless single fraud episodes are larger than that.
    `progress` is called with (transactions drawn, transactions in all). Equal configurations give equal bytes.
    Raises SimulatorConfigError where a pattern's name is unknown.
    """
    patterns = pattern_registry.select(config.patterns)
    streams = RandomStreams(config.seed)
    world = make_world(config, streams)
    total = config.transaction_count

    def report(done: int) -> None:
        if progress is not None:
            progress(done, total)

    ordinary = purchases.draw_purchases(world, streams.of("purchases"), total, report)
    committed = frauds.commit_frauds(world, ordinary, patterns, streams)
    transactions = _assemble(world, streams, ordinary, committed)
    if config.multi_currency:
        currencies.to_local_currencies(world, transactions)
    first_rows = sessions.number_sessions(transactions)
    session_logins = sessions.draw_logins(world, streams.of("logins"), transactions, first_rows)
    logins = sessions.in_order(session_logins, committed.logins)
    ordinary_changes = account_changes.draw_account_changes(world, streams.of("account changes"))
    changes = tuple(sorted((*ordinary_changes, *committed.account_changes), key=lambda change: change.timestamp_ms))
    arrived_ms = arrival.draw_arrivals(world, streams.of("arrivals"), transactions.timestamp_ms)
    known_labels = labels.draw_labels(world, streams.of("labels"), transactions, arrived_ms)
    order = arrival.arrange(world, streams.of("duplicates"), arrived_ms, logins, changes, known_labels)
    names = Names(world, world.addresses.first_fresh + committed.means.address_count)
    return Simulation(
        config=config,
        events=EventLines(order, names, transactions, logins, changes, known_labels),
        truth=Truth(transactions, names, tuple(patterns)),
        reference=make_reference(world, committed.means, names, streams),
        manifest={
            "seed": config.seed,
            "arguments": asdict(config),
            "patterns": _pattern_counts(transactions, tuple(patterns)),
            "counts": {
                "transactions": len(transactions),
                "frauds": int((transactions.pattern != NOT_FRAUD).sum()),
                "duplicates": order.duplicate_count,
                "late": int((arrived_ms > transactions.timestamp_ms).sum()),
                "logins": len(logins),
                "account_changes": len(changes),
                "labels": len(known_labels),
                "lines": len(order.kind),
            },
        },
    )


def _assemble(world: World, streams: RandomStreams, ordinary: Transactions, committed: frauds.Frauds) -> Transactions:
    """All transactions by event time; as many ordinary purchases give way as frauds and refunds were added."""
    given_back, refunded_rows = refunds.draw_refunds(world, streams.of("refunds"), ordinary)
    droppable = ordinary.pattern == NOT_FRAUD
    droppable[refunded_rows] = False
    too_many = len(committed.added) + len(given_back)
    kept = np.ones(len(ordinary), np.bool_)
    kept[frauds.rows_to_drop(streams.of("drops"), droppable, too_many)] = False
    everything = concatenate([ordinary.take(kept), given_back, committed.added])
    return everything.take(np.argsort(everything.timestamp_ms, kind="stable"))


def _pattern_counts(transactions: Transactions, patterns: tuple[str, ...]) -> dict[str, int]:
    counts = Counter(transactions.pattern[transactions.pattern != NOT_FRAUD].tolist())
    return {name: counts[number] for number, name in enumerate(patterns)}

"""Generates a simulation: ordinary purchases, injected frauds, refunds, logins, labels and arrival order."""

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
    """The output of a simulation.

    `events` are the encoded lines in arrival order; `truth` has one record per transaction, by event time; `manifest`
    holds the seed, the arguments and the counts by type and pattern as JSON-compatible values.
    """

    config: SimulatorConfig
    events: EventLines
    truth: Truth
    reference: Reference
    manifest: dict[str, Any]


def simulate(config: SimulatorConfig, progress: Progress | None = None) -> Simulation:
    """Runs a simulation; equal configurations produce equal bytes. Events are encoded when `events` is iterated.

    The number of transactions is exactly config.transaction_count unless a single fraud episode exceeds it.
    `progress` is called with (transactions drawn, total transactions). Raises SimulatorConfigError for an unknown
    pattern name.
    """
    patterns = pattern_registry.select(config.patterns)
    streams = RandomStreams(config.seed)
    world = make_world(config, streams)
    total = config.transaction_count

    def report(done: int) -> None:
        if progress is not None:
            progress(done, total)

    ordinary = purchases.draw_purchases(world, streams.of("purchases"), total, report)
    injected = frauds.inject_frauds(world, ordinary, patterns, streams)
    transactions = _assemble(world, streams, ordinary, injected)
    if config.multi_currency:
        currencies.to_local_currencies(world, transactions)
    first_rows = sessions.number_sessions(transactions)
    session_logins = sessions.draw_logins(world, streams.of("logins"), transactions, first_rows)
    logins = sessions.merge_by_time(session_logins, injected.logins)
    ordinary_changes = account_changes.draw_account_changes(world, streams.of("account changes"))
    changes = tuple(sorted((*ordinary_changes, *injected.account_changes), key=lambda change: change.timestamp_ms))
    arrived_ms = arrival.draw_arrivals(world, streams.of("arrivals"), transactions.timestamp_ms)
    known_labels = labels.draw_labels(world, streams.of("labels"), transactions, arrived_ms)
    order = arrival.order_by_arrival(world, streams.of("duplicates"), arrived_ms, logins, changes, known_labels)
    names = Names(world, world.addresses.first_fresh + injected.resources.address_count)
    return Simulation(
        config=config,
        events=EventLines(order, names, transactions, logins, changes, known_labels),
        truth=Truth(transactions, names, tuple(patterns)),
        reference=make_reference(world, injected.resources, names, streams),
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


def _assemble(world: World, streams: RandomStreams, ordinary: Transactions, injected: frauds.Frauds) -> Transactions:
    """All transactions by event time; drops as many ordinary purchases as frauds and refunds were added."""
    refunded, refunded_rows = refunds.draw_refunds(world, streams.of("refunds"), ordinary)
    droppable = ordinary.pattern == NOT_FRAUD
    droppable[refunded_rows] = False
    excess = len(injected.added) + len(refunded)
    kept = np.ones(len(ordinary), np.bool_)
    kept[frauds.rows_to_drop(streams.of("drops"), droppable, excess)] = False
    combined = concatenate([ordinary.take(kept), refunded, injected.added])
    return combined.take(np.argsort(combined.timestamp_ms, kind="stable"))


def _pattern_counts(transactions: Transactions, patterns: tuple[str, ...]) -> dict[str, int]:
    counts = Counter(transactions.pattern[transactions.pattern != NOT_FRAUD].tolist())
    return {name: counts[number] for number, name in enumerate(patterns)}

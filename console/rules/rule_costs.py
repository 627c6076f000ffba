"""What rules cost in time: each condition is evaluated over payments of the store, on this machine, by the scorer's code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import NamedTuple

import msgspec
import numpy as np
from sqlalchemy import and_, select

from console.decides_with import DecidesWith
from console.store.engine import Database
from console.store.tables import decisions, events
from udfs.records.events import Event, Transaction
from udfs.rules.errors import RuleError
from udfs.rules.named_lists import Lists
from udfs.rules.population import Population, PopulationError, load_population
from udfs.rules.rule_set import Rule, RuleSet, RuleState
from udfs.rules.rulebook import Rulebook

LOOKED_AT, PAYMENTS = 500, 50
"""Of the newest decisions so many payments whose features and events the store has."""
COPIES = 200
"""Of a condition in one measurement: passing a payment to the core takes longer than a condition."""
REPEATS = 3
MOST_SECONDS = 0.5
"""What it takes a page; what is not measured then is at the next page."""
MOST_KEPT = 5_000
NOTHING = "amount > 0"
_decode_event = msgspec.json.Decoder(Event).decode


class _Payment(NamedTuple):
    features: list[float]
    event: Transaction
    population: dict[str, float]


class RuleCosts:
    """Measures conditions, and keeps what it has measured. Thread-safe."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = perf_counter) -> None:
        self._database = database
        self._monotonic = monotonic
        self._lock = Lock()
        self._kept: dict[tuple[str, str], float] = {}

    def of_rules(self, known: DecidesWith) -> dict[str, float]:
        """Microseconds a payment, by the ids of the rules in force on payments; without those that are not measured yet, and
        empty where rules or bundle are not known or the store has no payments of its features. Blocks for MOST_SECONDS at
        most."""
        manifest = known.manifest()
        if manifest is None or known.rules is None:
            return {}
        version = manifest.feature_set_version
        rules = [rule for rule in known.rules.rules if rule.is_evaluated and rule.event == "transaction"]
        with self._lock:
            missing = {rule.when: rule for rule in rules if (version, rule.when) not in self._kept}
            if missing:
                self._measure(list(missing.values()), version, manifest.feature_names, known)
            costs = {rule.id: self._kept.get((version, rule.when)) for rule in rules}
        return {name: cost for name, cost in costs.items() if cost is not None}

    def _measure(self, rules: Sequence[Rule], version: str, names: Sequence[str], known: DecidesWith) -> None:
        end = self._monotonic() + MOST_SECONDS
        payments = self._payments(version, len(names), _population(known.statistics))
        if not payments:
            return
        if len(self._kept) > MOST_KEPT:
            self._kept.clear()
        empty = self._seconds(_copies(NOTHING, "draft", names, known.lists), payments)
        for rule in rules:
            if self._monotonic() > end:
                return
            try:
                copies = _copies(rule.when, "live", names, known.lists)
            except RuleError:  # of a feature or a list that this console does not know
                continue
            seconds = max(0.0, self._seconds(copies, payments) - empty)
            self._kept[version, rule.when] = seconds / COPIES / len(payments) * 1e6

    def _seconds(self, rulebook: Rulebook, payments: Sequence[_Payment]) -> float:
        """For all payments, the least of some runs: others of this machine only add to it."""
        runs = []
        for _ in range(REPEATS):
            start = self._monotonic()
            for payment in payments:
                rulebook.core.evaluate(payment.features, payment.event, payment.population)
            runs.append(self._monotonic() - start)
        return min(runs)

    def _payments(self, version: str, values: int, population: Population) -> list[_Payment]:
        columns, of_event = decisions.c, events.c
        newest = (
            select(
                columns.event_time_ms, columns.user_id, columns.transaction_id, columns.feature_set, columns.features
            )
            .order_by(columns.event_time_ms.desc(), columns.decision_id.desc())
            .limit(LOOKED_AT)
            .subquery()
        )
        of_event_of_it = and_(
            of_event.user_id == newest.c.user_id,
            of_event.event_type == "transaction",
            of_event.at_ms == newest.c.event_time_ms,
            of_event.event_id == newest.c.transaction_id,
        )
        statement = select(newest.c.features, of_event.body).join_from(newest, events, of_event_of_it)
        statement = statement.where(newest.c.feature_set == version).limit(PAYMENTS)
        found = []
        with self._database.read() as connection:
            for packed, body in connection.execute(statement):
                event = _decode_event(body)
                if isinstance(event, Transaction) and packed is not None and len(packed) == 8 * values:
                    features = np.frombuffer(bytes(packed), "<f8").tolist()
                    found.append(_Payment(features, event, population.inputs(event)))
        return found


def _copies(condition: str, state: RuleState, names: Sequence[str], lists: Lists) -> Rulebook:
    """A rule set of nothing but this condition; drafts are not evaluated. Raises RuleError."""
    rules = tuple(Rule(f"copy_{number}", 0, condition, "a hit", state=state) for number in range(COPIES))
    return Rulebook(RuleSet("copies", 1, ((0, 0), (1, 1000)), rules), names, lists)


def _population(statistics: str | None) -> Population:
    try:
        return load_population(None if statistics is None else Path(statistics))
    except PopulationError:
        return Population()

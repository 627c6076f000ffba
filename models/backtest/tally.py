"""Counts of a backtest, batch by batch. All are whole numbers, so that the order of batches does not matter."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.backtest.columns import DecisionColumns
from models.backtest.labels import (
    DAY_MS,
    FRAUD,
    LEGITIMATE,
    OUTCOMES,
    PRESUMED_DAYS,
    Unlabelled,
    presumed,
)
from udfs.records.outputs import ACTIONS
from udfs.rules.column_rules import Hits

COHORT_DAYS = (7, 14, 30)
EXAMPLES = 3
KNOWLEDGE = 1 + len(COHORT_DAYS)
"""As known at the horizon, and after so many days by those decisions that are so old."""
assert KNOWLEDGE <= 4, "the outcomes of a decision are packed into one byte"
assert OUTCOMES < 4, "an outcome, or none, is packed into two bits"
_ACTIONS = len(ACTIONS)
_OUTCOMES_OF = np.array(
    [[[code >> 2 * number & 3 == kind + 1 for kind in range(OUTCOMES)] for number in range(KNOWLEDGE)]
     for code in range(4**KNOWLEDGE)],
    np.int64,
)  # fmt: skip
"""[outcomes of all knowledge in 2 bits each, KNOWLEDGE, OUTCOMES]: one where the outcome is this."""
_OVERLAP_ROWS = 1 << 16
_OVERLAP_CELLS = 1 << 22
"""Of the matrix of hits that is multiplied at once: 16 MB."""
Column = npt.NDArray[Any]


class Judged(NamedTuple):
    """What was decided of each row, or would be: actions (uint8) and scores (int16)."""

    actions: Column
    scores: Column


class Tried(NamedTuple):
    """One batch with the hits of the rules that are tried, and the decisions before, after and by the model alone.

    `before_hits` are those of the rules that are compared with; None: those that were recorded.
    """

    columns: DecisionColumns
    hits: Hits
    before_hits: Hits | None
    before: Judged
    after: Judged
    model: Judged


class Example(NamedTuple):
    """One decision, ordered by the amount, greatest first, then by id."""

    amount_milli: int
    decision_id: str
    transaction_id: str
    user_id: str
    event_time_ms: int
    outcome: int
    before: int
    after: int
    score_before: int
    score_after: int

    @property
    def place(self) -> tuple[int, str]:
        return -self.amount_milli, self.decision_id


def _months() -> defaultdict[int, Column]:
    return defaultdict(lambda: np.zeros((KNOWLEDGE, OUTCOMES), np.int64))


class RuleTally:
    """Counts of one rule. `months`: by months since 1970 the hits [KNOWLEDGE, OUTCOMES]. `actions`: [before, after]."""

    def __init__(self) -> None:
        self.months = _months()
        self.milli = np.zeros(OUTCOMES, np.int64)
        self.actions = np.zeros((_ACTIONS, _ACTIONS), np.int64)
        self.unique = np.zeros(OUTCOMES, np.int64)
        self.true_examples: list[Example] = []
        self.false_examples: list[Example] = []


class SetTally:
    """Counts of decisions by one set of rules. `months`: by month [KNOWLEDGE, actions, OUTCOMES]."""

    def __init__(self) -> None:
        self.months: defaultdict[int, Column] = defaultdict(lambda: np.zeros((KNOWLEDGE, _ACTIONS, OUTCOMES), np.int64))
        self.milli = np.zeros((_ACTIONS, OUTCOMES), np.int64)


class Tally:
    """All counts of a backtest over `rules` rules."""

    def __init__(self, rules: int, horizon_ms: int, unlabelled: Unlabelled) -> None:
        self.rules = [RuleTally() for _ in range(rules)]
        self.before, self.after, self.model = SetTally(), SetTally(), SetTally()
        self.transitions = np.zeros((_ACTIONS, _ACTIONS, OUTCOMES), np.int64)
        self.overlap = np.zeros((rules, rules), np.int64)
        self.decisions = 0
        self.first_ms, self.last_ms = 1 << 62, -(1 << 62)
        self._horizon_ms = horizon_ms
        self._unlabelled: Unlabelled = unlabelled
        self.presumed = 0

    def add(self, tried: Tried) -> None:
        """One batch."""
        columns = tried.columns
        if not columns.rows:
            return
        self.decisions += columns.rows
        self.first_ms = min(self.first_ms, int(columns.time_ms.min()))
        self.last_ms = max(self.last_ms, int(columns.time_ms.max()))
        months = columns.time_ms.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
        outcomes = self._outcomes(columns)
        knowledge = np.zeros(columns.rows, np.uint8)
        for number, outcome in enumerate(outcomes):
            knowledge |= (outcome + 1).astype(np.uint8) << np.uint8(2 * number)
        for judged, tally in ((tried.before, self.before), (tried.after, self.after), (tried.model, self.model)):
            _add_set(tally, judged.actions, months, knowledge, outcomes[0], columns.amount_milli)
        _count(self.transitions, (tried.before.actions, tried.after.actions, outcomes[0]))
        self._add_rules(tried, months, knowledge, outcomes[0])

    def _outcomes(self, columns: DecisionColumns) -> list[Column]:
        """By knowledge the outcome of each row, -1 where the decision is not so old."""
        known = columns.labels.as_known_at(self._horizon_ms)
        is_old = columns.time_ms + PRESUMED_DAYS * DAY_MS <= self._horizon_ms
        found = [presumed(known, is_old, self._unlabelled)]
        self.presumed += int((found[0] != known).sum())
        for days in COHORT_DAYS:
            moments = columns.time_ms + days * DAY_MS
            outcome = presumed(columns.labels.as_known_at(moments), True, self._unlabelled)
            found.append(np.where(moments <= self._horizon_ms, outcome, -1).astype(np.int8))
        return found

    def _add_rules(self, tried: Tried, months: Column, knowledge: Column, outcomes: Column) -> None:
        hits, columns = tried.hits, tried.columns
        if not self.rules:
            return
        is_alone = (np.diff(hits.starts) == 1) & (tried.model.actions == 0)
        order = np.argsort(hits.places, kind="stable")
        rows = hits.rows[order]
        for place, month, counts in _by_month(hits.places[order], months[rows], knowledge[rows], len(self.rules)):
            self.rules[place].months[month] += counts
        ends = np.cumsum(np.bincount(hits.places, minlength=len(self.rules)))
        for tally, of_rule in zip(self.rules, np.split(rows, ends[:-1]), strict=True):
            if not len(of_rule):
                continue
            outcome = outcomes[of_rule]
            milli = columns.amount_milli[of_rule]
            for kind in range(OUTCOMES):
                tally.milli[kind] += int(milli.sum(where=outcome == kind))
            _count(tally.actions, (tried.before.actions[of_rule], tried.after.actions[of_rule]))
            tally.unique += np.bincount(outcome[is_alone[of_rule]], minlength=OUTCOMES)
            _keep_examples(tally.true_examples, tried, of_rule[outcome == FRAUD], FRAUD)
            _keep_examples(tally.false_examples, tried, of_rule[outcome == LEGITIMATE], LEGITIMATE)
        self._add_overlap(hits)

    def _add_overlap(self, hits: Hits) -> None:
        """Rows that two rules hit, for each pair: the product of the matrix of hits with itself.

        Whole numbers below 2 ** 24 are exact in float32, and so are their sums in any order.
        """
        width = len(self.rules)
        height = max(1, min(_OVERLAP_ROWS, _OVERLAP_CELLS // width))
        for first in range(0, len(hits.points), height):
            starts = hits.starts[first : first + height + 1]
            matrix = np.zeros((len(starts) - 1, width), np.float32)
            rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
            matrix[rows, hits.places[starts[0] : starts[-1]]] = 1
            self.overlap += (matrix.T @ matrix).astype(np.int64)


def _count(into: Column, places: tuple[Column, ...]) -> None:
    """Add one at each place of the array."""
    flat = np.zeros(len(places[0]), np.int64)
    for width, place in zip(into.shape, places, strict=True):
        flat = flat * width + place
    into += np.bincount(flat, minlength=into.size).reshape(into.shape)


def _by_month(places: Column, months: Column, knowledge: Column, width: int) -> Iterator[tuple[int, int, Column]]:
    """By place (below `width`) and month how many there are [KNOWLEDGE, OUTCOMES]; those that are not so old do not count.

    `knowledge`: the outcomes of an element, 2 bits each, 0 where it is not so old.
    """
    if not len(places):
        return
    present, numbers = np.unique(months, return_inverse=True)
    shape = (width, len(present), len(_OUTCOMES_OF))
    flat = (places.astype(np.int64) * shape[1] + numbers) * shape[2] + knowledge
    counts = np.bincount(flat, minlength=math.prod(shape)).reshape(shape)
    for place, number in np.argwhere(counts.any(axis=2)).tolist():
        yield place, int(present[number]), np.tensordot(counts[place, number], _OUTCOMES_OF, 1)


def _add_set(
    tally: SetTally, actions: Column, months: Column, knowledge: Column, outcomes: Column, milli: Column
) -> None:
    for action, month, counts in _by_month(actions, months, knowledge, _ACTIONS):
        tally.months[month][:, action] += counts
    for action in range(_ACTIONS):
        for kind in range(OUTCOMES):
            tally.milli[action, kind] += int(milli.sum(where=(actions == action) & (outcomes == kind)))


def _keep_examples(kept: list[Example], tried: Tried, rows: Column, outcome: int) -> None:
    """Keep the EXAMPLES of the greatest amounts."""
    if not len(rows):
        return
    amounts = tried.columns.amount_milli[rows]
    if len(rows) > EXAMPLES:
        least = np.partition(amounts, len(amounts) - EXAMPLES)[len(amounts) - EXAMPLES]
        if len(kept) == EXAMPLES:
            least = max(least, kept[-1].amount_milli)
        rows = rows[amounts >= least]
    batch = tried.columns.batch
    for row in rows.tolist():
        milli = int(tried.columns.amount_milli[row])
        if len(kept) >= EXAMPLES and milli < kept[EXAMPLES - 1].amount_milli:
            continue
        kept.append(
            Example(
                milli,
                batch.column("decision_id")[row].as_py(),
                batch.column("transaction_id")[row].as_py(),
                batch.column("user_id")[row].as_py(),
                int(tried.columns.time_ms[row]),
                outcome,
                int(tried.before.actions[row]),
                int(tried.after.actions[row]),
                int(tried.before.scores[row]),
                int(tried.after.scores[row]),
            )
        )
        kept.sort(key=lambda example: example.place)
        del kept[EXAMPLES:]

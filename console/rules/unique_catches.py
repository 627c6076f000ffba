"""Frauds that one rule caught alone: no other rule hit, and the model alone would have let them pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from threading import Lock
from typing import NamedTuple

import msgspec
import numpy as np
from sqlalchemy import and_, func, select

from console.decides_with import DecidesWith
from console.store.encoding import Body
from console.store.engine import Database
from console.store.tables import cases, decisions, rule_outcomes
from udfs.rules.column_rules import Hits, Predictions, judged
from udfs.rules.errors import RuleError
from udfs.rules.rule_map import RuleMapError
from udfs.rules.rulebook import Rulebook
from udfs.scoring.decider import judge_of

MOST_FRAUDS = 5_000
"""The newest that a single rule hit."""
BLOCK_LIST = "block_list"
KEEP_MS = 30_000
_decode_body = msgspec.json.Decoder(Body).decode


class UniqueCatches:
    """Counts them, and keeps the counts for a while. Thread-safe."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms
        self._lock = Lock()
        self._kept: tuple[int, DecidesWith, dict[str, int] | None] | None = None

    def of_all(self, known: DecidesWith) -> dict[str, int] | None:
        """As `unique_catches`, at most KEEP_MS old."""
        with self._lock:
            now_ms = self._now_ms()
            if self._kept is None or self._kept[1] is not known or not 0 <= now_ms - self._kept[0] < KEEP_MS:
                self._kept = now_ms, known, unique_catches(self._database, known)
            return self._kept[2]


def unique_catches(database: Database, known: DecidesWith) -> dict[str, int] | None:
    """By rule, of the cases that were closed as fraud. None where the bundle or the rules are not known, or do not fit.

    "The model alone" is what the bundle in force says without any hit, by the thresholds in force.
    """
    manifest, rule_set = known.manifest(), known.rules
    if manifest is None or rule_set is None:
        return None
    try:
        rulebook = Rulebook(rule_set, known.feature_names(), known.lists)
        judge = judge_of(known.settings, manifest.decision, rulebook)
    except (RuleError, RuleMapError):
        return None
    rows = _caught_by_one(database)
    if not rows:
        return {}
    predictions = _predictions(rows)
    actions, _ = judged(judge, rulebook, Hits.none(len(rows)), predictions)
    return dict(Counter(row.rule for row, action in zip(rows, actions.tolist(), strict=True) if action == 0))


class _Caught(NamedTuple):
    rule: str
    coverage: float | None
    body: Body


def _caught_by_one(database: Database) -> list[_Caught]:
    """The newest decisions that were frauds and that one rule alone hit."""
    columns, of_decision = rule_outcomes.c, decisions.c
    alone = (
        select(func.min(columns.rule).label("rule"), columns.case_id)
        .where(columns.outcome == "fraud")
        .group_by(columns.case_id)
        .having(func.count() == 1)
        .order_by(columns.case_id.desc())
        .limit(MOST_FRAUDS)
        .subquery()
    )
    statement = (
        select(alone.c.rule, of_decision.coverage, of_decision.body)
        .join(cases, cases.c.case_id == alone.c.case_id)
        .join(
            decisions,
            and_(of_decision.event_time_ms == cases.c.event_time_ms, of_decision.decision_id == cases.c.decision_id),
        )
    )
    with database.read() as connection:
        return [_Caught(rule, coverage, _decode_body(body)) for rule, coverage, body in connection.execute(statement)]


def _predictions(found: Sequence[_Caught]) -> Predictions:
    return Predictions(
        np.array([one.body.model.probability for one in found], np.float64),
        np.array([one.body.model.anomaly for one in found], np.float64),
        np.array([1.0 if one.coverage is None else one.coverage for one in found], np.float64),
        np.array([any(reason.source == BLOCK_LIST for reason in one.body.reasons) for one in found], np.bool_),
    )

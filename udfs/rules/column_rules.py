"""A rule set over columns: the hits of many decisions at once, and what the judge says of each.

The core evaluates (udfs/core/src/rules/columns), with the parser and the logic of single transactions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from udfs.core import _native
from udfs.rules.named_lists import NO_LISTS, Lists, compiled
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook

Numbers = npt.NDArray[np.float64]
"""[N]; NaN is not known. True is 1, false 0."""


class Texts(NamedTuple):
    """A code a row, int32 [N], negative for what is not known, and the texts of the codes."""

    codes: npt.NDArray[np.int32]
    texts: Sequence[str]


class Hits(NamedTuple):
    """The hits of N rows: of row n `places[starts[n]:starts[n + 1]]`, in file order, as positions among the rules.

    `starts`: int64 [N + 1]; `places`: uint16 [H]; `points`: int64 [N], their sums; `shares`: uint8 [N], the partial
    roll-outs in which the user is, a bit each.
    """

    starts: npt.NDArray[np.int64]
    places: npt.NDArray[np.uint16]
    points: npt.NDArray[np.int64]
    shares: npt.NDArray[np.uint8]

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """The row of each hit, [H]."""
        return np.repeat(np.arange(len(self.points)), np.diff(self.starts))

    @classmethod
    def none(cls, rows: int) -> Hits:
        """Of rows that no rule hits."""
        return cls(
            np.zeros(rows + 1, np.int64), np.zeros(0, np.uint16), np.zeros(rows, np.int64), np.zeros(rows, np.uint8)
        )


class Predictions(NamedTuple):
    """What the judge looks at beside the hits: the model's probability, its anomaly, the coverage (float64 [N]), and
    whether the block list has an entry (bool [N])."""

    probability: Numbers
    anomaly: Numbers
    coverage: Numbers
    is_blocked: npt.NDArray[np.bool_]


class ColumnRules:
    """The live rules of a set, compiled for columns. Immutable. Without live rules of a partial roll-out no users' ids are
    needed."""

    def __init__(self, rule_set: RuleSet, feature_names: Sequence[str], lists: Lists = NO_LISTS) -> None:
        """Rules on changes of accounts are left out. Raises RuleError with the id of an invalid rule."""
        self.rule_set = rule_set
        self._core = _native.ColumnRules(rule_set, list(feature_names), compiled(lists))
        self.number_names: tuple[str, ...] = tuple(self._core.number_names)
        self.text_names: tuple[str, ...] = tuple(self._core.text_names)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that the conditions read."""
        return self.number_names + self.text_names

    def evaluate(self, rows: int, numbers: Mapping[str, Numbers], texts: Mapping[str, Texts]) -> Hits:
        """The hits of `rows` rows. Raises KeyError for a missing column, ValueError for one of another length."""
        starts, places, points, shares = self._core.evaluate(
            rows,
            [np.ascontiguousarray(numbers[name], np.float64) for name in self.number_names],
            [_in_one_piece(texts[name]) for name in self.text_names],
        )
        return Hits(
            np.frombuffer(starts, np.int64),
            np.frombuffer(places, np.uint16),
            np.frombuffer(points, np.int64),
            np.frombuffer(shares, np.uint8),
        )


def judged(
    judge: _native.Judge, rulebook: Rulebook, hits: Hits, predictions: Predictions
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int16]]:
    """Action (its place in udfs.records.outputs.ACTIONS) and risk score of each row, as the scorer decides.

    Raises ValueError for a prediction that is no number.
    """
    probability, anomaly, coverage, is_blocked = predictions
    actions, scores = _native.judge_columns(
        judge,
        rulebook.core,
        tuple(hits),
        (
            *(np.ascontiguousarray(values, np.float64) for values in (probability, anomaly, coverage)),
            np.ascontiguousarray(is_blocked).view(np.uint8),
        ),
    )
    return np.frombuffer(actions, np.uint8), np.frombuffer(scores, np.int16)


def population_numbers(
    population: _native.PopulationFigures, times_ms: npt.NDArray[np.int64], cities: Texts
) -> dict[str, Numbers]:
    """The population's figures for each row by name, as of its time."""
    columns = _native.population_columns(population, np.ascontiguousarray(times_ms, np.int64), _in_one_piece(cities))
    return {
        name: np.frombuffer(column, np.float64) for name, column in zip(_native.POPULATION_NAMES, columns, strict=True)
    }


def _in_one_piece(column: Texts) -> tuple[npt.NDArray[np.int32], list[str]]:
    return np.ascontiguousarray(column.codes, np.int32), list(column.texts)

"""Reads decisions.jsonl into columns, so that millions of decisions fit in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from reporting.decision_lines import DecisionLine, line_decoder
from reporting.errors import RunFilesError
from reporting.growing_columns import GrowingColumns
from reporting.identity import transaction_key
from reporting.json_lines import Progress, no_progress, records_of
from udfs.records.logged_features import FeaturesError, FeatureSets
from udfs.records.outputs import ACTIONS, TAGS, EnrichmentStatus, Tag

ENRICHMENT_STATUSES: tuple[EnrichmentStatus, ...] = get_args(EnrichmentStatus)
FLAGS = ("AML", "KYC", "PCI", "AUDIT")
Column = npt.NDArray[Any]

_COLUMNS = {
    "key": "Q", "user": "q", "time_ms": "q", "amount": "d", "base_amount": "d", "risk_score": "h",
    "risk_probability": "d", "coverage": "d", "action": "b", "tag_bits": "b", "flag_bits": "b", "probability": "d",
    "rule_score": "h", "points": "l", "enrichment": "b", "late": "b", "stale_history": "b",
}  # fmt: skip
_NOT_KNOWN = float("nan")


class Decisions(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One row [N] a scored transaction, in the file's order. A hit [H] pairs a row with its rule.

    Outputs are at-least-once: a repeated decision is counted in `repeated` and nowhere else.
    Amounts are in major units: of the common currency if there is only one, else of the base currency if every decision
    has the amount in it, else (`amounts_mixed`) of each transaction's own currency.
    """

    key: Column  # uint64, reporting.identity.transaction_key
    user: Column  # int64, rank of the user id among the sorted ids
    time_ms: Column  # int64, event time
    amount: Column  # float64
    risk_score: Column  # int16, 0 to 1000
    risk_probability: Column  # float64, of model and rules together; risk_score / 1000 for decisions without it
    coverage: Column  # float64, 0 to 1; NaN for decisions without it
    action: Column  # int8, index in ACTIONS
    tag_bits: Column  # int8, bit i for TAGS[i]
    flag_bits: Column  # int8, bit i for FLAGS[i]
    probability: Column  # float64, the model's
    rule_score: Column  # int16, 0 to 1000
    points: Column  # int64, the rules'
    enrichment: Column  # int8, index in ENRICHMENT_STATUSES
    late: Column  # bool
    stale_history: Column  # bool
    hit_row: Column  # int64
    hit_rule: Column  # int64, index in rule_ids
    rule_ids: tuple[str, ...]
    rule_reasons: dict[str, str]  # by rule id, its first reason text in the file
    bundles: tuple[str, ...]
    rule_versions: tuple[int, ...]
    currencies: tuple[str, ...]
    amounts_mixed: bool
    duplicates: int
    repeated: int


def read_decisions(path: Path, feature_sets: FeatureSets, progress: Progress = no_progress) -> Decisions:
    """All decisions of the file. Raises RunFilesError.

    Features are read only for the amount in the base currency, and only with several currencies: only then must
    `feature_sets` have the feature sets of packed decisions.
    """
    reader = _DecisionReader(feature_sets)
    for number, record in records_of(path, line_decoder, progress):
        if isinstance(record, DecisionLine):
            reader.add(record, number)
        else:
            reader.duplicates += 1
    if reader.first_unreadable is not None and reader.has_several_currencies:
        number, error = reader.first_unreadable
        raise RunFilesError(f"{path}, line {number}: {error}")
    return reader.finish()


def flag_bits_of(flags: list[Any]) -> int:
    """Bit mask with bit i set for FLAGS[i]."""
    return sum(1 << FLAGS.index(flag) for flag in set(flags))


def tag_bits_of(tags: list[Any]) -> int:
    """Bit mask with bit i set for TAGS[i]."""
    return sum(1 << TAGS.index(tag) for tag in set(tags))


def has_tag(bits: Column, tag: Tag) -> Column:
    """Mask of the rows with the tag, bool [N]."""
    found: Column = (bits >> TAGS.index(tag) & 1).astype(bool)
    return found


class _DecisionReader:
    """Appends decisions to columns. `first_unreadable`: line and error of the first packed features of an unknown set."""

    def __init__(self, feature_sets: FeatureSets) -> None:
        self.duplicates = 0
        self.first_unreadable: tuple[int, FeaturesError] | None = None
        self._feature_sets = feature_sets
        self._rows = GrowingColumns(_COLUMNS)
        self._hits = GrowingColumns({"row": "q", "rule": "q"})
        self._users: dict[str, int] = {}
        self._rules: dict[str, int] = {}
        self._rule_reasons: dict[str, str] = {}
        self._bundles: set[str] = set()
        self._rule_versions: set[int] = set()
        self._currencies: set[str] = set()

    @property
    def has_several_currencies(self) -> bool:
        return len(self._currencies) > 1

    def add(self, line: DecisionLine, number: int) -> None:
        users, rules = self._users, self._rules
        for rule_id in line.rules.hits:
            self._hits.append((len(self._rows), rules.setdefault(rule_id, len(rules))))
        self._rows.append(
            (
                transaction_key(line.user_id, line.transaction_id),
                users.setdefault(line.user_id, len(users)),
                line.event_time_ms,
                line.amount,
                self._base_amount(line, number),
                line.risk_score,
                line.risk_score / 1000 if line.probability is None else line.probability,
                _NOT_KNOWN if line.coverage is None else line.coverage,
                ACTIONS.index(line.action),
                tag_bits_of(line.tags),
                flag_bits_of(line.flags),
                line.model.probability,
                line.rules.score,
                line.rules.points,
                ENRICHMENT_STATUSES.index(line.enrichment),
                line.late,
                line.stale_history,
            )
        )
        for reason in line.reasons:
            if reason.source == "rule":
                self._rule_reasons.setdefault(reason.name, reason.text)
        self._bundles.add(line.model.bundle)
        self._rule_versions.add(line.rules.version)
        self._currencies.add(line.currency)

    def _base_amount(self, line: DecisionLine, number: int) -> float:
        try:
            amount = line.base_amount(self._feature_sets)
        except FeaturesError as error:
            self.first_unreadable = self.first_unreadable or (number, error)
            return _NOT_KNOWN
        return _NOT_KNOWN if amount is None else amount

    def finish(self) -> Decisions:
        columns, hits = self._rows.arrays(), self._hits.arrays()
        count = len(self._rows)
        _, first = np.unique(columns["key"], return_index=True)
        first.sort()
        if len(first) < count:
            new_row = np.full(count, -1)
            new_row[first] = np.arange(len(first))
            columns = {name: column[first] for name, column in columns.items()}
            kept = new_row[hits["row"]] >= 0
            hits = {"row": new_row[hits["row"]][kept], "rule": hits["rule"][kept]}
        base_amount = columns.pop("base_amount")
        several = self.has_several_currencies
        has_base = not np.isnan(base_amount).any()
        if several and has_base:
            columns["amount"] = base_amount
        columns["user"] = _ranks(self._users)[columns["user"]]
        for name in ("late", "stale_history"):
            columns[name] = columns[name].astype(bool)
        return Decisions(
            **columns,
            hit_row=hits["row"],
            hit_rule=hits["rule"],
            rule_ids=tuple(self._rules),
            rule_reasons=self._rule_reasons,
            bundles=tuple(sorted(self._bundles)),
            rule_versions=tuple(sorted(self._rule_versions)),
            currencies=tuple(sorted(self._currencies)),
            amounts_mixed=several and not has_base,
            duplicates=self.duplicates,
            repeated=count - len(first),
        )


def _ranks(numbers: dict[str, int]) -> Column:
    """Ranks [U] int64: element i is the rank, among the sorted texts, of the text with number i."""
    ranks = np.empty(len(numbers), np.int64)
    for rank, text in enumerate(sorted(numbers)):
        ranks[numbers[text]] = rank
    return ranks

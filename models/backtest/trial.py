"""Tries a rule set on decisions: what it would have hit and decided, beside what was decided or other rules decide."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.backtest.columns import DecisionColumns, ReadNames, ReplayedColumns, columns_of
from models.backtest.decision_table import TableForm
from models.backtest.digest import DataDigest
from models.backtest.errors import BacktestError
from models.backtest.labels import FRAUD, LEGITIMATE, PRESUMED_DAYS, Unlabelled
from models.backtest.report import (
    BacktestReport,
    Change,
    DataFacts,
    RulesFacts,
    days_of,
    rule_figures,
    set_figures,
    transitions_of,
)
from models.backtest.tally import Judged, Tally, Tried
from models.event_files import Progress, no_progress
from udfs.rules.column_rules import ColumnRules, Hits, judged
from udfs.rules.named_lists import NO_LISTS, Lists, NamedList
from udfs.rules.population import Population
from udfs.rules.rule_map import content_of, find_rule_map
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook, rules_with_list
from udfs.scoring.bundle import Manifest
from udfs.scoring.decider import judge_of
from udfs.scoring.decision_settings import DecisionSettings

FORMAT = "fraud-backtest/1"


class DecisionTable(Protocol):
    """What a backtest reads (models.backtest.parquet_files.ParquetTable)."""

    rows: int

    def form(self) -> TableForm: ...

    def batches(self, columns: Sequence[str], progress: Progress = no_progress) -> Iterator[pa.RecordBatch]: ...


class ReplayedFeatures(Protocol):
    """Features and facts that decisions did not log, computed again from the events (models.backtest.replayed)."""

    def of(self, decision_ids: pa.StringArray) -> ReplayedColumns: ...


class Deciding(NamedTuple):
    """What decides beside the rules: the bundle, settings of the job, the population statistics, and named lists."""

    manifest: Manifest
    settings: DecisionSettings
    population: Population
    lists: Lists = NO_LISTS


class Trial(NamedTuple):
    """What is tried. `against`: the rules before; None: what was decided then. `until_ms`: nothing after it counts, neither
    a payment nor a label."""

    rules: RuleSet
    against: RuleSet | None
    deciding: Deciding
    until_ms: int | None = None
    unlabelled: Unlabelled = "legitimate"


class _Rules:
    """One rule set, ready for columns and for the judge."""

    def __init__(self, rule_set: RuleSet, feature_names: Sequence[str], deciding: Deciding) -> None:
        self.rule_set = rule_set
        self.columns = ColumnRules(rule_set, feature_names, deciding.lists)
        self.rulebook = Rulebook(rule_set, feature_names, deciding.lists)
        self.judge = judge_of(deciding.settings, deciding.manifest.decision, self.rulebook)

    def facts(self) -> RulesFacts:
        rules = self.rule_set
        enabled = sum(rule.enabled for rule in rules.rules)
        return RulesFacts(rules.name, rules.version, content_of(rules), enabled, self.judge.rule_map)

    def hits(self, columns: DecisionColumns) -> Hits:
        return self.columns.evaluate(columns.rows, columns.numbers, columns.texts)

    def judged(self, hits: Hits, columns: DecisionColumns) -> Judged:
        return Judged(*judged(self.judge, self.rulebook, hits, columns.predictions))


def names_to_read(trial: Trial, form: TableForm, is_replayed: bool) -> ReadNames:
    """The names that the rules read, by where a table of this form has them. Raises RuleError, and BacktestError where they
    are neither in the table nor replayed."""
    sets = [trial.rules] if trial.against is None else [trial.rules, trial.against]
    known, lists = trial.deciding.manifest.feature_names, trial.deciding.lists
    names = ReadNames.of((name for rules in sets for name in ColumnRules(rules, known, lists).names), form)
    if names.replayed and not is_replayed:
        raise BacktestError(f"decisions have no {', '.join(names.replayed)}: give the events to replay")
    return names


def backtest(
    table: DecisionTable, trial: Trial, horizon_ms: int, replayed: ReplayedFeatures | None = None,
    progress: Progress = no_progress,
) -> BacktestReport:  # fmt: skip
    """Try the rules on all decisions of the table. `horizon_ms`: labels known later do not count.

    `replayed` has the features that the rules read and the table lacks. Raises BacktestError, RuleError, RuleMapError.
    """
    form, names_of_bundle = table.form(), trial.deciding.manifest.feature_names
    names = names_to_read(trial, form, replayed is not None)
    after = _Rules(trial.rules, names_of_bundle, trial.deciding)
    before = None if trial.against is None else _Rules(trial.against, names_of_bundle, trial.deciding)
    tally, digest, seen = Tally(len(trial.rules.rules), horizon_ms, trial.unlabelled), DataDigest(), _Seen()
    for batch in table.batches(names.table_columns(form), progress):
        if trial.until_ms is not None:
            batch = batch.filter(pc.less_equal(batch.column("event_time").cast(pa.int64()), trial.until_ms))
        found = ReplayedColumns.none() if replayed is None else replayed.of(batch.column("decision_id"))
        columns = columns_of(batch, names, form, trial.deciding.population.core, found)
        _check_predictions(columns)
        digest.add(_as_known(columns, horizon_ms))
        tried = _tried(columns, after, before)
        seen.add(tried, before)
        tally.add(tried)
    return _report(trial, tally, digest.hex(), seen, after, before, horizon_ms, names.replayed)


def _tried(columns: DecisionColumns, after: _Rules, before: _Rules | None) -> Tried:
    hits = after.hits(columns)
    model = after.judged(Hits.none(columns.rows), columns)
    if before is None:
        return Tried(columns, hits, None, Judged(columns.action, columns.score), after.judged(hits, columns), model)
    before_hits = before.hits(columns)
    return Tried(columns, hits, before_hits, before.judged(before_hits, columns), after.judged(hits, columns), model)


def _check_predictions(columns: DecisionColumns) -> None:
    unknown = np.isnan(columns.predictions.probability)
    if unknown.any():
        name = columns.batch.column("decision_id")[int(np.flatnonzero(unknown)[0])].as_py()
        raise BacktestError(f"decision {name} has no probability of the model; leave it out or export again")


def _as_known(columns: DecisionColumns, horizon_ms: int) -> DecisionColumns:
    """Without the labels that do not count."""
    labels = columns.labels
    known = labels.known_at_ms <= horizon_ms
    return columns._replace(
        labels=labels._replace(
            row=labels.row[known], is_fraud=labels.is_fraud[known], known_at_ms=labels.known_at_ms[known]
        )
    )


class _Seen:
    """What the decisions say of how they were made, and where the rules before differ from what was recorded."""

    def __init__(self) -> None:
        self.bundles: Counter[str] = Counter()
        self.currencies: set[str] = set()
        self.without_base = 0
        self.hits_before: Counter[str] = Counter()
        self.other_actions = 0
        self.without_event = 0
        self.without_features = 0

    def add(self, tried: Tried, before: _Rules | None) -> None:
        batch = tried.columns.batch
        self.bundles.update(_counts(pc.struct_field(batch.column("model"), "bundle")))
        self.currencies.update(pc.unique(batch.column("currency")).to_pylist())
        self.without_base += batch.column("base_amount").null_count
        if before is None or tried.before_hits is None:
            self.hits_before.update(_counts(pc.struct_field(batch.column("rules"), "hits").flatten()))
        else:
            counts = np.bincount(tried.before_hits.places, minlength=len(before.rule_set.rules))
            rules = before.rule_set.rules
            self.hits_before.update({rule.id: int(count) for rule, count in zip(rules, counts, strict=True)})
            self.other_actions += int((tried.before.actions != tried.columns.action).sum())
        if "event" in batch.schema.names:
            self.without_event += batch.column("event").null_count
        for name in ("features", "features_packed"):
            if name in batch.schema.names:
                self.without_features += batch.column(name).null_count


def _counts(column: pa.Array) -> dict[str, int]:
    return {item["values"]: item["counts"] for item in pc.value_counts(column).to_pylist()}


def _report(
    trial: Trial, tally: Tally, data_hash: str, seen: _Seen, after: _Rules, before: _Rules | None, horizon_ms: int,
    replayed: Sequence[str],
) -> BacktestReport:  # fmt: skip
    against = None if before is None else before.facts()
    changes, removed = _changes(trial.rules, trial.against, seen.hits_before)
    outcomes = tally.transitions.sum(axis=(0, 1))
    manifest = trial.deciding.manifest
    refer, challenge, block = after.judge.thresholds
    return BacktestReport(
        id=_identity(trial, after, data_hash, horizon_ms),
        rules=after.facts(),
        against=against,
        data=DataFacts(
            decisions=tally.decisions,
            first_ms=tally.first_ms if tally.decisions else None,
            last_ms=tally.last_ms if tally.decisions else None,
            days=days_of(tally),
            frauds=int(outcomes[FRAUD]),
            legitimate=int(outcomes[LEGITIMATE]),
            fraud_amount=tally.after.milli[:, FRAUD].sum().item() / 1000,
            bundles=dict(sorted(seen.bundles.items())),
            currencies=sorted(seen.currencies),
            hash=data_hash,
        ),
        horizon_ms=horizon_ms,
        bundle=manifest.version,
        thresholds={"refer_above": refer, "soft_challenge_above": challenge, "hard_block_above": block},
        replayed=list(replayed),
        notes=_notes(trial, tally, seen, outcomes, after),
        before=set_figures(tally, tally.before, horizon_ms),
        after=set_figures(tally, tally.after, horizon_ms),
        model_alone=set_figures(tally, tally.model, horizon_ms),
        transitions=transitions_of(tally),
        rule_figures=rule_figures(tally, trial.rules, changes, dict(seen.hits_before), horizon_ms),
        removed=removed,
    )


def _identity(trial: Trial, after: _Rules, data_hash: str, horizon_ms: int) -> str:
    """Of rules (reasons and names included), data, horizon, and what decides."""
    known = trial.deciding.manifest.decision.rule_maps
    rule_map = [None if rules is None else find_rule_map(known, rules) for rules in (trial.rules, trial.against)]
    content = msgspec.json.encode(
        [
            FORMAT, trial.rules, trial.against, data_hash, horizon_ms, trial.deciding.manifest.version, rule_map,
            trial.deciding.settings, after.judge.thresholds, trial.unlabelled, _lists_read(trial),
        ],
        order="deterministic",
    )  # fmt: skip
    return hashlib.sha256(content).hexdigest()[:16]


def _lists_read(trial: Trial) -> list[NamedList]:
    """The lists that rules refer to, by name."""
    sets = [trial.rules] if trial.against is None else [trial.rules, trial.against]
    known = trial.deciding.lists.items()
    return [one.named_list for name, one in sorted(known) if any(rules_with_list(rules, name) for rules in sets)]


def _changes(rules: RuleSet, against: RuleSet | None, hits_before: Counter[str]) -> tuple[dict[str, Change], list[str]]:
    """Of each rule, and the rules that are no more. Without rules before: those whose ids were recorded are known."""
    if against is None:
        removed = sorted(hits_before.keys() - {rule.id for rule in rules.rules})
        return {rule.id: "known" if rule.id in hits_before else "not seen" for rule in rules.rules}, removed
    known = {rule.id: rule for rule in against.rules}
    changes = {}
    for rule in rules.rules:
        earlier = known.get(rule.id)
        changes[rule.id] = "new" if earlier is None else "same" if earlier == rule else "changed"
    return changes, [rule.id for rule in against.rules if rule.id not in changes]


def _notes(trial: Trial, tally: Tally, seen: _Seen, outcomes: npt.NDArray[np.int64], after: _Rules) -> list[str]:
    notes = []
    others = sum(count for bundle, count in seen.bundles.items() if bundle != trial.deciding.manifest.version)
    if others:
        notes.append(
            f"{others:,} decisions were made with other bundles than {trial.deciding.manifest.version}, by whose blend and "
            "thresholds all are judged here; the model's probabilities are those of the time"
        )
    if after.judge.rule_map == "cautious":
        notes.append(
            "the bundle has no rule map of these rules: their points count with the cautious default until "
            "`fraud rules calibrate` learns one"
        )
    if seen.other_actions:
        notes.append(
            f"{seen.other_actions:,} decisions got another action then than the rules before give now: other rules, "
            "thresholds, bundle or block list were in force"
        )
    if len(seen.currencies) > 1 and seen.without_base:
        notes.append("amounts of several currencies are summed as they are: decisions do not have the amount in one")
    if seen.without_event:
        notes.append(
            f"{seen.without_event:,} decisions have no event: the fields of theirs that rules read are unknown"
        )
    if seen.without_features:
        notes.append(f"{seen.without_features:,} decisions logged no features: those that rules read are unknown there")
    if tally.presumed:
        notes.append(
            f"{tally.presumed:,} payments are older than {PRESUMED_DAYS} days without a label and count as legitimate"
        )
    if tally.decisions and not outcomes[FRAUD] + outcomes[LEGITIMATE]:
        notes.append("no payment has a label that was known at the horizon: shares of fraud are unknown")
    elif outcomes[FRAUD] and not outcomes[LEGITIMATE]:
        notes.append(
            "all labels are of frauds: precision counts payments with a known outcome alone, so it says nothing here"
        )
    return notes

"""Were rules right? Hits of live and shadow rules, as decisions recorded them, joined with labels that came later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.backtest.columns import amounts_milli
from models.backtest.confidence_sequence import Bounds, share_bounds
from models.backtest.labels import (
    DAY_MS,
    FRAUD,
    LEGITIMATE,
    OUTCOMES,
    PRESUMED_DAYS,
    UNLABELLED,
    Labels,
    Unlabelled,
    presumed,
)
from models.backtest.paired import Difference, Paired, differences, paired
from models.backtest.wilson import Share, share
from models.event_files import Progress, no_progress

COLUMNS = (
    "event_time", "user_id", "amount", "base_amount", "action", "rules.version", "rules.hits", "shadow", "labels",
)  # fmt: skip
LIVE = "live"
Column = npt.NDArray[Any]


class RuleEffect(msgspec.Struct, frozen=True):
    """One rule. `precision`: frauds among hits with a known outcome; `bounds` of it hold at every look."""

    id: str
    hits: int
    frauds: int
    legitimate: int
    precision: Share
    bounds: Bounds
    amount_caught: float
    amount_wrong: float


class Comparison(msgspec.Struct, frozen=True):
    """Live and shadow on the payments that both decided and whose outcome is known."""

    payments: int
    frauds: Paired
    legitimate: Paired
    differences: list[Difference]


class SetEffect(msgspec.Struct, frozen=True):
    """One set of rules: `versions` and payments that it decided, alerts that it gave or would have given. `failed`: payments
    that it could not decide."""

    set: str
    versions: list[int]
    payments: int
    alerts: int
    rules: list[RuleEffect]
    comparison: Comparison | None = None
    failed: int = 0


class EffectivenessReport(msgspec.Struct, frozen=True):
    """The live rules, and each shadow set of one version."""

    horizon_ms: int
    payments: int
    frauds: int
    legitimate: int
    live: SetEffect
    shadows: list[SetEffect]


class Table(Protocol):
    """What is read (models.backtest.parquet_files.ParquetTable)."""

    def batches(self, columns: Sequence[str], progress: Progress = no_progress) -> Iterator[pa.RecordBatch]: ...


class _RuleCounts:
    def __init__(self) -> None:
        self.outcomes = np.zeros(OUTCOMES, np.int64)
        self.milli = np.zeros(OUTCOMES, np.int64)

    def effect(self, rule_id: str) -> RuleEffect:
        frauds, legitimate = int(self.outcomes[FRAUD]), int(self.outcomes[LEGITIMATE])
        return RuleEffect(
            rule_id, int(self.outcomes.sum()), frauds, legitimate, share(frauds, frauds + legitimate),
            share_bounds(frauds, legitimate), self.milli[FRAUD].item() / 1000, self.milli[LEGITIMATE].item() / 1000,
        )  # fmt: skip


class _SetCounts:
    def __init__(self) -> None:
        self.versions: set[int] = set()
        self.payments = 0
        self.alerts = 0
        self.failed = 0
        self.outcomes = np.zeros(OUTCOMES, np.int64)
        self.rules: defaultdict[str, _RuleCounts] = defaultdict(_RuleCounts)
        self.pairs: list[tuple[Column, ...]] = []  # live, shadow, outcome, milli, users, times

    def add_hits(self, rows: Column, rules: pa.Array, outcome: Column, milli: Column) -> None:
        encoded = pc.dictionary_encode(rules)
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        for code, rule_id in enumerate(encoded.dictionary.to_pylist()):
            of_rule = rows[codes == code]
            counts = self.rules[rule_id]
            counts.outcomes += np.bincount(outcome[of_rule], minlength=OUTCOMES)
            for kind in range(OUTCOMES):
                counts.milli[kind] += milli[of_rule[outcome[of_rule] == kind]].sum()

    def effect(self, name: str, comparison: Comparison | None = None) -> SetEffect:
        rules = [self.rules[rule_id].effect(rule_id) for rule_id in sorted(self.rules)]
        return SetEffect(name, sorted(self.versions), self.payments, self.alerts, rules, comparison, self.failed)


def effectiveness(
    table: Table,
    horizon_ms: int,
    until_ms: int | None = None,
    unlabelled: Unlabelled = "legitimate",
    progress: Progress = no_progress,
) -> EffectivenessReport:
    """Count all decisions of the table; labels known after `horizon_ms` and decisions after `until_ms` do not count.

    Memory: about 40 bytes for each fraud or alert with a known outcome.
    """
    live, shadows = _SetCounts(), defaultdict[tuple[str, int], _SetCounts](_SetCounts)
    users: dict[str, int] = {}
    outcomes = np.zeros(OUTCOMES, np.int64)
    for batch in table.batches(COLUMNS, progress):
        if until_ms is not None:
            batch = batch.filter(pc.less_equal(batch.column("event_time").cast(pa.int64()), until_ms))
        times_ms = batch.column("event_time").cast(pa.int64()).to_numpy(zero_copy_only=False)
        is_old = times_ms + PRESUMED_DAYS * DAY_MS <= horizon_ms
        outcome = presumed(Labels.of(batch.column("labels")).as_known_at(horizon_ms), is_old, unlabelled)
        outcomes += np.bincount(outcome, minlength=OUTCOMES)
        _add_live(live, batch, outcome)
        _add_shadows(shadows, batch, outcome, users)
    ranks = np.empty(len(users), np.int64)  # by name: figures do not depend on the order of the payments
    ranks[[users[name] for name in sorted(users)]] = np.arange(len(users))
    return EffectivenessReport(
        horizon_ms=horizon_ms,
        payments=int(outcomes.sum()),
        frauds=int(outcomes[FRAUD]),
        legitimate=int(outcomes[LEGITIMATE]),
        live=live.effect(LIVE),
        shadows=[counts.effect(name, _comparison(counts, ranks)) for (name, _), counts in sorted(shadows.items())],
    )


def _add_live(live: _SetCounts, batch: pa.RecordBatch, outcome: Column) -> None:
    rules = batch.column("rules")
    live.versions.update(pc.unique(pc.struct_field(rules, "version")).to_pylist())
    live.payments += batch.num_rows
    live.alerts += int(_alerts(batch.column("action")).sum())
    hits = pc.struct_field(rules, "hits")
    rows = np.repeat(np.arange(batch.num_rows), _lengths(hits))
    live.add_hits(rows, hits.flatten(), outcome, amounts_milli(batch))


def _add_shadows(
    shadows: defaultdict[tuple[str, int], _SetCounts], batch: pa.RecordBatch, outcome: Column, users: dict[str, int]
) -> None:
    column = batch.column("shadow")
    results = column.flatten()
    if not len(results):
        return
    rows = np.repeat(np.arange(batch.num_rows), _lengths(column))
    names = pc.struct_field(results, "set").to_pylist()
    versions = pc.struct_field(results, "version").to_pylist()
    keys = np.array([f"{name}\0{version}" for name, version in zip(names, versions, strict=True)])
    failed = np.asarray(pc.is_null(pc.struct_field(results, "action")).to_numpy(zero_copy_only=False), bool)
    live, milli = _alerts(batch.column("action")), amounts_milli(batch)
    times_ms = batch.column("event_time").cast(pa.int64()).to_numpy(zero_copy_only=False)
    for key in np.unique(keys):
        of_set = np.flatnonzero(keys == key)
        counts = shadows[names[of_set[0]], versions[of_set[0]]]
        counts.versions.add(versions[of_set[0]])
        counts.failed += int(failed[of_set].sum())
        of_set = of_set[~failed[of_set]]
        found, at = results.take(pa.array(of_set)), rows[of_set]
        counts.payments += len(at)
        counts.outcomes += np.bincount(outcome[at], minlength=OUTCOMES)
        alerts = _alerts(pc.struct_field(found, "action"))
        counts.alerts += int(alerts.sum())
        hits = pc.struct_field(found, "hits")
        counts.add_hits(np.repeat(at, _lengths(hits)), hits.flatten(), outcome, milli)
        counts.pairs.append(_pairs(batch, at, live[at], alerts, outcome[at], milli[at], times_ms[at], users))


def _pairs(
    batch: pa.RecordBatch, at: Column, live: Column, shadow: Column, outcome: Column, milli: Column, times_ms: Column,
    users: dict[str, int],
) -> tuple[Column, ...]:  # fmt: skip
    """Of payments with a known outcome those that say something: frauds and alerts."""
    kept = (outcome != UNLABELLED) & ((outcome == FRAUD) | live | shadow)
    names = batch.column("user_id").take(pa.array(at[kept])).to_pylist()
    numbers = np.array([users.setdefault(name, len(users)) for name in names], np.int64)
    return live[kept], shadow[kept], outcome[kept], milli[kept], numbers, times_ms[kept]


def _comparison(counts: _SetCounts, ranks: Column) -> Comparison:
    live, shadow, outcome, milli, users, times_ms = (np.concatenate(parts) for parts in zip(*counts.pairs, strict=True))
    users = ranks[users]

    def of(kind: int) -> Paired:
        rows = outcome == kind
        return paired(live[rows], shadow[rows], users[rows], times_ms[rows], int(counts.outcomes[kind]))

    known = int(counts.outcomes[FRAUD] + counts.outcomes[LEGITIMATE])
    return Comparison(known, of(FRAUD), of(LEGITIMATE), differences(live, shadow, outcome, milli, users))


def _alerts(actions: pa.Array) -> Column:
    return np.asarray(pc.not_equal(actions, "allow").to_numpy(zero_copy_only=False), bool)


def _lengths(lists: pa.Array) -> Column:
    return np.asarray(pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False), np.int64)

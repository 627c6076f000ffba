"""Rate of backtests: `python -m benchmarks.rules_backtest`.

Random decisions with the features that 30 rules read: the shipped bank pack and two more rules. Measured are the conditions
alone, with the judge, the whole backtest of columns in memory, and of a Parquet file; beside them the evaluation of single
transactions, as the scorer does it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import click
import msgspec
import numpy as np
import pyarrow as pa

from benchmarks.machine import describe_machine, machine
from models.backtest.columns import ReadNames, ReplayedColumns, columns_of
from models.backtest.decision_table import (
    EVENT,
    EVENT_NAMES,
    LABEL,
    MODEL,
    RULES,
    TIME,
    TableForm,
    schema_of,
)
from models.backtest.labels import DAY_MS
from models.backtest.parquet_files import ParquetTable, write_parquet
from models.backtest.trial import Deciding, Trial, backtest
from models.default_bundle import DEFAULT_BUNDLE
from models.event_files import Progress, no_progress
from udfs.records.events import Transaction
from udfs.rules.column_rules import ColumnRules, judged
from udfs.rules.names import Kind
from udfs.rules.pack_files import shipped_pack
from udfs.rules.population import Figures, Population, Statistics
from udfs.rules.rule_set import Rule, RuleSet
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import read_manifest
from udfs.scoring.decider import judge_of
from udfs.scoring.decision_settings import DecisionSettings

START_MS = 1_767_225_600_000
ROWS_A_BATCH = 65_536
SINGLE_ROWS = 20_000
TEXTS = ("US", "IN", "CN", "RU", "GB", "5411", "6011", "pos", "ecommerce")


class _MemoryTable:
    """Batches in memory."""

    def __init__(self, batches: list[pa.RecordBatch], form: TableForm) -> None:
        self._batches, self._form = batches, form
        self.rows = sum(batch.num_rows for batch in batches)

    def form(self) -> TableForm:
        return self._form

    def batches(self, columns: Sequence[str], progress: Progress = no_progress) -> Iterator[pa.RecordBatch]:
        return iter(self._batches)


@click.command(name="rules_backtest")
@click.option("--decisions", default=1_000_000, show_default=True, help="Random decisions.")
@click.option("--repeats", default=3, show_default=True, help="Of which the best counts.")
@click.option("--json", "out", type=click.Path(path_type=Path), default=Path("out/bench_rules_backtest.json"),
              show_default=True)  # fmt: skip
def main(decisions: int, repeats: int, out: Path) -> None:
    """Measure and print; write the figures as JSON."""
    found: dict[str, Any] = {"machine": machine(), "decisions": decisions}
    click.echo(describe_machine(found["machine"]))
    rules, deciding = thirty_rules(), _deciding()
    form = TableForm("names", deciding.manifest.feature_names, {})
    batches = [random_batch(form, min(ROWS_A_BATCH, decisions - at), at) for at in range(0, decisions, ROWS_A_BATCH)]
    table, trial = _MemoryTable(batches, form), Trial(rules, None, deciding)
    horizon_ms = START_MS + 120 * DAY_MS
    column_rules = ColumnRules(rules, deciding.manifest.feature_names)
    rulebook = Rulebook(rules, deciding.manifest.feature_names)
    judge = judge_of(deciding.settings, deciding.manifest.decision, rulebook)
    names = ReadNames.of(column_rules.names, form)
    columns = [columns_of(batch, names, form, deciding.population.core, ReplayedColumns.none()) for batch in batches]

    def conditions() -> None:
        for part in columns:
            column_rules.evaluate(part.rows, part.numbers, part.texts)

    def with_judge() -> None:
        for part in columns:
            judged(judge, rulebook, column_rules.evaluate(part.rows, part.numbers, part.texts), part.predictions)

    with TemporaryDirectory() as folder:
        path = Path(folder) / "decisions.parquet"
        write_parquet(iter(batches), form, path)
        found["parquet_bytes_a_decision"] = round(path.stat().st_size / decisions, 1)
        for name, work in (
            ("conditions of 30 rules", conditions),
            ("conditions and judge", with_judge),
            ("backtest of columns in memory", lambda: backtest(table, trial, horizon_ms)),
            ("backtest of a Parquet file", lambda: backtest(ParquetTable([path]), trial, horizon_ms)),
        ):
            found[name] = round(decisions / min(_seconds(work) for _ in range(repeats)))
            click.echo(f"{name:32} {found[name]:>12,} decisions/s")
    found["single transactions"] = _single_rate(rulebook, columns[0])
    click.echo(f"{'single transactions, from Python':32} {found['single transactions']:>12,} decisions/s")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n")
    click.echo(f"figures: {out}")


def thirty_rules() -> RuleSet:
    """The bank pack and two more rules."""
    bank = shipped_pack("bank")
    more = (
        Rule("card_testing", 20, "txn_count_1h >= 3 and avg_amount_1h < 5 and channel == 'ecommerce'", "card testing"),
        Rule(
            "drained", 30, "amount_sum_1d > 10 * user_avg_amount and merchant_category in ['6011', '6051']", "drained"
        ),
    )
    return msgspec.structs.replace(bank, rules=(*bank.rules, *more))


def random_batch(form: TableForm, rows: int, seed: int) -> pa.RecordBatch:
    """Decisions over 90 days, of which 2 % are labelled as fraud and 40 % as legitimate."""
    random = np.random.default_rng(seed)
    kinds = {Kind.TEXT: _texts, Kind.NUMBER: _numbers, Kind.FLAG: _flags}
    event = [kinds[name.kind](random, rows) for name in EVENT_NAMES]
    times = np.sort(random.integers(START_MS, START_MS + 90 * DAY_MS, rows))
    labelled = random.random(rows) < 0.42
    offsets = np.concatenate([[0], np.cumsum(labelled)]).astype(np.int32)
    labels = pa.StructArray.from_arrays(
        [
            pa.array(random.random(offsets[-1]) < 0.05),
            pa.array(times[labelled] + random.integers(0, 40 * DAY_MS, offsets[-1])).cast(TIME),
        ],
        fields=list(LABEL),
    )
    nothing = pa.ListArray.from_arrays(pa.array(np.zeros(rows + 1, np.int32)), pa.array([], pa.string()))
    probability = pa.array(random.beta(0.3, 12, rows))
    bundle = pa.array(["random"] * rows)
    zeros = pa.array(np.zeros(rows, np.int64))
    known = {
        "decision_id": pa.array([f"{seed + row:032x}" for row in range(rows)]),
        "transaction_id": pa.array([f"T{seed + row}" for row in range(rows)]),
        "user_id": pa.array([f"U{user}" for user in random.integers(0, 50_000, rows).tolist()]),
        "event_time": pa.array(times).cast(TIME),
        "amount": pa.array(np.round(random.lognormal(4, 1.5, rows), 2)),
        "base_amount": pa.array(np.round(random.lognormal(4, 1.5, rows), 2)),
        "currency": pa.array(["USD"] * rows),
        "risk_score": zeros.cast(pa.int16()),
        "coverage": pa.array(np.ones(rows)),
        "action": pa.array(["allow"] * rows),
        "is_blocked": pa.array(random.random(rows) < 0.001),
        "model": pa.StructArray.from_arrays([bundle, probability, probability, pa.array(np.ones(rows))], fields=list(MODEL)),
        "rules": pa.StructArray.from_arrays(
            [zeros, zeros.cast(pa.int16()), zeros, nothing, bundle], fields=list(RULES)
        ),
        "event": pa.StructArray.from_arrays(event, fields=list(EVENT)),
        "labels": pa.ListArray.from_arrays(pa.array(offsets), labels),
        "features": pa.StructArray.from_arrays([_numbers(random, rows) for _ in form.names], list(form.names)),
    }  # fmt: skip
    schema = schema_of(form)
    arrays = [known[field.name] if field.name in known else pa.nulls(rows, field.type) for field in schema]
    return pa.RecordBatch.from_arrays(
        [array.cast(field.type) for array, field in zip(arrays, schema, strict=True)], schema=schema
    )


def _numbers(random: np.random.Generator, rows: int) -> pa.Array:
    """A tenth unknown, most small, some large."""
    values = np.where(random.random(rows) < 0.5, random.integers(0, 3, rows) / 2, random.lognormal(0, 2, rows))
    return pa.array(values, mask=random.random(rows) < 0.1)


def _texts(random: np.random.Generator, rows: int) -> pa.Array:
    return pa.array(TEXTS).take(pa.array(random.integers(0, len(TEXTS), rows), mask=random.random(rows) < 0.1))


def _flags(random: np.random.Generator, rows: int) -> pa.Array:
    return pa.array(random.random(rows) < 0.5, mask=random.random(rows) < 0.1)


def _deciding() -> Deciding:
    figures = Figures(
        as_of_ms=START_MS, transactions=1, transactions_with_distance=1, labels=1, frauds=1, amount_p95=900.0,
        km_from_home_p90=80.0, fraud_rate=0.01, cities={},
    )  # fmt: skip
    statistics = Statistics(format="fraud-statistics/2", base_currency="USD", snapshots=(figures,))
    return Deciding(read_manifest(DEFAULT_BUNDLE), DecisionSettings(), Population(statistics))


def _seconds(work: Any) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def _single_rate(rulebook: Rulebook, columns: Any) -> int:
    """Evaluations a second of one transaction after the other."""
    rows: int = min(SINGLE_ROWS, columns.rows)
    names = read_manifest(DEFAULT_BUNDLE).feature_names
    matrix = np.full((rows, len(names)), np.nan)
    for place, name in enumerate(names):
        if name in columns.numbers:
            matrix[:, place] = columns.numbers[name][:rows]
    features = matrix.tolist()
    event = Transaction(transaction_id="T", user_id="U", timestamp=START_MS, amount=1.0)
    start = perf_counter()
    for row in features:
        rulebook.core.evaluate(row, event, {})
    return round(rows / (perf_counter() - start))


if __name__ == "__main__":
    main()

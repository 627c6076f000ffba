"""The columns of the table that a backtest needs, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.backtest.decision_table import EVENT_NAMES, OF_DECISION, TableForm
from models.backtest.labels import Labels
from udfs.core._native import PopulationFigures
from udfs.records.outputs import ACTIONS
from udfs.rules.column_rules import Numbers, Predictions, Texts, population_numbers
from udfs.rules.names import POPULATION_NAMES

ALWAYS = (
    "decision_id", "transaction_id", "user_id", "event_time", "amount", "currency", "base_amount", "risk_score", "coverage",
    "action", "is_blocked", "model.bundle", "model.probability", "model.anomaly", "rules.version", "rules.hits", "labels",
)  # fmt: skip
_EVENT = frozenset(name.name for name in EVENT_NAMES)
_OF_DECISION = {"transaction_id": "transaction_id", "user_id": "user_id", "timestamp": "event_time",
                "original_amount": "amount"}  # fmt: skip
assert set(_OF_DECISION) == set(OF_DECISION)
_CODES = pa.array(ACTIONS)
Column = npt.NDArray[Any]


class DecisionColumns(NamedTuple):
    """One batch of N decisions.

    `amount_milli`: thousandths of a major unit, of the base currency where it is known, so that sums are exact. `action`
    and `score` are those that were decided. `numbers` and `texts`: what rules read.
    """

    batch: pa.RecordBatch
    time_ms: Column  # int64
    amount_milli: Column  # int64
    action: Column  # uint8, place in ACTIONS
    score: Column  # int16
    predictions: Predictions
    labels: Labels
    numbers: Mapping[str, Numbers]
    texts: Mapping[str, Texts]

    @property
    def rows(self) -> int:
        return len(self.time_ms)


class ReadNames(NamedTuple):
    """The names that rules read, by where the table has their values. `features`: those that the table holds. `replayed`:
    features that it lacks, and facts."""

    features: tuple[str, ...]
    replayed: tuple[str, ...]
    event: tuple[str, ...]
    decision: tuple[str, ...]
    population: tuple[str, ...]

    @classmethod
    def of(cls, names: Iterable[str], form: TableForm) -> ReadNames:
        """Sorted; a feature that the table lacks must be replayed."""
        found: dict[str, list[str]] = {field: [] for field in cls._fields}
        logged = set(form.names) if form.features != "none" else set()
        for name in sorted(set(names)):
            if name in POPULATION_NAMES:
                found["population"].append(name)
            elif name in _OF_DECISION:
                found["decision"].append(name)
            elif name in _EVENT:
                found["event"].append(name)
            else:
                found["features" if name in logged else "replayed"].append(name)
        return cls(**{field: tuple(names) for field, names in found.items()})

    def table_columns(self, form: TableForm) -> list[str]:
        """The columns to read."""
        features = ["features_packed", "feature_set"] if form.features == "packed" and self.features else []
        if form.features == "names":
            features = [f"features.{name}" for name in self.features]
        event = [f"event.{name}" for name in self.event]
        if self.population and "city" not in self.event:
            event.append("event.city")
        return list(dict.fromkeys([*ALWAYS, *features, *event]))


class ReplayedColumns(NamedTuple):
    """What rules read of N decisions, by name. A number is NaN, and a text's code negative, where it is not known."""

    numbers: dict[str, Numbers]
    texts: dict[str, Texts]

    @classmethod
    def none(cls) -> ReplayedColumns:
        return cls({}, {})


def columns_of(
    batch: pa.RecordBatch, names: ReadNames, form: TableForm, population: PopulationFigures, replayed: ReplayedColumns
) -> DecisionColumns:
    """The batch as arrays. `replayed`: of its rows the features and facts that the table lacks."""
    time_ms = _integers(batch.column("event_time"))
    numbers: dict[str, Numbers] = dict(replayed.numbers)
    texts: dict[str, Texts] = dict(replayed.texts)
    for name in names.event:
        column = pc.struct_field(batch.column("event"), name)
        if pa.types.is_string(column.type):
            texts[name] = _texts(column)
        else:
            numbers[name] = _numbers(column)
    for name in names.decision:
        column = batch.column(_OF_DECISION[name])
        if pa.types.is_string(column.type):
            texts[name] = _texts(column)
        else:
            numbers[name] = time_ms.astype(np.float64) if name == "timestamp" else _numbers(column)
    if names.features:
        numbers |= _features(batch, names.features, form)
    if names.population:
        cities = texts.get("city") or _texts(pc.struct_field(batch.column("event"), "city"))
        figures = population_numbers(population, time_ms, cities)
        numbers |= {name: figures[name] for name in names.population}
    return DecisionColumns(
        batch=batch,
        time_ms=time_ms,
        amount_milli=amounts_milli(batch),
        action=pc.index_in(batch.column("action"), value_set=_CODES).to_numpy(zero_copy_only=False).astype(np.uint8),
        score=batch.column("risk_score").to_numpy(zero_copy_only=False),
        predictions=Predictions(
            _numbers(pc.struct_field(batch.column("model"), "probability")),
            _numbers(pc.struct_field(batch.column("model"), "anomaly")),
            _numbers(pc.fill_null(batch.column("coverage"), 1.0)),
            batch.column("is_blocked").to_numpy(zero_copy_only=False).astype(bool),
        ),
        labels=Labels.of(batch.column("labels")),
        numbers=numbers,
        texts=texts,
    )


def _features(batch: pa.RecordBatch, names: Sequence[str], form: TableForm) -> dict[str, Numbers]:
    if form.features == "names":
        column = batch.column("features")
        return {name: _numbers(pc.struct_field(column, name)) for name in names}
    found = {name: np.full(batch.num_rows, np.nan) for name in names}
    packed, sets = batch.column("features_packed"), batch.column("feature_set")
    for feature_set in pc.unique(sets).to_pylist():
        order = form.feature_sets.get(feature_set or "")
        if order is None:
            continue
        rows = np.flatnonzero(pc.equal(sets, feature_set).to_numpy(zero_copy_only=False))
        chosen = packed.take(pa.array(rows)).drop_null()
        if len(chosen) != len(rows):
            rows = rows[packed.take(pa.array(rows)).is_valid().to_numpy(zero_copy_only=False)]
        matrix = np.frombuffer(b"".join(chosen.to_pylist()), "<f8").reshape(len(rows), len(order))
        for name in names:
            if name in order:
                found[name][rows] = matrix[:, order.index(name)]
    return found


def amounts_milli(batch: pa.RecordBatch) -> Column:
    """Amounts in thousandths of a major unit, of the base currency where it is known, int64 [N]."""
    amounts = pc.coalesce(batch.column("base_amount"), batch.column("amount"))
    milli: Column = np.rint(_numbers(amounts) * 1000.0).astype(np.int64)
    return milli


def _numbers(column: pa.Array) -> Numbers:
    """NaN for null; true is 1."""
    if not pa.types.is_float64(column.type):
        column = (
            column.cast(pa.int8()).cast(pa.float64()) if pa.types.is_boolean(column.type) else column.cast(pa.float64())
        )
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def _integers(column: pa.Array) -> Column:
    return np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)


def _texts(column: pa.Array) -> Texts:
    encoded = pc.dictionary_encode(column)
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return Texts(np.asarray(codes, np.int32), encoded.dictionary.to_pylist())

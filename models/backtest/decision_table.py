"""Decisions as a table: one row a decision, with its features, its transaction's fields, and the labels that came.

The table is what `fraud store export` writes as Parquet and what a backtest reads, from whichever source.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from udfs.records.events import Transaction
from udfs.records.logged_features import FeatureSets
from udfs.records.outputs import FeatureForm, ModelScore, Reason, RuleScore
from udfs.rules.names import Kind, Name, names_for

FORMAT = "fraud-decisions/1"
FORMAT_KEY = b"fraud.format"
FEATURE_SETS_KEY = b"fraud.feature_sets"
ROWS_A_BATCH = 16_384
BLOCK_LIST = "block_list"
OF_DECISION = ("transaction_id", "user_id", "timestamp", "original_amount")
"""Names of the event that stand in the decision itself."""
EVENT_NAMES: tuple[Name, ...] = tuple(
    name for name in names_for(()) if name.source == "event" and name.name not in OF_DECISION
)
"""The other fields of a transaction that rules can read: the columns of `event`."""
TIME = pa.timestamp("ms", tz="UTC")
_TYPES = {Kind.TEXT: pa.string(), Kind.NUMBER: pa.float64(), Kind.FLAG: pa.bool_()}


class ShadowResult(msgspec.Struct, gc=False):
    """What rules said that are evaluated, but not in force: their hits, points and the action it would have been (None:
    the set failed)."""

    set: str
    version: int
    hits: list[str]
    points: int
    action: str | None


class LabelRow(msgspec.Struct, frozen=True, gc=False):
    """A verdict on a transaction, and when it became known (epoch milliseconds)."""

    is_fraud: bool
    known_at_ms: int


class DecisionFields(msgspec.Struct, tag_field="type", tag="decision", kw_only=True, gc=False):
    """A decision's record. Decisions of earlier versions have no `probability` or `coverage`."""

    decision_id: str
    transaction_id: str
    user_id: str
    event_time_ms: int
    amount: float
    currency: str
    risk_score: int
    probability: float | None = None
    coverage: float | None = None
    action: str
    tags: list[str] = []
    flags: list[str] = []
    summary: str | None = None
    reasons: list[Reason] = []
    model: ModelScore
    rules: RuleScore
    shadow: list[ShadowResult] = []
    enrichment: str
    late: bool = False
    stale_history: bool = False
    merchant_id: str | None = None
    control_versions: dict[str, int] = {}
    features: dict[str, float | None] | None = None
    feature_set: str | None = None
    features_packed: bytes | None = None


class DuplicateFields(msgspec.Struct, tag_field="type", tag="duplicate", gc=False):
    """The record of a repeated transaction, which has no decision of its own."""


decode_output = msgspec.json.Decoder(DecisionFields | DuplicateFields).decode


class DecisionRow(NamedTuple):
    """One row of the table. `event`: None where the transaction is not known."""

    decision: DecisionFields
    event: Transaction | None
    labels: Sequence[LabelRow]


class TableForm(NamedTuple):
    """How a table holds features: by these names, packed, or not at all. `feature_sets` name packed ones."""

    features: FeatureForm
    names: tuple[str, ...]
    feature_sets: FeatureSets


def schema_of(form: TableForm) -> pa.Schema:
    """The columns of the table. Unknown values are null; moments are UTC in milliseconds."""
    fields = [
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("transaction_id", pa.string(), nullable=False),
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("event_time", TIME, nullable=False),
        ("amount", pa.float64()), ("currency", pa.string()), ("base_amount", pa.float64()), ("merchant_id", pa.string()),
        ("risk_score", pa.int16()), ("probability", pa.float64()), ("coverage", pa.float64()), ("action", pa.string()),
        ("tags", pa.list_(pa.string())), ("flags", pa.list_(pa.string())), ("summary", pa.string()),
        ("is_blocked", pa.bool_()), ("enrichment", pa.string()), ("late", pa.bool_()), ("stale_history", pa.bool_()),
        ("model", MODEL), ("rules", RULES), ("shadow", pa.list_(SHADOW)),
        ("control_versions", pa.map_(pa.string(), pa.int64())),
        ("event", EVENT), ("labels", pa.list_(LABEL)),
        ("feature_set", pa.string()),
    ]  # fmt: skip
    if form.features == "names" and form.names:
        fields.append(("features", pa.struct([(name, pa.float64()) for name in form.names])))
    if form.features == "packed":
        fields.append(("features_packed", pa.binary()))
    sets = {version: list(names) for version, names in form.feature_sets.items()}
    metadata = {FORMAT_KEY: FORMAT.encode(), FEATURE_SETS_KEY: msgspec.json.encode(sets, order="deterministic")}
    return pa.schema(fields, metadata)


MODEL = pa.struct(
    [("bundle", pa.string()), ("probability", pa.float64()), ("xgboost", pa.float64()), ("anomaly", pa.float64())]
)
RULES = pa.struct(
    [
        ("version", pa.int64()), ("score", pa.int16()), ("points", pa.int64()), ("hits", pa.list_(pa.string())),
        ("map", pa.string()),
    ]
)  # fmt: skip
SHADOW = pa.struct(
    [
        ("set", pa.string()), ("version", pa.int64()), ("hits", pa.list_(pa.string())), ("points", pa.int64()),
        ("action", pa.string()),
    ]
)  # fmt: skip
EVENT = pa.struct([(name.name, _TYPES[name.kind]) for name in EVENT_NAMES])
LABEL = pa.struct([("is_fraud", pa.bool_()), ("known_at", TIME)])


def batches_of(rows: Iterable[DecisionRow], form: TableForm) -> Iterator[pa.RecordBatch]:
    """The rows as batches of ROWS_A_BATCH, in their order."""
    schema = schema_of(form)
    rows = iter(rows)
    while part := list(islice(rows, ROWS_A_BATCH)):
        yield _batch(part, form, schema)


def _batch(rows: list[DecisionRow], form: TableForm, schema: pa.Schema) -> pa.RecordBatch:
    decisions = [row.decision for row in rows]
    matrix = None if form.features == "none" else _matrix(decisions, form)
    columns: dict[str, Any] = {
        name: [getattr(decision, name) for decision in decisions]
        for name in (
            "decision_id", "transaction_id", "user_id", "amount", "currency", "merchant_id", "risk_score", "probability",
            "coverage", "action", "tags", "flags", "summary", "enrichment", "late", "stale_history", "feature_set",
        )
    }  # fmt: skip
    columns["event_time"] = [decision.event_time_ms for decision in decisions]
    columns["base_amount"] = _base_amounts(matrix, form, len(rows))
    columns["is_blocked"] = [any(reason.source == BLOCK_LIST for reason in decision.reasons) for decision in decisions]
    columns["model"] = _struct(MODEL, [decision.model for decision in decisions])
    columns["rules"] = _struct(RULES, [decision.rules for decision in decisions])
    columns["shadow"] = [[msgspec.structs.asdict(result) for result in decision.shadow] for decision in decisions]
    columns["control_versions"] = [list(decision.control_versions.items()) for decision in decisions]
    columns["event"] = _events([row.event for row in rows])
    columns["labels"] = [
        [{"is_fraud": label.is_fraud, "known_at": label.known_at_ms} for label in row.labels] for row in rows
    ]
    if form.features == "names" and form.names:
        assert matrix is not None
        arrays = [_numbers(matrix[:, place]) for place in range(len(form.names))]
        unknown = pa.array([decision.features is None and decision.features_packed is None for decision in decisions])
        columns["features"] = pa.StructArray.from_arrays(arrays, list(form.names), mask=unknown)
    if form.features == "packed":
        columns["features_packed"] = _packed(decisions, matrix)
    arrays = [_array(columns[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind)


def _struct(kind: pa.StructType, records: list[Any]) -> pa.StructArray:
    arrays = [pa.array([getattr(record, field.name) for record in records], field.type) for field in kind]
    return pa.StructArray.from_arrays(arrays, fields=list(kind))


def _events(events: list[Transaction | None]) -> pa.StructArray:
    arrays = [
        pa.array([None if event is None else getattr(event, name.field) for event in events], _TYPES[name.kind])
        for name in EVENT_NAMES
    ]
    unknown = pa.array([event is None for event in events])
    return pa.StructArray.from_arrays(arrays, fields=list(EVENT), mask=unknown)


def _matrix(decisions: list[DecisionFields], form: TableForm) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The features in the order of `form.names`, float64 [N, F]; NaN where unknown or not logged."""
    matrix = np.full((len(decisions), len(form.names)), math.nan)
    order: dict[str | None, tuple[list[int], list[int]]] = {}
    for row, decision in enumerate(decisions):
        if decision.features_packed is not None:
            names = form.feature_sets.get(decision.feature_set or "")
            if names is None or len(decision.features_packed) != 8 * len(names):
                continue
            values = np.frombuffer(decision.features_packed, "<f8")
            if names == form.names:
                matrix[row] = values
            else:
                theirs, ours = order.setdefault(decision.feature_set, _common(names, form.names))
                matrix[row, ours] = values[theirs]
        elif decision.features is not None:
            named = decision.features
            if len(named) == len(form.names) and tuple(named) == form.names:
                matrix[row] = list(named.values())
            else:
                matrix[row] = [named.get(name) for name in form.names]
    return matrix


def _common(theirs: Sequence[str], ours: Sequence[str]) -> tuple[list[int], list[int]]:
    places = {name: place for place, name in enumerate(ours)}
    both = [(place, places[name]) for place, name in enumerate(theirs) if name in places]
    return [one for one, _ in both], [other for _, other in both]


def _numbers(values: np.ndarray[Any, np.dtype[np.float64]]) -> pa.Array:
    """Null for NaN."""
    return pa.array(np.ascontiguousarray(values), pa.float64(), from_pandas=True)


def _base_amounts(matrix: np.ndarray[Any, np.dtype[np.float64]] | None, form: TableForm, rows: int) -> pa.Array:
    if matrix is None or "amount" not in form.names:
        return pa.nulls(rows, pa.float64())
    return _numbers(matrix[:, form.names.index("amount")])


def _packed(
    decisions: list[DecisionFields], matrix: np.ndarray[Any, np.dtype[np.float64]] | None
) -> list[bytes | None]:
    """As logged; of those by name packed in the order of the table's names."""
    found: list[bytes | None] = []
    for row, decision in enumerate(decisions):
        if decision.features_packed is not None or decision.features is None or matrix is None:
            found.append(decision.features_packed)
        else:
            found.append(matrix[row].astype("<f8").tobytes())
    return found

"""Reads all decisions of a store with their transactions and labels, in the order of time, in one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, select

from console.store.encoding import decision_of
from console.store.store import DecisionStore
from console.store.tables import decisions, events, feature_sets
from models.backtest.decision_table import DecisionFields, DecisionRow, TableForm
from models.backtest.event_index import LabelIndex
from udfs.features.feature_set import feature_set_of
from udfs.records.events import Event, Label, Transaction
from udfs.records.logged_features import FeatureSets
from udfs.records.outputs import FeatureForm
from udfs.values.time_units import DAY_MS

ROWS_AT_ONCE = 2_000
Progress = Callable[[int, int], None]
_decode_event = msgspec.json.Decoder(Event).decode


def table_form(store: DecisionStore, given: FeatureSets, features: FeatureForm | None = None) -> TableForm:
    """The form of the store's decisions as a table: by the names of the newest decision's feature set where they are known.

    `given`: feature sets of bundles, beside those that the store knows.
    """
    known: dict[str, Sequence[str]] = {feature_set_of().version: feature_set_of().names, **given}
    with store.database.read() as connection:
        for version, names in connection.execute(select(feature_sets.c.feature_set, feature_sets.c.names)):
            known[version] = tuple(msgspec.json.decode(names, type=list[str]))
        newest = connection.execute(
            select(decisions.c.feature_set)
            .where(decisions.c.features.is_not(None))
            .order_by(decisions.c.event_time_ms.desc(), decisions.c.decision_id.desc())
            .limit(1)
        ).scalar()
    if newest is None or features == "none":
        return TableForm("none", (), {})
    if newest not in known:
        return TableForm("packed", (), known)
    return TableForm(features or "names", tuple(known[newest]), known)


def since_of_newest(store: DecisionStore, days: int, most: int) -> tuple[int, bool]:
    """From when the decisions are (epoch milliseconds) that are at most `days` older than the newest one, and of these at
    most `most` or a few more of one moment; whether that leaves some of these days out."""
    columns = decisions.c
    with store.database.read() as connection:
        newest = int(connection.execute(select(func.max(columns.event_time_ms))).scalar() or 0)
        since_ms = newest - days * DAY_MS
        ordered = select(columns.event_time_ms).where(columns.event_time_ms >= since_ms)
        ordered = ordered.order_by(columns.event_time_ms.desc(), columns.decision_id.desc())
        last, beyond = (connection.execute(ordered.limit(1).offset(most + more)).scalar() for more in (-1, 0))
    return (since_ms, False) if last is None else (int(last), beyond is not None)


def decision_rows(
    store: DecisionStore, progress: Progress | None = None, since_ms: int | None = None
) -> Iterator[DecisionRow]:
    """All decisions, or those from a moment on, oldest first, each with its transaction (None: not read) and all its labels.

    Memory: 17 bytes a label. `progress` gets (rows done, rows). Raises StoreUnavailable.
    """
    of_decision, of_event = decisions.c, events.alias("transactions").c
    joined = (
        select(decisions, of_event.body.label("event_body"))
        .join_from(
            decisions,
            of_event.body.table,
            and_(
                of_event.user_id == of_decision.user_id,
                of_event.event_type == "transaction",
                of_event.at_ms == of_decision.event_time_ms,
                of_event.event_id == of_decision.transaction_id,
            ),
            isouter=True,
        )
        .order_by(of_decision.event_time_ms, of_decision.decision_id)
    )
    counted = select(func.count()).select_from(decisions)
    if since_ms is not None:
        joined = joined.where(of_decision.event_time_ms >= since_ms)
        counted = counted.where(of_decision.event_time_ms >= since_ms)
    with store.database.read() as connection:
        total = int(connection.execute(counted).scalar_one())
        labels = _labels(connection)
        done = 0
        result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(joined)
        for part in result.mappings().partitions(ROWS_AT_ONCE):
            for row in part:
                body = row["event_body"]
                event = None if body is None else _decode_event(body)
                known = event if isinstance(event, Transaction) else None
                yield DecisionRow(_fields(row), known, labels.labels(row["decision_id"]))
            done += len(part)
            if progress is not None:
                progress(done, total)


def _labels(connection: Connection) -> LabelIndex:
    found, columns = LabelIndex(), events.c
    ordered = (
        select(columns.body)
        .where(columns.event_type == "label")
        .order_by(columns.user_id, columns.event_type, columns.at_ms, columns.event_id)
    )
    for body in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(ordered).scalars():
        label = _decode_event(body)
        if isinstance(label, Label):
            found.add(label)
    return found


def _fields(row: Any) -> DecisionFields:
    known = msgspec.structs.asdict(decision_of(row))
    known.pop("origin")
    return DecisionFields(**{**known, "features": None, "features_packed": row["features"]})

"""One foreign row to our record: the definition that the conversion of whole columns must agree with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import msgspec

from ingest.errors import RowError, UnreadableValue
from ingest.event_ids import content_id, label_id
from ingest.mapping import Mapping
from ingest.plan import FieldPlan, LabelPlan, Row
from ingest.targets import ATTRIBUTES
from udfs.codec import MAX_TIMESTAMP_MS
from udfs.events import Event, Label, Transaction


class Truth(msgspec.Struct, kw_only=True, gc=False):
    """What a transaction really was, and the pattern of a fraud; never part of an event."""

    transaction_id: str
    user_id: str
    timestamp: int
    amount: float
    is_fraud: bool
    pattern: str | None


class Records(NamedTuple):
    """What one row makes: the record itself, its label and truth where they are known, and the extra columns."""

    record: msgspec.Struct
    label: Label | None
    truth: Truth | None
    extras: dict[str, object] | None


def event_of(row: Row, mapping: Mapping, row_number: int = 0) -> Event:
    """The event that a row makes; columns that the row lacks count as blank, and its label's are not looked at.

    The result is what `udfs.codec.decode_event` makes of its JSON. Raises RowError with the first value that can't be
    read, and TypeError where the mapping is not one of events.
    """
    if not mapping.target.is_event:
        raise TypeError(f"rows of kind {mapping.kind} are no events")
    values = _values(row, mapping, mapping.record_plans, row_number)
    return cast(Event, _record(values, mapping, row_number))


def records_of(row: Row, mapping: Mapping, row_number: int = 0) -> Records:
    """Everything that a row makes. Raises RowError."""
    return assemble(_values(row, mapping, mapping.plans, row_number), mapping, row_number)


def _values(row: Row, mapping: Mapping, plans: Sequence[FieldPlan], row_number: int) -> list[object]:
    if mapping.nested:
        row = _with_nested(row, mapping, row_number)
    values = []
    for plan in plans:
        try:
            values.append(plan.value_of(row, row_number))
        except UnreadableValue as error:
            raise RowError(row_number, plan.source_name, plan.raw_of(row, row_number), error.expected) from None
    return values


def _with_nested(row: Row, mapping: Mapping, row_number: int) -> Row:
    """The row with the columns that are nested in its texts. Raises RowError."""
    columns: dict[str, object] = {}
    for nested in mapping.nested:
        raw = row.get(nested.column)
        try:
            columns[nested.into] = nested.value(raw)
        except UnreadableValue as error:
            raise RowError(row_number, nested.column, raw, error.expected) from None
    return {**row, **columns}


def assemble(values: Sequence[object], mapping: Mapping, row_number: int) -> Records:
    """The records of converted values, which are in the order of `mapping.plans`. Raises RowError."""
    record = _record(values, mapping, row_number)
    extras = None
    if mapping.extras:
        extras = {plan.name: value for plan, value in zip(mapping.extras, values[-len(mapping.extras) :], strict=True)}
    if mapping.label is None:
        return Records(record, None, None, extras)
    assert isinstance(record, Transaction)
    outcome: dict[str, Any] = dict(zip(mapping.label_names, values[len(mapping.record_plans) :], strict=False))
    if outcome["is_fraud"] is None:
        return Records(record, None, None, extras)
    label = _label(record, outcome, mapping.label, row_number)
    return Records(record, label, _truth(record, outcome), extras)


def _record(values: Sequence[object], mapping: Mapping, row_number: int) -> msgspec.Struct:
    fields = dict(zip(mapping.field_names, values, strict=False))
    if mapping.attributes:
        told = zip(mapping.attribute_names, values[len(mapping.fields) :], strict=False)
        fields[ATTRIBUTES] = {name: value for name, value in told if value is not None} or None
    if mapping.negative_is_refund:
        _turn_negative_into_refund(fields)
    if mapping.needs_event_id:
        fields["event_id"] = content_id(mapping.kind, fields)
    record = mapping.target.struct(**fields)
    if isinstance(record, Label) and record.known_at < record.timestamp:
        raise _known_too_early(mapping.fields, record.known_at, row_number)
    return record


def _turn_negative_into_refund(fields: dict[str, object]) -> None:
    amount = fields["amount"]
    assert isinstance(amount, float)
    if amount < 0:
        fields["amount"] = -amount
        fields["kind"] = "refund"


def _label(record: Transaction, outcome: dict[str, Any], plan: LabelPlan, row_number: int) -> Label:
    known_at = record.timestamp + plan.delay_ms
    if plan.known_at is not None:
        told = outcome["known_at"]
        if not isinstance(told, int):
            raise RowError(row_number, plan.known_at.source_name, None, "a time (the row has an outcome)")
        if told < record.timestamp:
            raise _known_too_early(plan.plans, told, row_number)
        known_at = told
    if known_at > MAX_TIMESTAMP_MS:
        raise RowError(row_number, None, known_at, "a time of which the label's delay stays before the year 10000")
    return Label(
        event_id=label_id(record.transaction_id),
        transaction_id=record.transaction_id,
        user_id=record.user_id,
        timestamp=record.timestamp,
        known_at=known_at,
        is_fraud=outcome["is_fraud"],
        merchant_id=record.merchant_id,
        resolution_code=outcome.get("resolution_code"),
    )


def _truth(record: Transaction, outcome: dict[str, Any]) -> Truth:
    return Truth(
        transaction_id=record.transaction_id,
        user_id=record.user_id,
        timestamp=record.timestamp,
        amount=record.amount,
        is_fraud=outcome["is_fraud"],
        pattern=outcome.get("pattern") if outcome["is_fraud"] else None,
    )


def _known_too_early(plans: Sequence[FieldPlan], known_at: int, row_number: int) -> RowError:
    plan = next(plan for plan in plans if plan.name == "known_at")
    return RowError(row_number, plan.source_name, known_at, "a time at or after the transaction's timestamp")

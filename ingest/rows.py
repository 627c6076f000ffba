"""Converts one foreign row to our record: the reference that the conversion by columns must agree with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import msgspec

from ingest.dropped_values import LABEL, LABEL_FIELDS, DroppedValue
from ingest.errors import RowError, UnreadableValue
from ingest.event_ids import content_id, label_id
from ingest.label_time import known_from, zone_of
from ingest.mapping import Mapping
from ingest.plan import FieldPlan, LabelPlan, Row
from ingest.signed_amount import major_units
from ingest.targets import ATTRIBUTES
from udfs.records.codec import MAX_TIMESTAMP_MS
from udfs.records.events import Event, Label, Transaction


class Truth(msgspec.Struct, kw_only=True, gc=False, omit_defaults=True):
    """Ground truth of one transaction: fraud or not, the fraud's pattern, and the bank's resolution code. Written to
    truth.jsonl, never to events."""

    transaction_id: str
    user_id: str
    timestamp: int
    amount: float
    is_fraud: bool
    pattern: str | None
    resolution_code: str | None = None


class Records(NamedTuple):
    """The output of one row: the record, its label and truth where the outcome is known, and the extra columns.

    `record` is None for a row that is joined with a transaction: `joined` has its fields. `dropped` are the values that
    could not be read.
    """

    record: msgspec.Struct | None
    label: Label | None
    truth: Truth | None
    extras: dict[str, object] | None
    joined: dict[str, Any] | None = None
    dropped: tuple[DroppedValue, ...] = ()


def event_from_row(row: Row, mapping: Mapping, row_number: int = 0) -> Event:
    """Converts a row to an event; missing columns count as blank, label columns are not read.

    The result equals `udfs.records.codec.decode_event` of the event's JSON. Raises RowError for the first unreadable
    value, unless its field is dropped for it, and TypeError where the mapping's kind is not an event.
    """
    return event_and_dropped(row, mapping, row_number)[0]


def event_and_dropped(row: Row, mapping: Mapping, row_number: int = 0) -> tuple[Event, list[DroppedValue]]:
    """As `event_from_row`, with the values that could not be read and left their fields absent."""
    if not mapping.target.is_event or mapping.is_joined:
        raise TypeError(f"rows of kind {mapping.kind} are not events")
    values, dropped = _values(row, mapping, mapping.record_plans, row_number)
    return cast(Event, _record(_fields(values, mapping, row_number), mapping, row_number)), dropped


def records_from_row(row: Row, mapping: Mapping, row_number: int = 0) -> Records:
    """Converts a row to its record, label, truth and extra columns. Raises RowError for the first unreadable value that is
    not dropped."""
    values, dropped = _values(row, mapping, mapping.plans, row_number)
    return build_records(values, mapping, row_number, dropped)


def _values(
    row: Row, mapping: Mapping, plans: Sequence[FieldPlan], row_number: int
) -> tuple[list[object], list[DroppedValue]]:
    own = row
    dropped: list[DroppedValue] = []
    if mapping.nested:
        row = _with_nested(row, mapping, row_number, dropped)
    values = []
    for plan in plans:
        try:
            values.append(plan.value_of(own if plan.is_row_number else row, row_number))
        except UnreadableValue as error:
            row_error = RowError(row_number, plan.source_name, plan.raw_of(row, row_number), error.expected)
            if not plan.drops:
                raise row_error from None
            dropped.append(DroppedValue(plan.path, row_error))
            values.append(plan.absent)
    return values, dropped


def readable_fields(row: Row, mapping: Mapping, row_number: int) -> dict[str, object]:
    """The record's fields of a rejected row that can be read."""
    try:
        own, row = row, _with_nested(row, mapping, row_number, []) if mapping.nested else row
    except RowError:
        return {}
    fields = {}
    for plan in mapping.fields:
        try:
            fields[plan.name] = plan.value_of(own if plan.is_row_number else row, row_number)
        except UnreadableValue:
            continue
    return fields


def _with_nested(row: Row, mapping: Mapping, row_number: int, dropped: list[DroppedValue]) -> Row:
    """The row plus the columns parsed from its nested text columns. Raises RowError."""
    columns: dict[str, object] = {}
    for nested in mapping.nested:
        raw = row.get(nested.column)
        try:
            columns[nested.into] = nested.value(raw)
        except UnreadableValue as error:
            row_error = RowError(row_number, nested.column, raw, error.expected)
            if not mapping.drops_nested(nested.into):
                raise row_error from None
            dropped.append(DroppedValue(nested.into, row_error))
            columns[nested.into] = None
    return {**row, **columns}


def build_records(
    values: Sequence[object], mapping: Mapping, row_number: int, dropped: Sequence[DroppedValue] = ()
) -> Records:
    """Builds the records from converted values in the order of `mapping.plans`. Raises RowError."""
    fields = _fields(values, mapping, row_number)
    if mapping.is_joined:
        return Records(None, None, None, None, fields, tuple(dropped))
    record = _record(fields, mapping, row_number)
    extras = None
    if mapping.extras:
        extras = {plan.name: value for plan, value in zip(mapping.extras, values[-len(mapping.extras) :], strict=True)}
    if mapping.label is None:
        return Records(record, None, None, extras, None, tuple(dropped))
    assert isinstance(record, Transaction)
    outcome: dict[str, Any] = dict(zip(mapping.label_names, values[len(mapping.record_plans) :], strict=False))
    if outcome["is_fraud"] is None:
        return Records(record, None, None, extras, None, tuple(dropped))
    truth = _truth(record, outcome)
    if any(one.field in LABEL_FIELDS for one in dropped):
        return Records(record, None, truth, extras, None, tuple(dropped))
    try:
        label = _label(record, outcome, mapping.label, row_number)
    except RowError as error:
        if not mapping.label.is_fraud.drops:
            raise
        return Records(record, None, truth, extras, None, (*dropped, DroppedValue(LABEL, error)))
    return Records(record, label, truth, extras, None, tuple(dropped))


def _fields(values: Sequence[object], mapping: Mapping, row_number: int) -> dict[str, object]:
    fields = dict(zip(mapping.field_names, values, strict=False))
    if mapping.target.has_attributes:
        attributes = zip(mapping.attribute_names, values[len(mapping.fields) :], strict=False)
        fields[ATTRIBUTES] = {name: value for name, value in attributes if value is not None} or None
    if mapping.minor_units:
        _convert_minor_units(fields, mapping, row_number)
    if mapping.negative_is_refund:
        _convert_negative_to_refund(fields)
    return fields


def _record(fields: dict[str, object], mapping: Mapping, row_number: int) -> msgspec.Struct:
    if mapping.needs_event_id:
        fields["event_id"] = content_id(mapping.kind, fields)
    record = mapping.target.struct(**fields)
    if isinstance(record, Label):
        plan = _plan(mapping.fields, "known_at")
        known_at = known_from(record.known_at, record.timestamp, zone_of(plan.read))
        if known_at is None:
            raise _known_before_transaction(plan, record.known_at, row_number)
        record.known_at = known_at
    return record


def _convert_minor_units(fields: dict[str, object], mapping: Mapping, row_number: int) -> None:
    amount = fields["amount"]
    assert isinstance(amount, float)
    try:
        fields["amount"] = major_units(amount, fields.get("currency"))
    except UnreadableValue as error:
        raise RowError(row_number, _plan(mapping.fields, "amount").source_name, amount, error.expected) from None


def _convert_negative_to_refund(fields: dict[str, object]) -> None:
    amount = fields["amount"]
    assert isinstance(amount, float)
    if amount < 0:
        fields["amount"] = -amount
        fields["kind"] = "refund"


def _label(record: Transaction, outcome: dict[str, Any], plan: LabelPlan, row_number: int) -> Label:
    mapped = outcome.get("known_at") if plan.known_at is not None else None
    if mapped is None and plan.delay_ms is None:
        column = plan.known_at.source_name if plan.known_at is not None else None
        raise RowError(row_number, column, None, "a time (the row has an outcome), or `delay_days` for blank cells")
    if mapped is None:
        known_at: int | None = record.timestamp + (plan.delay_ms or 0)
    else:
        assert plan.known_at is not None
        known_at = known_from(mapped, record.timestamp, zone_of(plan.known_at.read))
        if known_at is None:
            raise _known_before_transaction(plan.known_at, mapped, row_number)
    assert known_at is not None
    if known_at > MAX_TIMESTAMP_MS:
        raise RowError(row_number, None, known_at, "a label time (timestamp plus delay) before the year 10000")
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
    return truth_of(record, outcome["is_fraud"], outcome.get("pattern"), outcome.get("resolution_code"))


def truth_of(
    transaction: Transaction, is_fraud: bool, pattern: str | None = None, resolution_code: str | None = None
) -> Truth:
    """The ground truth of a transaction; only a fraud has a pattern."""
    return Truth(
        transaction_id=transaction.transaction_id,
        user_id=transaction.user_id,
        timestamp=transaction.timestamp,
        amount=transaction.amount,
        is_fraud=is_fraud,
        pattern=pattern if is_fraud else None,
        resolution_code=resolution_code,
    )


def _plan(plans: Sequence[FieldPlan], name: str) -> FieldPlan:
    return next(plan for plan in plans if plan.name == name)


def _known_before_transaction(plan: FieldPlan, known_at: int, row_number: int) -> RowError:
    return RowError(row_number, plan.source_name, known_at, "a time at or after the transaction's timestamp")

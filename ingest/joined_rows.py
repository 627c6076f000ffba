"""Rows that belong to a transaction of the same run, found by its id: labels without user and time, and features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ingest.errors import RowError
from ingest.event_ids import content_id
from ingest.label_time import known_from, zone_of
from ingest.mapping import Mapping
from ingest.rows import Truth, truth_of
from udfs.records.attribute_values import MAX_ATTRIBUTES
from udfs.records.codec import MAX_TIMESTAMP_MS
from udfs.records.events import Label, Transaction

TRANSACTION_EXPECTED = "the id of a transaction of the same run (they are joined by it)"


class JoinedRow(NamedTuple):
    """One row: the converted values of its fields, and where it came from."""

    fields: dict[str, Any]
    mapping: Mapping
    row_number: int
    input_name: str


class JoinedRows:
    """Collects rows by transaction id, and gives them to their transactions. Holds them in memory, the transactions not.

    `has_labels`: whether the run has a table of labels to join.
    """

    def __init__(self, has_labels: bool) -> None:
        self.has_labels = has_labels
        self._labels: dict[str, list[JoinedRow]] = {}
        self._features: dict[str, list[JoinedRow]] = {}

    def add(self, row: JoinedRow) -> None:
        of_kind = self._labels if row.mapping.kind == "label" else self._features
        of_kind.setdefault(row.fields["transaction_id"], []).append(row)

    def add_features(self, transaction: Transaction) -> Iterator[tuple[str, RowError]]:
        """Adds the features of the transaction's id to its attributes; yields input and error of a row that has too many."""
        for row in self._features.pop(transaction.transaction_id, ()):
            attributes = {**(transaction.attributes or {}), **(row.fields["attributes"] or {})}
            if len(attributes) > MAX_ATTRIBUTES:
                expected = f"at most {MAX_ATTRIBUTES} attributes a transaction, its own and joined ones together"
                yield row.input_name, RowError(row.row_number, None, len(attributes), expected)
            else:
                transaction.attributes = attributes or None

    def truth_of(self, transaction: Transaction) -> Truth | None:
        """Whether the labels' table names the transaction as a fraud; None without such a table. Before `labels_of`."""
        if not self.has_labels:
            return None
        rows = self._labels.get(transaction.transaction_id, ())
        return truth_of(transaction, any(row.fields["is_fraud"] for row in rows))

    def labels_of(self, transaction: Transaction) -> Iterator[Label | tuple[str, RowError]]:
        """The labels of the transaction's id; input and error of one that cannot be known when it says."""
        for row in self._labels.pop(transaction.transaction_id, ()):
            try:
                yield _label(row, transaction)
            except RowError as error:
                yield row.input_name, error

    def unmatched(self) -> Iterator[tuple[str, RowError]]:
        """Input and error of the rows that no transaction took."""
        for of_kind in (self._labels, self._features):
            for transaction_id, rows in of_kind.items():
                for row in rows:
                    column = next(plan for plan in row.mapping.fields if plan.name == "transaction_id").source_name
                    yield row.input_name, RowError(row.row_number, column, transaction_id, TRANSACTION_EXPECTED)


def _label(row: JoinedRow, transaction: Transaction) -> Label:
    fields, mapping = row.fields, row.mapping
    known_at = fields.get("known_at")
    plan = next((plan for plan in mapping.fields if plan.name == "known_at"), None)
    if known_at is not None:
        known_ms = known_from(known_at, transaction.timestamp, zone_of(plan.read if plan else None))
    else:
        known_ms = transaction.timestamp + mapping.delay_ms if mapping.delay_ms is not None else None
    if known_ms is None or known_ms > MAX_TIMESTAMP_MS:
        column = plan.source_name if plan else None
        raise RowError(row.row_number, column, known_at, "a time at or after the transaction's timestamp")
    return Label(
        event_id=fields.get("event_id") or content_id("label", {**fields, "known_at": known_ms}),
        transaction_id=transaction.transaction_id,
        user_id=transaction.user_id,
        timestamp=transaction.timestamp,
        known_at=known_ms,
        is_fraud=fields["is_fraud"],
        merchant_id=fields.get("merchant_id") or transaction.merchant_id,
        resolution_code=fields.get("resolution_code"),
    )

"""Rows that belong to a transaction of the same run, found by its id: labels without user and time, and features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ingest.errors import RowError
from ingest.event_ids import content_id
from ingest.label_time import known_from, zone_of
from ingest.mapping import Mapping
from ingest.plan import FieldPlan
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

    A transaction may come twice, as in exports that overlap: both have the same features and truth, the first the labels.

    `has_labels`: whether the run has a table of labels to join.
    """

    def __init__(self, has_labels: bool) -> None:
        self.has_labels = has_labels
        self._labels: dict[str, list[JoinedRow]] = {}
        self._features: dict[str, list[JoinedRow]] = {}
        self._rejected: dict[str, list[bool | None]] = {}  # is_fraud, None where that could not be read
        self._users: dict[str, str] = {}  # of the transactions that took labels
        self._with_features: set[str] = set()

    def add(self, row: JoinedRow) -> None:
        of_kind = self._labels if row.mapping.kind == "label" else self._features
        of_kind.setdefault(row.fields["transaction_id"], []).append(row)

    def add_rejected_label(self, fields: dict[str, Any]) -> None:
        """Remembers a label that is rejected, by the fields of it that could be read: its transaction is not legitimate
        for lack of another one."""
        transaction_id = fields.get("transaction_id")
        if transaction_id is not None:
            self._rejected.setdefault(transaction_id, []).append(fields.get("is_fraud"))

    def add_features(self, transaction: Transaction) -> Iterator[tuple[str, RowError]]:
        """Adds the features of the transaction's id to its attributes; yields input and error of a row that has too many."""
        rows = self._features.get(transaction.transaction_id, ())
        is_first = transaction.transaction_id not in self._with_features
        for row in rows:
            self._with_features.add(transaction.transaction_id)
            attributes = {**(transaction.attributes or {}), **(row.fields["attributes"] or {})}
            if len(attributes) <= MAX_ATTRIBUTES:
                transaction.attributes = attributes or None
            elif is_first:
                expected = f"at most {MAX_ATTRIBUTES} attributes a transaction, its own and joined ones together"
                yield row.input_name, RowError(row.row_number, None, len(attributes), expected)

    def truth_of(self, transaction: Transaction) -> Truth | None:
        """What the labels' table says of the transaction: its newest label, else one without a usable time; legitimate
        where it is not named. None without such a table, and where it does not tell. Before `labels_of`."""
        transaction_id = transaction.transaction_id
        if not self.has_labels or self._users.get(transaction_id, transaction.user_id) != transaction.user_id:
            return None
        newest: JoinedRow | None = None
        newest_ms = -1
        undated = list(self._rejected.get(transaction_id, ()))
        for row in self._labels.get(transaction_id, ()):
            known_ms = _known_ms(row, transaction)
            if known_ms is None:
                undated.append(row.fields["is_fraud"])
            elif known_ms >= newest_ms:
                newest, newest_ms = row, known_ms
        if newest is not None:
            return truth_of(
                transaction, newest.fields["is_fraud"], resolution_code=newest.fields.get("resolution_code")
            )
        if None in undated and True not in undated:
            return None
        return truth_of(transaction, True in undated)

    def labels_of(self, transaction: Transaction) -> Iterator[Label | tuple[str, RowError]]:
        """The labels of the transaction's id, once; input and error of one that cannot be known when it says."""
        rows = self._labels.get(transaction.transaction_id)
        if rows is None or transaction.transaction_id in self._users:
            return
        self._users[transaction.transaction_id] = transaction.user_id
        for row in rows:
            try:
                yield _label(row, transaction)
            except RowError as error:
                yield row.input_name, error

    def unmatched(self) -> Iterator[tuple[str, RowError]]:
        """Input and error of the rows that no transaction took."""
        for of_kind, taken in ((self._labels, self._users.keys()), (self._features, self._with_features)):
            for transaction_id, rows in of_kind.items():
                if transaction_id in taken:
                    continue
                for row in rows:
                    column = next(plan for plan in row.mapping.fields if plan.name == "transaction_id").source_name
                    yield row.input_name, RowError(row.row_number, column, transaction_id, TRANSACTION_EXPECTED)


def _known_at_plan(mapping: Mapping) -> FieldPlan | None:
    return next((plan for plan in mapping.fields if plan.name == "known_at"), None)


def _known_ms(row: JoinedRow, transaction: Transaction) -> int | None:
    """When the row's label is known, epoch milliseconds; None where it has no time that its transaction allows."""
    known_at, mapping = row.fields.get("known_at"), row.mapping
    if known_at is not None:
        plan = _known_at_plan(mapping)
        known_ms = known_from(known_at, transaction.timestamp, zone_of(plan.read if plan else None))
    else:
        known_ms = transaction.timestamp + mapping.delay_ms if mapping.delay_ms is not None else None
    return known_ms if known_ms is not None and known_ms <= MAX_TIMESTAMP_MS else None


def _label(row: JoinedRow, transaction: Transaction) -> Label:
    fields = row.fields
    known_ms = _known_ms(row, transaction)
    if known_ms is None:
        plan = _known_at_plan(row.mapping)
        column = plan.source_name if plan else None
        expected = "a time at or after the transaction's timestamp"
        raise RowError(row.row_number, column, fields.get("known_at"), expected)
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

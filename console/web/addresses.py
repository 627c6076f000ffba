"""The queue's filters, order and page as the query of an address, and back. What cannot be read is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, get_args
from urllib.parse import parse_qsl, urlencode

import msgspec

from console.cases.queue import ORDERS, QueueFilters, QueueOrder
from console.cases.rows import Outcome
from udfs.records.outputs import ACTIONS

MOST_PAGES = 1_000
MOST_CHARACTERS = 200
_STATES = ("open", "snoozed", "closed", "all")
_MOST = {"min_amount": 1e15, "min_score": 1e6}
_NUMBER = re.compile(r"-?(\d{1,3}(,\d{3})+|\d{1,20})(\.\d{1,20})?")
_TEXTS = ("assignee", "user_id", "merchant_id", "currency", "rule", "text")


class QueuePlace(NamedTuple):
    """What the address of a queue says. `page` is counted from 0; `compact`: rows of one line; `unread`: numbers that could
    not be read."""

    filters: QueueFilters = QueueFilters()
    order: QueueOrder = QueueOrder()
    page: int = 0
    compact: bool = False
    unread: tuple[str, ...] = ()

    def query(self, **changes: Any) -> str:
        """The query of an address, with changed fields; None removes one. Other filters or orders begin at page 0."""
        fields: dict[str, Any] = {**msgspec.to_builtins(self.filters)}
        if self.filters.overdue:
            fields["overdue"] = "1"
        if self.order != QueueOrder():
            fields["sort"] = ("-" if self.order.descending else "") + self.order.by
        if self.compact:
            fields["compact"] = "1"
        if self.page and not changes:
            fields["page"] = self.page + 1
        fields.update(changes)
        return urlencode({name: value for name, value in fields.items() if value not in (None, "")})

    def sorted_by(self, by: str) -> str:
        """The query for a click on a column: what is most first, then the other way round."""
        descending = not (self.order.by == by and self.order.descending)
        return self.query(sort=("-" if descending else "") + by)

    def is_filtered(self) -> bool:
        """Whether anything is left out but closed cases."""
        return self.filters != QueueFilters()


def place_of(query: str) -> QueuePlace:
    """What the query of an address says."""
    return place_of_fields(parse_qsl(query, max_num_fields=100)) if len(query) < 10_000 else QueuePlace()


def place_of_fields(pairs: Iterable[tuple[str, str]]) -> QueuePlace:
    """The same, of fields."""
    fields = {name: value.replace("\0", "").strip()[:MOST_CHARACTERS] for name, value in pairs if value.strip()}
    sort = fields.get("sort", "-priority")
    by = sort.removeprefix("-")
    order = QueueOrder(by=by, descending=sort.startswith("-")) if by in ORDERS else QueueOrder()
    page = fields.get("page", "1")
    filters, unread = _filters(fields)
    return QueuePlace(
        filters, order, min(int(page), MOST_PAGES) - 1 if page.isdecimal() and int(page) else 0,
        fields.get("compact") == "1", unread,
    )  # fmt: skip


def _filters(fields: Mapping[str, str]) -> tuple[QueueFilters, tuple[str, ...]]:
    unread = []
    found: dict[str, Any] = {name: fields[name] for name in _TEXTS if name in fields}
    if fields.get("state") in _STATES:
        found["state"] = fields["state"]
    if fields.get("action") in ACTIONS:
        found["action"] = fields["action"]
    if fields.get("outcome") in get_args(Outcome):
        found["outcome"] = fields["outcome"]
    for name, most in _MOST.items():
        if name not in fields:
            continue
        number = _number(fields[name])
        if number is None or abs(number) > most:
            unread.append(name)
        else:
            found[name] = number if name == "min_amount" else int(number)
    if fields.get("overdue") == "1":
        found["overdue"] = True
    return QueueFilters(**found), tuple(unread)


def _number(text: str) -> float | None:
    """A number, also with commas between thousands; None for what is none."""
    if not _NUMBER.fullmatch(text):
        return None
    return float(text.replace(",", ""))

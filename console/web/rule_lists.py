"""Named lists: entries with owner, reason, expiry and source alert; changed live, or as a proposal where that is needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from console.api.problems import Problem
from console.api.proposals import desk_of, refusing
from console.rules.list_hits import DAYS, hits_over_store
from console.store.tables import cases
from console.web.access import PageRoute, form_of, visitor_of
from console.web.rendering import HEADERS, render
from console.web.rule_context import known_of, require_known, services_of
from udfs.control.elements import LIST, ListControl
from udfs.rules.list_changes import ListChange, with_entries, without_values
from udfs.rules.list_files import ListFileError, expiry_ms, parse_entries
from udfs.rules.named_lists import LIST_TYPES, ListEntry, ListError, NamedList, check_list_name
from udfs.rules.rulebook import rules_with_list

router = APIRouter(route_class=PageRoute)
MOST_SHOWN = 500
CSV = "the table"


class ListRow(NamedTuple):
    """A list, its entries with an expiry, and the rules in force that refer to it."""

    named_list: NamedList
    expiring: int
    rules: list[str]


@router.get("/rules-lists")
def lists_page(request: Request) -> Response:
    """All lists in force."""
    known = known_of(request)
    rows = [_row(request, known.lists[name].named_list) for name in sorted(known.lists)]
    return render(request, "lists.html", rows=rows, types=LIST_TYPES, trouble=known.trouble, **_may_change(request))


@router.post("/rules-lists")
def create(request: Request) -> Response:
    """Make an empty list."""
    name, kind = _field(request, "name"), _field(request, "kind")
    if name in require_known(request).lists:
        raise Problem(409, "list", f"there is a list {name} already")
    change = _checked(lambda: with_entries(None, _named(name), kind, []))
    return _sent(request, ListControl.of(change.after), f"/rules-lists/{name}", is_new=True)


@router.get("/rules-lists/{name}")
def list_page(request: Request, name: str, text: str = "") -> Response:
    """One list with its entries. `text`: in the value, the owner or the reason."""
    known = known_of(request)
    named_list = _list(request, name)
    wanted = text.strip().casefold()
    entries = [
        entry
        for entry in named_list.entries
        if not wanted or any(wanted in (part or "").casefold() for part in (entry.value, entry.owner, entry.reason))
    ]
    shown = entries[:MOST_SHOWN]
    return render(
        request, "list.html", row=_row(request, named_list), entries=shown, fitting=len(entries), text=text,
        linked=_alerts(request, [entry.source_alert for entry in shown if entry.source_alert]), trouble=known.trouble,
        days=DAYS, **_may_change(request),
    )  # fmt: skip


@router.post("/rules-lists/{name}/add")
def add(request: Request, name: str) -> Response:
    """Add an entry, or replace that of its value."""
    services_of(request).look_again()
    fields = {field: _field(request, field) for field in ("value", "owner", "reason", "expires", "source_alert")}

    def change() -> ListChange:
        given: dict[str, Any] = {field: text for field, text in fields.items() if text and field != "expires"}
        if "value" not in given:
            raise ListError("give a value")
        given.setdefault("owner", visitor_of(request).name)
        if fields["expires"]:
            given["expires_at"] = expiry_ms(f"{fields['expires']}T00:00:00Z")
        return with_entries(_list(request, name), name, None, [ListEntry(**given)])

    return _publish(request, _checked(change))


@router.post("/rules-lists/{name}/remove")
def remove(request: Request, name: str) -> Response:
    """Remove the entries of these values."""
    services_of(request).look_again()
    values = form_of(request).get("value", [])
    return _publish(request, _checked(lambda: without_values(_list(request, name), values)))


@router.post("/rules-lists/{name}/dry-run")
def dry_run(request: Request, name: str) -> Response:
    """What an import would change, and how many payments of the store the list would have hit then."""
    change = _imported(request, name)
    hits = refusal = None
    try:
        hits = hits_over_store(services_of(request).store.database, change.after, time.monotonic)
    except ListError as error:
        refusal = str(error)
    return render(request, "list_dry_run.html", change=change, hits=hits, refusal=refusal, days=DAYS)


@router.post("/rules-lists/{name}/import")
def import_entries(request: Request, name: str) -> Response:
    """Add the entries of CSV to a list, or replace all of them."""
    services_of(request).look_again()
    return _publish(request, _imported(request, name))


@router.post("/rules-lists/{name}/delete")
def delete(request: Request, name: str) -> Response:
    """Delete a list that no rule in force refers to."""
    services_of(request).look_again()
    named_list = _list(request, name)
    element = ListControl(version=named_list.version + 1, name=name, type=named_list.type, deleted=True)
    return _sent(request, element, "/rules-lists")


def _imported(request: Request, name: str) -> ListChange:
    def change() -> ListChange:
        entries = parse_entries(_field(request, "csv").replace("\r\n", "\n").encode("utf-8", "replace"), CSV)
        if not entries:
            raise ListError("the table has no entries")
        is_replacing = _field(request, "replace") == "1"
        return with_entries(_list(request, name), name, None, entries, is_replacing)

    return _checked(change)


def _publish(request: Request, change: ListChange) -> Response:
    return _sent(request, ListControl.of(change.after), f"/rules-lists/{change.after.name}")


def _sent(request: Request, element: ListControl, place: str, is_new: bool = False) -> Response:
    """Change the list at once, or propose it where that needs another person. A new one may follow a deleted one, whose
    versions it goes on from."""
    fields = msgspec.to_builtins(element)
    if is_new:
        del fields["version"]
    note = _field(request, "note")
    if note:
        fields["note"] = note
    row = refusing(lambda: desk_of(request).change(visitor_of(request).name, fields, f"{LIST}/{element.name}"))
    services_of(request).look_again()
    address = place if row.location is not None else f"/rules-proposals/{row.proposal_id}"
    return RedirectResponse(address, 303, headers=HEADERS)


def _row(request: Request, named_list: NamedList) -> ListRow:
    rule_set = known_of(request).rules
    expiring = sum(entry.expires_at is not None for entry in named_list.entries)
    return ListRow(named_list, expiring, [] if rule_set is None else rules_with_list(rule_set, named_list.name))


def _list(request: Request, name: str) -> NamedList:
    """Raises Problem for one that there is not."""
    known = known_of(request).lists.get(name)
    if known is None:
        raise Problem(404, "no-such-list", "there is no list of this name in force")
    return known.named_list


def _may_change(request: Request) -> dict[str, bool]:
    desk = services_of(request).control
    return {
        "has_channel": desk is not None,
        "needs_approval": desk is not None and desk.needs_approval(LIST),
        "may_change": desk is not None and visitor_of(request).role in ("analyst", "admin"),
    }


def _alerts(request: Request, ids: list[str]) -> set[str]:
    column = cases.c.decision_id
    with services_of(request).store.database.read() as connection:
        return {str(one) for one in connection.execute(select(column).where(column.in_(ids))).scalars()}


def _named(name: str) -> str:
    check_list_name(name)
    return name


def _checked(change: Callable[[], ListChange]) -> ListChange:
    """Raises Problem for what no list can be."""
    try:
        return change()
    except (ListError, ListFileError) as error:
        raise Problem(422, "list", str(error)) from None


def _field(request: Request, name: str) -> str:
    return form_of(request).get(name, [""])[0].strip()

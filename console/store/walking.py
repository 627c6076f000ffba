"""Walks through parts of indexes in the order of time, newest first, keeping what fits, for a limited time.

A part is the entries of one index with the same leading columns, so that the database reads it in order and need not sort.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, and_, or_, select

from console.store.cursors import HIGHEST_ID
from console.store.text_search import PLACES, first_rowid

Key = tuple[int, str]
Keep = Callable[[Any], list[ColumnElement[bool]]]
"""Conditions on the entries of a part, given its columns by the names of Part.columns."""
FIRST_WINDOW, LARGEST_WINDOW = 512, 65_536
DENSITY_SAMPLE = 500


class Part(NamedTuple):
    """Entries of one index. `columns`: time, id, and what conditions need, labelled `event_time_ms`, `decision_id`, ….

    `rowid`: where the order is that of SQLite's full-text table, its row id; entries of one millisecond are in any order.
    """

    table: FromClause
    columns: tuple[ColumnElement[Any], ...]
    where: tuple[ColumnElement[bool], ...] = ()
    rowid: ColumnElement[int] | None = None

    @property
    def order(self) -> tuple[ColumnElement[Any], ...]:
        if self.rowid is not None:
            return (self.rowid.desc(),)
        return (self.columns[0].desc(), self.columns[1].desc())


class Span(NamedTuple):
    """from_ms <= time < to_ms, and below the key, if there is one."""

    from_ms: int | None = None
    to_ms: int | None = None
    below: Key | None = None

    def conditions(self, part: Part) -> list[ColumnElement[bool]]:
        """What the index can be entered and left by."""
        if part.rowid is not None:
            found = [] if self.from_ms is None else [part.rowid >= first_rowid(self.from_ms)]
            found += [] if self.to_ms is None else [part.rowid < first_rowid(self.to_ms)]
            return found + ([] if self.below is None else [part.rowid < first_rowid(self.below[0]) + PLACES])
        moment, name = part.columns[:2]
        found = [] if self.from_ms is None else [moment >= self.from_ms]
        if self.below is None:
            return found + ([] if self.to_ms is None else [moment < self.to_ms])
        if self.to_ms is not None and self.to_ms <= self.below[0]:
            return [*found, moment < self.to_ms]
        return [*found, moment <= self.below[0], below(moment, name, self.below)]


class Walked(NamedTuple):
    """Keys in order; `below`: where to go on, None at the end."""

    keys: list[Key]
    below: Key | None


def below(moment: ColumnElement[Any], name: ColumnElement[Any], key: Key) -> ColumnElement[bool]:
    """Is (moment, name) before the key? The index is entered by a condition on the moment alone."""
    return or_(moment < key[0], and_(moment == key[0], name < key[1]))


def walk(connection: Connection, parts: Sequence[Part], span: Span, keep: Keep, wanted: int, seconds: float) -> Walked:
    """The newest `wanted` keys that fit, of all parts together; fewer if the time is up before."""
    start = time.perf_counter()
    keys: list[Key] = []
    window = max(FIRST_WINDOW, wanted)
    while True:
        begun = time.perf_counter()
        more = _window(connection, parts, span, keep, wanted - len(keys), window)
        keys += more.keys
        now = time.perf_counter()
        if more.below is not None and more.below == span.below and window < LARGEST_WINDOW:
            window = LARGEST_WINDOW  # more entries of one millisecond than the window has
            continue
        if more.below is None or len(keys) >= wanted or now - start > seconds:
            return Walked(keys, more.below)
        span = span._replace(below=more.below)
        affordable = int(window * (seconds - (now - start)) / max(now - begun, 1e-6))
        window = max(FIRST_WINDOW, min(4 * window, affordable, LARGEST_WINDOW))


def reach(connection: Connection, parts: Sequence[Part], span: Span) -> int:
    """How far back in time some hundred entries of the parts reach: -1 if there are fewer. The lower, the rarer they are."""
    times = [
        connection.execute(
            select(part.columns[0]).select_from(part.table).where(*part.where, *span.conditions(part))
            .order_by(*part.order).limit(1).offset(DENSITY_SAMPLE // len(parts))
        ).scalar() for part in parts
    ]  # fmt: skip
    return max(-1 if one is None else int(one) for one in times)


def _window(connection: Connection, parts: Sequence[Part], span: Span, keep: Keep, wanted: int, window: int) -> Walked:
    found: list[Key] = []
    ends: list[Key] = []
    for part in parts:
        keys, end = _entries(connection, part, span, keep, wanted, window)
        found += keys
        if end is not None:
            ends.append(end)
    found.sort(reverse=True)
    if ends:  # below the highest end a part that was not read further might have entries between those of others
        highest = max(ends)
        found = [key for key in found if key >= highest]
    if len(found) > wanted:
        return Walked(found[:wanted], found[wanted - 1])
    return Walked(found, max(ends) if ends else None)


def _entries(
    connection: Connection, part: Part, span: Span, keep: Keep, wanted: int, window: int
) -> tuple[list[Key], Key | None]:
    """What fits of the next `window` entries of a part, and down to where that is all; None: the part is at its end."""
    entered = (
        select(*part.columns).select_from(part.table).where(*part.where, *span.conditions(part)).order_by(*part.order)
    )
    inner = entered.limit(window).subquery("entries")
    conditions = keep(inner.c)
    if part.rowid is not None:
        if span.below is not None:
            conditions = [*conditions, below(inner.c.event_time_ms, inner.c.decision_id, span.below)]
        rows = connection.execute(select(inner.c.event_time_ms, inner.c.decision_id).where(*conditions)).all()
    else:
        size = window if conditions else min(window, wanted)
        inner = entered.limit(size).subquery("entries")
        outer = select(inner.c.event_time_ms, inner.c.decision_id).where(*keep(inner.c))
        ordered = outer.order_by(inner.c.event_time_ms.desc(), inner.c.decision_id.desc()).limit(wanted)
        rows = connection.execute(ordered).all()
        if len(rows) == wanted:
            return [(row[0], row[1]) for row in rows], (rows[-1][0], rows[-1][1])
        if size < window:
            return [(row[0], row[1]) for row in rows], None
    keys = [(int(row[0]), str(row[1])) for row in rows]
    last = connection.execute(entered.limit(1).offset(window - 1)).first()
    if last is None:
        return keys, None
    if part.rowid is not None:  # the rest of the last millisecond is not read yet
        return [key for key in keys if key[0] > last[0]], (int(last[0]), HIGHEST_ID)
    return keys, (last[0], last[1])

"""Which parts of which indexes may lead to the decisions that filters ask for, and what of the filters they leave over."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, exists, func, literal, select, text
from sqlalchemy.dialects.postgresql import TSQUERY

from console.store import text_search
from console.store.marks import BAND, FLAGS, HIGHEST_SCORE, action_number, words_of
from console.store.rows import AlertFilters, DecisionFilters
from console.store.tables import FACTS, alerts, bundles, decisions, marks, reason_search, reason_texts
from console.store.walking import Key, Part, Span, Walked, below, reach, walk
from udfs.records.codec import MAX_TIMESTAMP_MS
from udfs.records.outputs import TAGS

MOST_TEXTS_SORTED = 3_000
"""So many decisions with the words PostgreSQL finds by its word index and sorts; more are read in the order of time."""

MOST_WORDS = 32
"""Of a text that is searched for; the rest is not looked at."""


class Search(NamedTuple):
    """Filters, with the bundle's number (None: any) and the words of the text."""

    filters: DecisionFilters
    bundle: int | None
    words: list[str]
    is_sqlite: bool

    def keep(self, entry: Any) -> list[ColumnElement[bool]]:
        """Conditions on an entry of any index but those of users and transactions."""
        filters = self.filters
        found: list[ColumnElement[bool]] = []
        if filters.action is not None:
            found.append(entry.action == action_number(filters.action))
        if filters.min_score is not None:
            found.append(entry.risk_score >= max(min(filters.min_score, HIGHEST_SCORE + 1), 0))
        if filters.max_score is not None:
            found.append(entry.risk_score <= max(min(filters.max_score, HIGHEST_SCORE), -1))
        if self.bundle is not None:
            found.append(entry.bundle == self.bundle)
        if filters.rule is not None:
            found.append(_has_mark(entry, "rule", filters.rule))
        for kind, name, known in (("flag", filters.flag, FLAGS), ("tag", filters.tag, TAGS)):
            if name in known:
                found.append(entry[f"{kind}_bits"].bitwise_and(1 << known.index(name)) != 0)
            elif name is not None:
                found.append(_has_mark(entry, kind, name))
        return found

    def keep_text(self, entry: Any) -> list[ColumnElement[bool]]:
        """The same, and the words."""
        return self.keep(entry) + ([self._has_words(entry)] if self.words else [])

    def ways(self) -> list[list[Part]]:
        """The ways to all that fits, without the one by words: each a list of parts."""
        filters = self.filters
        if filters.transaction_id is not None:
            users = [] if filters.user_id is None else [decisions.c.user_id == filters.user_id]
            return [[_part(decisions, decisions.c.transaction_id == filters.transaction_id, *users)]]
        if filters.user_id is not None:
            return [[_part(decisions, decisions.c.user_id == filters.user_id)]]
        found = [[_part(decisions)]]
        for kind, name in (
            ("rule", filters.rule),
            ("flag", filters.flag),
            ("tag", filters.tag),
            ("bundle", filters.bundle),
        ):
            if name is not None:
                found.append([_marked(kind, name)])
        if filters.action is not None and filters.action != "allow":
            found.append([_marked("action", filters.action)])
        if filters.min_score is not None and filters.min_score >= BAND:
            highest = min(HIGHEST_SCORE if filters.max_score is None else filters.max_score, HIGHEST_SCORE)
            lowest = min(filters.min_score, HIGHEST_SCORE) // BAND
            found.append([_marked("band", str(band)) for band in range(lowest, highest // BAND + 1)])
        return found

    def _has_words(self, entry: Any) -> ColumnElement[bool]:
        if self.is_sqlite:
            first = entry.event_time_ms.bitwise_lshift(text_search.PLACE_BITS)
            return exists(
                select(literal(1)).select_from(reason_search).where(
                    text_search.matches_sqlite(self.words),
                    reason_search.c.rowid >= first, reason_search.c.rowid < first + text_search.PLACES,
                    reason_search.c.decision_id == entry.decision_id,
                ).correlate_except(reason_search)
            )  # fmt: skip
        return exists(
            select(literal(1)).select_from(reason_texts).where(
                reason_texts.c.event_time_ms == entry.event_time_ms,
                reason_texts.c.decision_id == entry.decision_id, self._says(reason_texts.c.words),
            ).correlate_except(reason_texts)
        )  # fmt: skip

    def _says(self, words: ColumnElement[Any]) -> ColumnElement[bool]:
        query = literal(text_search.postgresql_query(self.words)).cast(TSQUERY)
        return words.op("@@", is_comparison=True)(query)

    def walk_texts(self, connection: Connection, span: Span, wanted: int, seconds: float) -> Walked:
        """By the words, or by whatever is rarer than they are."""
        if self.is_sqlite:
            columns = (text_search.TIME_OF_ROWID.label("event_time_ms"), reason_search.c.decision_id)
            by_words = [
                Part(reason_search, (*columns, *(reason_search.c[name] for name in FACTS)),
                     (text_search.matches_sqlite(self.words),), reason_search.c.rowid)
            ]  # fmt: skip
            keep = self.keep
        else:
            few = self._few_texts(connection, span, wanted)
            if few is not None:
                return few
            by_words = [_part(reason_texts, more=(reason_texts.c.words,))]

            def keep(entry: Any) -> list[ColumnElement[bool]]:
                return [*self.keep(entry), self._says(entry.words)]

        others = self.ways()[1:]
        best = min(others, key=lambda parts: reach(connection, parts, span), default=None)
        if best is not None and reach(connection, best, span) < reach(connection, by_words, span):
            return walk(connection, best, span, self.keep_text, wanted, seconds)
        return walk(connection, by_words, span, keep, wanted, seconds)

    def _few_texts(self, connection: Connection, span: Span, wanted: int) -> Walked | None:
        """All keys by PostgreSQL's word index; None if the words are frequent."""
        columns = reason_texts.c
        entered = select(columns.event_time_ms, columns.decision_id, *(columns[name] for name in FACTS)).where(
            self._says(columns.words), *_within(columns.event_time_ms, span)
        )
        inner = entered.limit(MOST_TEXTS_SORTED + 1).subquery("entries")
        fits = self.keep(inner.c)
        if span.below is not None:
            fits.append(below(inner.c.event_time_ms, inner.c.decision_id, span.below))
        _only_bitmaps(connection, True)
        count = connection.execute(select(func.count()).select_from(inner)).scalar_one()
        is_few = count <= MOST_TEXTS_SORTED
        found = select(inner.c.event_time_ms, inner.c.decision_id).where(*fits)
        rows = connection.execute(found).all() if is_few else []
        _only_bitmaps(connection, False)
        if not is_few:
            return None
        keys = sorted(((row[0], row[1]) for row in rows), reverse=True)
        return Walked(keys[:wanted], keys[wanted - 1] if len(keys) > wanted else None)


def find(
    connection: Connection, filters: DecisionFilters, cursor: Key | None, wanted: int, seconds: float, is_sqlite: bool
) -> Walked:
    """Keys of the newest decisions that fit, by the way on which the fewest entries are passed."""
    lowest, highest = filters.min_score, filters.max_score
    if not can_be_stored(*texts_of(filters)) or (lowest is not None and highest is not None and lowest > highest):
        return Walked([], None)
    span = _span(filters.from_ms, filters.to_ms, cursor)
    number = None
    if filters.bundle is not None:
        row = connection.execute(select(bundles).where(bundles.c.bundle == filters.bundle)).first()
        if row is None:
            return Walked([], None)
        number = row.number
        first, end = max(row.first_ms, span.from_ms or 0), row.last_ms + 1
        span = span._replace(from_ms=first, to_ms=end if span.to_ms is None else min(end, span.to_ms))
    search = Search(filters, number, words_of(filters.text)[:MOST_WORDS], is_sqlite)
    if search.words and filters.user_id is None and filters.transaction_id is None:
        return search.walk_texts(connection, span, wanted, seconds)
    ways = search.ways()
    best = ways[0] if len(ways) == 1 else min(ways, key=lambda parts: reach(connection, parts, span))
    return walk(connection, best, span, search.keep_text, wanted, seconds)


def find_alerts(
    connection: Connection, filters: AlertFilters, cursor: Key | None, wanted: int, seconds: float
) -> Walked:
    """Keys of the newest alerts that fit."""
    if not can_be_stored(*texts_of(filters)):
        return Walked([], None)
    columns = alerts.c
    conditions: list[ColumnElement[bool]] = []
    if filters.user_id is not None:
        conditions.append(columns.user_id == filters.user_id)
    elif filters.action is not None:
        conditions.append(columns.action == action_number(filters.action))
    part = Part(
        alerts,
        (columns.event_time_ms, columns.alert_id.label("decision_id"), columns.action, columns.flag_bits, columns.kind),
        tuple(conditions),
    )

    def keep(entry: Any) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if filters.action is not None:
            found.append(entry.action == action_number(filters.action))
        if filters.kind is not None:
            found.append(entry.kind == filters.kind)
        if filters.flag is not None:
            bit = 1 << FLAGS.index(filters.flag) if filters.flag in FLAGS else 0
            found.append(entry.flag_bits.bitwise_and(bit) != 0)
        return found

    return walk(connection, [part], _span(filters.from_ms, filters.to_ms, cursor), keep, wanted, seconds)


def can_be_stored(*texts: str) -> bool:
    """Whether both databases can compare with the texts; nothing in them equals one that they cannot."""
    return not any("\0" in one or (not one.isascii() and one != one.encode(errors="ignore").decode()) for one in texts)


def texts_of(filters: DecisionFilters | AlertFilters) -> list[str]:
    """The texts that are compared as they are: all but the one that is taken apart to words."""
    values = (getattr(filters, name) for name in filters.__struct_fields__ if name != "text")
    return [value for value in values if isinstance(value, str)]


def _span(from_ms: int | None, to_ms: int | None, cursor: Key | None) -> Span:
    """Within the times that there are: greater numbers would not fit the databases."""
    first = None if from_ms is None else _clamped(from_ms)
    end = None if to_ms is None else _clamped(to_ms)
    return Span(first, end, None if cursor is None else (_clamped(cursor[0]), cursor[1]))


def _clamped(time_ms: int) -> int:
    return max(0, min(time_ms, MAX_TIMESTAMP_MS + 1))


def _part(table: Table, *where: ColumnElement[bool], more: tuple[ColumnElement[Any], ...] = ()) -> Part:
    columns = (table.c.event_time_ms, table.c.decision_id, *(table.c[name] for name in FACTS), *more)
    return Part(table, columns, where)


def _marked(kind: str, value: str) -> Part:
    return _part(marks, marks.c.kind == kind, marks.c.value == value)


def _has_mark(entry: Any, kind: str, value: str) -> ColumnElement[bool]:
    return exists(
        select(literal(1)).select_from(marks).where(
            marks.c.kind == kind, marks.c.value == value,
            marks.c.event_time_ms == entry.event_time_ms, marks.c.decision_id == entry.decision_id,
        ).correlate_except(marks)
    )  # fmt: skip


def _within(moment: ColumnElement[Any], span: Span) -> list[ColumnElement[bool]]:
    found = [] if span.from_ms is None else [moment >= span.from_ms]
    return found + ([] if span.to_ms is None else [moment < span.to_ms])


def _only_bitmaps(connection: Connection, only: bool) -> None:
    """A word index is read as a bitmap; an index in the order of time could be taken for it, and is long without hits."""
    settings = {"enable_bitmapscan": only, "enable_indexscan": not only, "enable_indexonlyscan": not only}
    for name, on in settings.items():
        connection.execute(text(f"SET LOCAL {name} = {'on' if on else 'off'}"))

"""Which column holds which field: by the closeness of their names, and by the values of a sample."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ingest.errors import UnreadableValue
from ingest.field_readers import reader_for
from ingest.readers.blank import is_blank
from ingest.sources.chunk import Chunk
from ingest.synonyms import closeness, plain_name
from ingest.targets import FIELD_TYPES, LIST_TYPES, FieldType


def match_columns(
    columns: Iterable[str], fields: Iterable[str], sample: Chunk | None = None, required: Collection[str] = ()
) -> dict[str, str]:
    """Field -> column, by closeness of names; each column is used for at most one field.

    With a sample, columns that are mostly blank in it rank last, those that are blank in all of it fill no required field,
    columns of lists or objects match list fields only, and a field of few allowed values only a column of such values; the
    kind of a transaction only a column named so, or with two kinds in the sample: later rows could have others.
    """
    order = {name: position for position, name in enumerate(fields)}
    values = {} if sample is None else sample.columns
    rank = {column: _blank_rank(cells) for column, cells in values.items()}
    pairs = [
        (rank.get(column, 0), -closeness(column, name), position, name, column)
        for column in columns
        for name, position in order.items()
        if _can_hold(name, values.get(column, ()))
        and not is_of_one_kind(name, column, values.get(column, ()))
        and not (name in required and rank.get(column) == _ALL_BLANK)
    ]
    found: dict[str, str] = {}
    for _, score, _, name, column in sorted(pairs):
        if score < 0 and name not in found and column not in found.values():
            found[name] = column
    return found


def other_columns(name: str, found: Mapping[str, str], columns: Iterable[str], sample: Chunk) -> list[str]:
    """The unused columns that could be meant by a field as well, the closest first."""
    free = [column for column in columns if column not in found.values()]
    close = [(-closeness(column, name), column) for column in free if closeness(column, name) > 0]
    return [
        column
        for _, column in sorted(close)
        if _can_hold(name, sample.columns[column]) and _blank_rank(sample.columns[column]) != _ALL_BLANK
    ]


def is_of_one_kind(name: str, column: str, cells: Sequence[object]) -> bool:
    """Whether a column could be that of `kind` but has the same kind, and no refunds or reversals, in all of the sample."""
    if name != "kind" or plain_name(column) in _KIND_COLUMNS or not len(cells) or not _can_hold(name, cells):
        return False
    read = reader_for(name, FIELD_TYPES[name])
    kinds = {read(cell) for cell in cells if isinstance(cell, str) and not is_blank(cell)}
    return len(kinds) < 2 and not kinds & {"refund", "reversal"}


_KIND_COLUMNS = ("kind", "transactionkind")
_ALL_BLANK = 2


def _blank_rank(cells: Sequence[object]) -> int:
    """0: at most half of the cells are blank, 1: more, 2: all of them."""
    blank = sum(map(is_blank, cells))
    if not len(cells):
        return 0
    return _ALL_BLANK if blank == len(cells) else int(blank * 2 > len(cells))


def _can_hold(name: str, cells: Sequence[object]) -> bool:
    field_type = FIELD_TYPES.get(name)
    if any(isinstance(cell, dict | list) for cell in cells):
        return field_type in LIST_TYPES
    if field_type is not FieldType.CHOICE or name == "type":  # types of blocks get a lookup
        return True
    read = reader_for(name, field_type)
    try:
        for cell in {cell for cell in cells if isinstance(cell, str | int | float) and not is_blank(cell)}:
            read(cell)
    except UnreadableValue:
        return False
    return True

"""Tries a proposed mapping on the sample that it was guessed from."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.columns import records_from_chunk
from ingest.dropped_values import DroppedValue
from ingest.errors import MappingError, RowError
from ingest.mapping import parse_mapping
from ingest.sources.chunk import Chunk
from ingest.suggestion import listed


def trial_result(text: str, sample: Chunk, unread_parts: Sequence[str] = ()) -> str:
    """A comment with the result of converting the sample by the mapping: rejected rows, dropped values, columns that seem
    to be parts of the time but are not read with it, or that it reads all."""
    try:
        mapping = parse_mapping(text)
    except MappingError as error:
        return "".join(f"# Not usable yet: {problem}\n" for problem in str(error).splitlines())
    errors: list[RowError] = list(sample.broken)
    dropped: list[DroppedValue] = []
    for result in records_from_chunk(sample, mapping):
        if isinstance(result, RowError):
            errors.append(result)
        else:
            dropped += result.dropped
    rows = f"the first {len(sample.row_numbers) + len(sample.broken):,} rows"
    lines = []
    if errors:
        lines.append(f"# Rejects {len(errors):,} of {rows}, for example {errors[0]}")
    if dropped:
        fields = ", ".join(sorted({value.field for value in dropped}))
        lines.append(f"# Drops {len(dropped):,} values of {fields} in {rows}, for example {dropped[0].error}")
    if unread_parts:
        lines.append(f"# Reads only the day of timestamp: {listed(unread_parts)} could not be joined with it")
    return "\n".join(lines or [f"# Reads all of {rows}."]).replace("\r", " ") + "\n"

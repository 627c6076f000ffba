"""Tries a proposed mapping on the sample that it was guessed from."""

from __future__ import annotations

from ingest.columns import records_from_chunk
from ingest.dropped_values import DroppedValue
from ingest.errors import MappingError, RowError
from ingest.mapping import parse_mapping
from ingest.sources.chunk import Chunk


def trial_result(text: str, sample: Chunk) -> str:
    """A comment with the result of converting the sample by the mapping: rejected rows, dropped values, or that it reads
    all."""
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
    return "\n".join(lines or [f"# Reads all of {rows}."]).replace("\r", " ") + "\n"

"""The conversion of files: read in chunks, sort by arrival, publish all outputs at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.arrival_order import ArrivalSpool
from ingest.columns import records_of_chunk
from ingest.destination import Destination, destination
from ingest.error_report import ErrorReport
from ingest.errors import RowError, TooManyBadRows
from ingest.mapping import Mapping
from ingest.output_files import OutputFiles
from ingest.record_writer import RecordWriter
from ingest.source_check import check_first_rows, check_header
from ingest.sources.chunk import Chunk
from ingest.sources.open import JSON_LINES, files_of, format_of, open_source

READING_SHARE = 0.85  # of the time, measured on 1.5 million rows; the rest is writing in order


@dataclass(frozen=True)
class Input:
    """A file (or a folder of files) and how its rows are read."""

    path: Path
    mapping: Mapping


@dataclass(frozen=True)
class Summary:
    """What a conversion did: `written` counts records by noun, `first_errors` are the first rejected rows in words."""

    rows: int
    written: dict[str, int]
    frauds: int
    unlabelled: int
    rejected: int
    first_errors: tuple[str, ...]
    files: tuple[Path, ...]
    errors_file: Path


def convert(
    inputs: Sequence[Input],
    out: Path,
    *,
    keep_order: bool = False,
    max_errors: int | None = None,
    file_format: str | None = None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Summary:
    """Converts the inputs; writes their records, truth, extra columns and rejected rows (docs/bring-your-own-data.md).

    `on_progress` is told the share that is done, 0 to 1. Raises InputError, and TooManyBadRows after more than
    `max_errors` rejected rows: then only the error report is written. Whatever is raised, no output is half written.
    """
    mappings = [one.mapping for one in inputs]
    parts = [Input(path, one.mapping) for one in inputs for path in files_of(one.path)]
    place = destination(out, [mapping.target for mapping in mappings], [part.path for part in parts])
    with OutputFiles() as files, ArrivalSpool(place.folder) as events, ArrivalSpool(place.folder) as truths:
        report = ErrorReport(files.create(place.errors), max_errors, name_inputs=len(parts) > 1)
        reference_paths = {place.records(mapping.target) for mapping in mappings if not mapping.target.is_event}
        reference_files = {path: files.create(path) for path in sorted(reference_paths)}
        extra_file = files.create(place.extra) if any(mapping.extras for mapping in mappings) else None
        writer = RecordWriter(events, truths, reference_files, extra_file, keep_order)
        rows = 0
        for index, part in enumerate(parts):
            for chunk in _chunks(part, file_format):
                try:
                    _take(chunk, part, place, writer, report)
                except TooManyBadRows:
                    files.publish(place.errors)
                    raise
                rows += len(chunk.row_numbers) + len(chunk.broken)
                on_progress(READING_SHARE * (index + chunk.fraction_done) / len(parts))
        sorted_outputs = _sorted_outputs(place, mappings, events, truths)
        total = sum(len(spool) for spool in sorted_outputs.values()) or 1
        written = 0
        for path, spool in sorted_outputs.items():
            target = files.create(path)
            for lines in spool.write_to(target):
                written += lines
                on_progress(READING_SHARE + (1 - READING_SHARE) * written / total)
        created = files.publish()
    return Summary(
        rows=rows,
        written=dict(writer.written),
        frauds=writer.frauds,
        unlabelled=writer.unlabelled,
        rejected=report.count,
        first_errors=tuple(report.first),
        files=tuple(path for path in created if path != place.errors),
        errors_file=place.errors,
    )


def _sorted_outputs(
    place: Destination, mappings: Sequence[Mapping], events: ArrivalSpool, truths: ArrivalSpool
) -> dict[Path, ArrivalSpool]:
    outputs = {}
    if any(mapping.target.is_event for mapping in mappings):
        outputs[place.events] = events
    if any(mapping.label is not None for mapping in mappings):
        outputs[place.truth] = truths
    return outputs


def _take(chunk: Chunk, part: Input, place: Destination, writer: RecordWriter, report: ErrorReport) -> None:
    mapping = part.mapping
    path = place.records(mapping.target)
    has_labels = mapping.label is not None
    errors = list(chunk.broken)
    for row_number, made in zip(chunk.row_numbers, records_of_chunk(chunk, mapping), strict=True):
        if isinstance(made, RowError):
            errors.append(made)
        else:
            writer.add(made, mapping.target, path, row_number, has_labels)
    report.add(errors, part.path.name)


def _chunks(part: Input, file_format: str | None) -> Iterator[Chunk]:
    """The chunks of one file, with every column that the mapping names. Raises InputError for a missing one."""
    path, mapping = part.path, part.mapping
    with closing(open_source(path, mapping.csv, file_format)) as source:
        header = dict.fromkeys(source.column_names())
        has_header = (file_format or format_of(path)) != JSON_LINES
        (check_header if has_header else check_first_rows)(path, source.column_names(), mapping)
        any_rows = False
        for chunk in source.chunks(mapping.source_columns):
            header |= dict.fromkeys(sorted(chunk.present or ()))
            any_rows = any_rows or len(chunk.row_numbers) > 0
            nothing = [None] * len(chunk.row_numbers)
            missing = {name: nothing for name in mapping.source_columns if name not in chunk.columns}
            yield replace(chunk, columns={**chunk.columns, **missing})
        if any_rows:
            check_header(path, header, mapping)

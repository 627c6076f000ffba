"""Converts files: reads in chunks, sorts by arrival time, publishes all outputs together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.arrival_order import ArrivalSpool
from ingest.columns import records_from_chunk
from ingest.conversion_profile import ConversionProfile, ProfileCollector
from ingest.destination import Destination, destination
from ingest.dropped_report import DroppedCount, DroppedReport
from ingest.error_report import ErrorReport
from ingest.errors import RowError, TooManyBadRows
from ingest.joined_rows import JoinedRow, JoinedRows
from ingest.mapping import Mapping
from ingest.output_files import OutputFiles
from ingest.record_writer import RecordWriter
from ingest.rows import Truth, readable_fields
from ingest.source_check import check_first_rows, check_header
from ingest.sources.chunk import Chunk
from ingest.sources.open import JSON_LINES, files_of, format_of, open_source
from udfs.records.events import Label, Transaction

READING_SHARE = 0.85  # of the run time, measured on 1.5 million rows; the rest is sorting and writing


@dataclass(frozen=True)
class Input:
    """A file, or a folder of files, and the mapping of its rows."""

    path: Path
    mapping: Mapping


@dataclass(frozen=True)
class Summary:
    """Result of a conversion: records `written` by noun, counts, `first_errors`, messages of the first rejected rows,
    `dropped` values by field, and what the transactions look like."""

    rows: int
    written: dict[str, int]
    frauds: int
    unlabelled: int
    rejected: int
    dropped: tuple[DroppedCount, ...]
    profile: ConversionProfile
    first_errors: tuple[str, ...]
    files: tuple[Path, ...]
    errors_file: Path
    dropped_file: Path


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

    `on_progress` is called with the share done, 0 to 1. Raises InputError, and TooManyBadRows after more than
    `max_errors` rejected rows; in that case only the error report is written. On any exception no output is left
    partially written.
    """
    mappings = [one.mapping for one in inputs]
    parts = [Input(path, one.mapping) for one in inputs for path in files_of(one.path)]
    parts.sort(key=lambda part: not part.mapping.is_joined)  # what is joined with transactions is needed before them
    target_files = destination(out, [mapping.target for mapping in mappings], [part.path for part in parts])
    folder = target_files.folder
    with OutputFiles() as files, ArrivalSpool(folder) as events, ArrivalSpool(folder) as truths:
        report = ErrorReport(files.create(target_files.errors), max_errors, name_inputs=len(parts) > 1)
        dropped = DroppedReport(files.create(target_files.dropped))
        written_directly = [one.target for one in mappings if not one.target.is_event and not one.is_joined]
        reference_paths = {target_files.records(target) for target in written_directly}
        reference_files = {path: files.create(path) for path in sorted(reference_paths)}
        extra_file = files.create(target_files.extra) if any(mapping.extras for mapping in mappings) else None
        writer = RecordWriter(events, truths, reference_files, extra_file, keep_order)
        profile = ProfileCollector(any(mapping.has_assumed_year for mapping in mappings))
        has_joined_labels = any(mapping.is_joined and mapping.kind == "label" for mapping in mappings)
        run = _Run(target_files, writer, report, dropped, JoinedRows(has_joined_labels), profile)
        rows = 0
        try:
            for index, part in enumerate(parts):
                for chunk in _chunks(part, file_format):
                    run.convert(chunk, part)
                    rows += len(chunk.row_numbers) + len(chunk.broken)
                    on_progress(READING_SHARE * (index + chunk.fraction_done) / len(parts))
            for input_name, error in run.joined.unmatched():
                report.add([error], input_name)
        except TooManyBadRows:
            files.publish(target_files.errors)
            raise
        sorted_outputs = _sorted_outputs(target_files, mappings, events, truths)
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
        dropped=dropped.counts(),
        profile=profile.result(),
        first_errors=tuple(report.first),
        files=tuple(path for path in created if path not in (target_files.errors, target_files.dropped)),
        errors_file=target_files.errors,
        dropped_file=target_files.dropped,
    )


def _sorted_outputs(
    target_files: Destination, mappings: Sequence[Mapping], events: ArrivalSpool, truths: ArrivalSpool
) -> dict[Path, ArrivalSpool]:
    outputs = {}
    if any(mapping.target.is_event for mapping in mappings):
        outputs[target_files.events] = events
    if any(mapping.label is not None or (mapping.is_joined and mapping.kind == "label") for mapping in mappings):
        outputs[target_files.truth] = truths
    return outputs


@dataclass(frozen=True)
class _Run:
    """Where the rows of a conversion go."""

    target_files: Destination
    writer: RecordWriter
    report: ErrorReport
    dropped: DroppedReport
    joined: JoinedRows
    profile: ProfileCollector

    def convert(self, chunk: Chunk, part: Input) -> None:
        """Converts the rows of a chunk. Raises TooManyBadRows."""
        mapping, name = part.mapping, part.path.name
        path = self.target_files.records(mapping.target)
        has_labels = mapping.label is not None
        errors = list(chunk.broken)
        results = zip(chunk.row_numbers, records_from_chunk(chunk, mapping), strict=True)
        for index, (row_number, result) in enumerate(results):
            if isinstance(result, RowError):
                errors.append(result)
                if mapping.is_joined and mapping.kind == "label":
                    self.joined.add_rejected_label(readable_fields(chunk.row(index), mapping, row_number))
                continue
            if result.dropped:
                self.dropped.add(result.dropped, name)
            if result.joined is not None:
                self.joined.add(JoinedRow(result.joined, mapping, row_number, name))
                continue
            record = result.record
            if isinstance(record, Transaction):
                self._complete(record)
                self.profile.add(record, result.truth or self.joined.truth_of(record))
            self.writer.add(result, mapping.target, path, row_number, has_labels)
            if isinstance(record, Transaction) and self.joined.has_labels:
                self._add_joined_labels(record, result.truth)
        self.report.add(errors, name)

    def _complete(self, transaction: Transaction) -> None:
        for input_name, error in self.joined.add_features(transaction):
            self.report.add([error], input_name)

    def _add_joined_labels(self, transaction: Transaction, own_truth: Truth | None) -> None:
        """A transaction that no row of the labels' table names, not even a rejected one, is legitimate."""
        truth = self.joined.truth_of(transaction)
        if own_truth is None and truth is not None:
            self.writer.add_truth(truth)
        for found in self.joined.labels_of(transaction):
            if isinstance(found, Label):
                self.writer.add_label(found, transaction.timestamp)
            else:
                self.report.add([found[1]], found[0])


def _chunks(part: Input, file_format: str | None) -> Iterator[Chunk]:
    """Yields the chunks of one file with every mapped column. Raises InputError for a missing column."""
    path, mapping = part.path, part.mapping
    with closing(open_source(path, mapping.csv, file_format)) as source:
        header = dict.fromkeys(source.column_names())
        has_header = (file_format or format_of(path)) != JSON_LINES
        (check_header if has_header else check_first_rows)(path, source.column_names(), mapping)
        any_rows = False
        for chunk in source.chunks(mapping.source_columns):
            header |= dict.fromkeys(sorted(chunk.present or ()))
            any_rows = any_rows or len(chunk.row_numbers) > 0
            blank = [None] * len(chunk.row_numbers)
            missing = {name: blank for name in mapping.source_columns if name not in chunk.columns}
            yield replace(chunk, columns={**chunk.columns, **missing})
        if any_rows:
            check_header(path, header, mapping)

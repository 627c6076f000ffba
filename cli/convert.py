"""`fraud convert`: converts foreign tables to events and reference files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from ingest.targets import TARGETS

if TYPE_CHECKING:
    from ingest.convert import Summary

SOME_ROWS_REJECTED = 1
INTERRUPTED = 130
PROGRESS_STEPS = 1000


@click.command("convert", short_help="Convert your own tables to events and reference files.")
@click.option(
    "--input",
    "inputs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="CSV, JSON Lines or Parquet file, or a folder of them; may be repeated.",
)
@click.option(
    "--mapping",
    "mappings",
    type=click.Path(path_type=Path),
    multiple=True,
    help="YAML mapping: one for all inputs, or one for each.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Output folder, or a file that ends in .jsonl.")
@click.option(
    "--kind",
    type=click.Choice(list(TARGETS)),
    help="Kind of record of a row; overrides the mapping's.",
)
@click.option(
    "--input-format",
    type=click.Choice(["csv", "jsonl", "parquet"]),
    help="Format of the input.  [default: by file name]",
)
@click.option("--strict", is_flag=True, help="Reject a row for an optional field or a label that cannot be read.")
@click.option("--keep-order", is_flag=True, help="Keep the rows' order as the order of arrival; only labels are moved.")
@click.option(
    "--max-errors",
    type=click.IntRange(min=0),
    help="Stop after more than this number of rejected rows.  [default: never]",
)
@click.option("--guess", is_flag=True, help="Print a mapping guessed from the input's column names and first rows.")
@click.option("--print-mapping-template", is_flag=True, help="Print a mapping to fill in.")
@click.pass_context
def command(
    context: click.Context,
    inputs: tuple[Path, ...],
    mappings: tuple[Path, ...],
    out: Path | None,
    kind: str | None,
    input_format: str | None,
    strict: bool,
    keep_order: bool,
    max_errors: int | None,
    guess: bool,
    print_mapping_template: bool,
) -> None:
    """Convert your own tables (CSV, JSON Lines, Parquet) to events and reference files.

    Writes events.jsonl in arrival order (or users.jsonl, merchants.jsonl …), truth.jsonl where rows have labels,
    dropped.jsonl with every value of an optional field that could not be read, and errors.jsonl with every rejected row.
    The exit code is 0 if all rows were read, 1 if some were rejected (the others
    are written), 2 if the input or the mapping is unusable. See docs/bring-your-own-data.md.
    """
    if print_mapping_template:
        from ingest.template import mapping_template

        click.echo(mapping_template(kind or "transaction"), nl=False)
        return
    if not inputs:
        raise UserError("give the table with --input FILE")
    if guess:
        click.echo(_guess(inputs[0], kind, input_format), nl=False)
        return
    if not mappings or out is None:
        raise UserError("--mapping FILE and --out FOLDER are needed too (a mapping to start from: --guess)")
    if len(mappings) not in (1, len(inputs)):
        raise UserError(
            f"{len(inputs)} inputs and {len(mappings)} mappings: give one mapping for all inputs, or one for each"
        )
    try:
        summary = convert_tables(inputs, mappings, out, kind, input_format, keep_order, max_errors, strict)
    except KeyboardInterrupt:
        click.echo("interrupted: nothing was written", err=True)
        context.exit(INTERRUPTED)
    print_conversion(summary)
    if summary.rejected:
        context.exit(SOME_ROWS_REJECTED)


def _guess(path: Path, kind: str | None, input_format: str | None) -> str:
    from ingest.errors import InputError
    from ingest.guess import guess_mapping

    try:
        return guess_mapping(path, kind, input_format)
    except InputError as error:
        raise UserError(str(error)) from None


def convert_tables(
    inputs: tuple[Path, ...],
    mappings: tuple[Path, ...],
    out: Path,
    kind: str | None = None,
    input_format: str | None = None,
    keep_order: bool = False,
    max_errors: int | None = None,
    strict: bool = False,
) -> Summary:
    """Convert tables, with a progress bar; one mapping for all inputs, or one for each. Raises UserError."""
    from cli.progress import progress_bar
    from ingest.convert import Input, convert
    from ingest.errors import InputError, MappingError, TooManyBadRows
    from ingest.mapping import load_mapping

    try:
        loaded = {path: load_mapping(path, kind, strict) for path in mappings}
        chosen = mappings * len(inputs) if len(mappings) == 1 else mappings
        pairs = [Input(path, loaded[mapping]) for path, mapping in zip(inputs, chosen, strict=True)]
        with progress_bar("Converting") as report:
            return convert(
                pairs,
                out,
                keep_order=keep_order,
                max_errors=max_errors,
                file_format=input_format,
                on_progress=lambda fraction: report(round(PROGRESS_STEPS * fraction), PROGRESS_STEPS),
            )
    except (InputError, MappingError, TooManyBadRows) as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(
            f"cannot write {error.filename or out}: {error.strerror or error}; nothing was written"
        ) from None


def print_conversion(summary: Summary) -> None:
    """Print the counts of written and rejected rows, a profile, dropped values, and the first errors."""
    from cli.conversion_profile import print_profile

    written = ", ".join(f"{count:,} {noun}" for noun, count in summary.written.items()) or "no records"
    click.echo(f"{summary.rows:,} rows read: {written}")
    if "labels" in summary.written and "transactions" in summary.written:
        click.echo(f"labels: {summary.frauds:,} fraud, {summary.unlabelled:,} transactions without a label")
    for path in summary.files:
        click.echo(f"wrote {path}")
    print_profile(summary.profile)
    for dropped in summary.dropped:
        click.echo(
            f"{dropped.values:,} values of {dropped.field} could not be read and were dropped, for example", err=True
        )
        click.echo(f"  {dropped.first}", err=True)
    if summary.dropped:
        click.echo(f"all of them in {summary.dropped_file}; their rows are kept (--strict rejects them)", err=True)
    if summary.rejected:
        click.echo(f"{summary.rejected:,} rows rejected, all of them in {summary.errors_file}", err=True)
        for line in summary.first_errors:
            click.echo(f"  {line}", err=True)

"""`fraud convert`: foreign tables to events and reference files."""

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


@click.command("convert", short_help="Turn your own tables into events and reference files.")
@click.option(
    "--input",
    "inputs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="CSV, JSON Lines or Parquet file, or a folder of them; may be given several times.",
)
@click.option(
    "--mapping",
    "mappings",
    type=click.Path(path_type=Path),
    multiple=True,
    help="YAML mapping: one for all inputs, or one for each.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder, or a file that ends in .jsonl.")
@click.option(
    "--kind",
    type=click.Choice(list(TARGETS)),
    help="What a row is, where the mapping does not say (or says otherwise).",
)
@click.option(
    "--input-format", type=click.Choice(["csv", "jsonl", "parquet"]), help="Where the file's name does not tell."
)
@click.option("--keep-order", is_flag=True, help="The rows' order is the order of arrival: only labels are moved.")
@click.option(
    "--max-errors", type=click.IntRange(min=0), help="Stop after more rejected rows than this (default: never)."
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
    keep_order: bool,
    max_errors: int | None,
    guess: bool,
    print_mapping_template: bool,
) -> None:
    """Turn your own tables (CSV, JSON Lines, Parquet) into events and reference files.

    Writes events.jsonl in arrival order (or users.jsonl, merchants.jsonl …), truth.jsonl where rows have labels, and
    errors.jsonl with every rejected row. The exit code is 0 if all rows were read, 1 if some were rejected (the others
    are written), 2 if the input or the mapping is unusable. docs/bring-your-own-data.md shows it step by step.
    """
    if print_mapping_template:
        from ingest.template import mapping_template

        click.echo(mapping_template(kind or "transaction"), nl=False)
        return
    if not inputs:
        raise UserError("name the table with --input FILE")
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
        summary = convert_tables(inputs, mappings, out, kind, input_format, keep_order, max_errors)
    except KeyboardInterrupt:
        click.echo("interrupted: nothing was written", err=True)
        context.exit(INTERRUPTED)
    tell(summary)
    if summary.rejected:
        context.exit(SOME_ROWS_REJECTED)


def _guess(path: Path, kind: str | None, input_format: str | None) -> str:
    from ingest.errors import InputError
    from ingest.guess import guess_mapping

    try:
        return guess_mapping(path, kind or "transaction", input_format)
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
) -> Summary:
    """Convert with a progress bar. Raises UserError."""
    from cli.progress import progress_bar
    from ingest.convert import Input, convert
    from ingest.errors import InputError, MappingError, TooManyBadRows
    from ingest.mapping import load_mapping

    try:
        loaded = {path: load_mapping(path, kind) for path in mappings}
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


def tell(summary: Summary) -> None:
    """Say what was written and what was rejected."""
    written = ", ".join(f"{count:,} {noun}" for noun, count in summary.written.items()) or "no records"
    click.echo(f"{summary.rows:,} rows read: {written}")
    if "labels" in summary.written and "transactions" in summary.written:
        click.echo(f"labels: {summary.frauds:,} fraud, {summary.unlabelled:,} transactions without a label")
    for path in summary.files:
        click.echo(f"wrote {path}")
    if summary.rejected:
        click.echo(f"{summary.rejected:,} rows rejected, all of them in {summary.errors_file}", err=True)
        for line in summary.first_errors:
            click.echo(f"  {line}", err=True)

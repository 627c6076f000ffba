"""Prints the summary of a run and writes its HTML report."""

from __future__ import annotations

from pathlib import Path

import click

from cli.errors import UserError
from cli.progress import progress_bar


def show_outcome(
    directory: Path, truth: Path | None = None, page: Path | None = None, bundle: Path | None = None
) -> None:
    """Print the summary of a run's folder and write its page (None: no page).

    `bundle` gives the names of packed features if the run's bundle no longer exists. Raises UserError.
    """
    from rich.console import Console

    from cli.feature_sets import feature_sets_of_run
    from reporting.errors import RunFilesError
    from reporting.html import write_report
    from reporting.run_files import read_run
    from reporting.summary import summarize
    from reporting.terminal import print_summary

    try:
        with progress_bar("reading the run") as progress:
            run = read_run(directory, truth, progress, feature_sets_of_run(directory, bundle))
        summary = summarize(run)
        if page is not None:
            write_report(run, summary, page)
    except RunFilesError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"{page}: cannot be written: {error.strerror}; choose another path with --out") from None
    print_summary(summary, Console())
    if page is not None:
        click.echo(f"Report: {page}")

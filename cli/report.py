"""`fraud report`: summary of a scored run, in the terminal and as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="report")
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option(
    "--truth", type=click.Path(path_type=Path), help="Truth lines or labels; RUN_DIR/truth.jsonl if it is there."
)
@click.option("--out", type=click.Path(path_type=Path), help="The page to write; RUN_DIR/report.html by default.")
@click.option("--bundle", type=click.Path(path_type=Path), help="The bundle that scored the run, for packed features; the "
              "one in RUN_DIR/job.yaml by default.")  # fmt: skip
def command(run_dir: Path, truth: Path | None, out: Path | None, bundle: Path | None) -> None:
    """Summarise a run directory of `fraud score` or `fraud demo`.

    With the truth (which transactions were fraud), the report has recall by pattern and rule, false positives, losses
    and the quality of the scores. The same run gives the same page, byte for byte.
    """
    from cli.outcome import show_outcome

    show_outcome(run_dir, truth, out if out is not None else run_dir / "report.html", bundle)

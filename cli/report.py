"""`fraud report`: what a scored run says, in the terminal and as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="report")
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option(
    "--truth", type=click.Path(path_type=Path), help="Truth lines or labels; RUN_DIR/truth.jsonl if it is there."
)
@click.option("--out", type=click.Path(path_type=Path), help="The page to write; RUN_DIR/report.html by default.")
def command(run_dir: Path, truth: Path | None, out: Path | None) -> None:
    """Sum up a run directory of `fraud score` or `fraud demo`.

    With the truth (which transactions were fraud), the report says how much fraud was caught, by pattern and by rule,
    at what price, and how good the scores are. The same run gives the same page, byte for byte.
    """
    from cli.outcome import show_outcome

    show_outcome(run_dir, truth, out if out is not None else run_dir / "report.html")

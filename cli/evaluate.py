"""`fraud evaluate`: evaluates the model's probabilities on a scored run."""

from __future__ import annotations

from pathlib import Path

import click

from cli.errors import UserError
from cli.progress import progress_bar


@click.command(name="evaluate")
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option(
    "--truth", type=click.Path(path_type=Path), help="Truth lines or labels; RUN_DIR/truth.jsonl if it is there."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for evaluation.html and .json; RUN_DIR by default."
)
@click.option("--threshold", "thresholds", multiple=True, type=click.FloatRange(0, 1), default=(0.1, 0.5, 0.7, 0.9),
              show_default=True, help="Probabilities above which to alert.")  # fmt: skip
@click.option("--budget", "budgets", multiple=True, type=click.IntRange(min=1), default=(50, 100, 200),
              show_default=True, help="Users that analysts can review a day.")  # fmt: skip
@click.option("--bundle", type=click.Path(path_type=Path), help="The bundle that scored the run, for packed features; the "
              "one in RUN_DIR/job.yaml by default.")  # fmt: skip
def command(
    run_dir: Path,
    truth: Path | None,
    out: Path | None,
    thresholds: tuple[float, ...],
    budgets: tuple[int, ...],
    bundle: Path | None,
) -> None:
    """Evaluate the model on a run directory of `fraud score`: AUC, average precision, card precision@100, precision,
    recall and amount saved at thresholds and alert budgets, by fraud pattern and month, with intervals over customers.

    \b
    fraud score --input later.parquet --mapping m.yaml --bundle my-bundle --run out/later
    fraud evaluate out/later
    """
    from cli.feature_sets import feature_sets_of_run
    from reporting.errors import RunFilesError
    from reporting.evaluation import evaluate_run
    from reporting.evaluation_page import write_evaluation
    from reporting.run_files import read_run

    try:
        with progress_bar("reading the run") as progress:
            run = read_run(run_dir, truth, progress, feature_sets_of_run(run_dir, bundle))
        report = evaluate_run(run, tuple(sorted(set(thresholds))), tuple(sorted(set(budgets))))
        page, figures = write_evaluation(report, run, out if out is not None else run_dir)
    except RunFilesError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(
            f"{error.filename}: cannot be written: {error.strerror}; choose another path with --out"
        ) from None
    click.echo(f"{report.transactions:,} transactions, {report.frauds:,} frauds, {report.customers:,} customers")
    for name, figure in (
        ("AUC", report.auc),
        ("average precision", report.average_precision),
        ("card precision@100", report.card_precision_100),
    ):
        if figure.value is not None and figure.low is not None:
            click.echo(
                f"  {name:20} {figure.value:.4f}   95 % interval over customers: {figure.low:.4f} to {figure.high:.4f}"
            )
    if report.risk_average_precision is not None and report.risk_calibration_error is not None:
        click.echo(
            f"  risk score           average precision {report.risk_average_precision:.4f}, "
            f"calibration error {report.risk_calibration_error:.4f}"
        )
    for row in report.thresholds:
        if row.recall.value is not None and row.precision.value is not None:
            click.echo(
                f"  above {row.threshold:<14} precision {row.precision.value:.1%}, recall {row.recall.value:.1%}, "
                f"{row.alerts:,} alerts"
            )
    click.echo(f"Report: {page}\nFigures: {figures}")

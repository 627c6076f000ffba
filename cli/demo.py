"""`fraud demo`: simulates payments, scores them and reports the result."""

from __future__ import annotations

from pathlib import Path

import click

from cli.progress import progress_bar

DEMO_START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
ALERTS_SHOWN = 10


@click.command(name="demo")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("out/demo"), show_default=True, help="Folder to write to."
)
@click.option("--users", default=1_200, show_default=True, help="Simulated users.")
@click.option("--days", default=40, show_default=True, help="Simulated days.")
@click.option("--seed", default=7, show_default=True, help="Seed of the simulation.")
@click.option("--verbose", is_flag=True, help="Print every alert as it is raised, instead of ten at the end.")
@click.option("--console", "with_console", is_flag=True, help="Then show the run in the console, until Ctrl-C.")
@click.option("--debug", is_flag=True, help="Show the stack trace if the job fails.")
@click.pass_context
def command(
    context: click.Context, out: Path, users: int, days: int, seed: int, verbose: bool, with_console: bool, debug: bool
) -> None:
    """Simulate payments with many fraud patterns, score them in a local Flink, print ten of the alerts and a summary of
    caught and missed fraud, and write an HTML report. Needs only Java; makes no network connections outside this machine.
    """
    from cli.outcome import show_outcome
    from cli.scoring_run import ScoringRun, score
    from simulator.config import SimulatorConfig
    from simulator.files import write
    from simulator.generate import simulate

    config = SimulatorConfig(users=users, days=days, seed=seed, start_ms=DEMO_START_MS)
    history = out / "simulated"
    with progress_bar(f"simulating {config.transaction_count:,} payments of {users:,} users") as progress:
        write(simulate(config), history, progress)
    score(
        ScoringRun(
            directory=out,
            events=history / "events.jsonl",
            reference=history / "reference",
            print_alerts=verbose,
        ),
        debug,
    )
    truth = history / "truth.jsonl"
    if not verbose:
        _show_alerts(out / "alerts.jsonl", truth)
    show_outcome(out, truth, out / "report.html")
    if with_console:
        from cli.console import command as console

        context.invoke(console, run_folder=out)
    else:
        click.echo(f"the run in the console: fraud console --run {out}")


def _show_alerts(alerts: Path, truth: Path) -> None:
    from reporting.example_alerts import example_alerts
    from udfs.records.console_line import console_line

    shown = example_alerts(alerts, truth, ALERTS_SHOWN)
    click.echo(
        f"\n{len(shown)} of the alerts, the strongest of each fraud pattern and of the false alarms; all: {alerts}\n"
    )
    for alert in shown:
        click.echo(f"{console_line(alert.record)}\n    truth: {alert.outcome}")
    click.echo()

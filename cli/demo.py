"""`fraud demo`: the two-minute tour."""

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
@click.option("--seed", default=7, show_default=True, help="Another seed, other people and frauds.")
@click.option("--verbose", is_flag=True, help="Print every alert while it comes in, instead of ten at the end.")
@click.option("--debug", is_flag=True, help="Show the stack trace if the job fails.")
def command(out: Path, users: int, days: int, seed: int, verbose: bool, debug: bool) -> None:
    """Simulate payments with fraud of many patterns, score them in a local Flink, show ten of the alerts and sum up what
    was caught, what was missed and what it saved. Nothing is needed but Java; nothing leaves this folder.
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


def _show_alerts(alerts: Path, truth: Path) -> None:
    from reporting.telling_alerts import telling_alerts
    from udfs.console_line import console_line

    shown = telling_alerts(alerts, truth, ALERTS_SHOWN)
    click.echo(
        f"\n{len(shown)} of the alerts, the strongest of each kind of fraud and of the false alarms; all: {alerts}\n"
    )
    for alert in shown:
        click.echo(f"{console_line(alert.record)}\n    it was: {alert.outcome}")
    click.echo()

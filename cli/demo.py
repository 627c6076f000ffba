"""`fraud demo`: the two-minute tour."""

from __future__ import annotations

from pathlib import Path

import click

from cli.progress import progress_bar

DEMO_START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


@click.command(name="demo")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("out/demo"), show_default=True, help="Folder to write to."
)
@click.option("--users", default=1_200, show_default=True, help="Simulated users.")
@click.option("--days", default=40, show_default=True, help="Simulated days.")
@click.option("--seed", default=7, show_default=True, help="Another seed, other people and frauds.")
@click.option("--debug", is_flag=True, help="Show the stack trace if the job fails.")
def command(out: Path, users: int, days: int, seed: int, debug: bool) -> None:
    """Simulate payments with fraud of many patterns, score them in a local Flink while the alerts come in, and sum up
    what was caught, what was missed and what it saved. Nothing is needed but Java; nothing leaves this folder.
    """
    from cli.outcome import show_outcome
    from cli.scoring_run import ScoringRun, score
    from models.default_bundle import DEFAULT_STATISTICS
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
            statistics=DEFAULT_STATISTICS,
            print_alerts=True,
        ),
        debug,
    )
    show_outcome(out, history / "truth.jsonl", out / "report.html")

"""What is decided on input with columns removed: the same payments of a demo, from four columns to all.

    fraud demo --out out/demo
    python -m benchmarks.sparse_input --run out/demo

The first transactions of the demo, without logins, changes and labels, are scored by `fraud score` and the shipped bundle
for each set of columns. Printed are the share of legitimate payments allowed, of frauds caught, and the mean coverage.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

FOUR = ("transaction_id", "user_id", "amount", "timestamp")
PROFILES_AND_FEEDS = ("users.jsonl", "merchants.jsonl", "devices.jsonl", "ip_feed.jsonl", "domain_feed.jsonl")


class Variant(NamedTuple):
    """`columns`: None keeps all. `has_reference`: whether profiles and feeds are known."""

    columns: tuple[str, ...] | None
    has_reference: bool


VARIANTS = {
    "four columns": Variant(FOUR, False),
    "with channel and entry mode": Variant((*FOUR, "channel", "entry_mode"), False),
    "with merchant and category": Variant((*FOUR, "merchant_id", "merchant_category"), False),
    "with device and currency": Variant((*FOUR, "device_id", "currency"), False),
    "all but profiles and feeds": Variant(None, False),
    "everything": Variant(None, True),
}


class Outcome(NamedTuple):
    legitimate_allowed: float
    frauds_caught: float
    coverage: float


def transactions(events: Path, limit: int) -> Iterator[dict[str, Any]]:
    """The first payments of a file of events."""
    with events.open(encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if "amount" in event:
                yield event
                limit -= 1
                if limit == 0:
                    return


def write_variant(payments: list[dict[str, Any]], variant: Variant, path: Path) -> None:
    with path.open("w", encoding="utf-8") as out:
        for payment in payments:
            kept = payment if variant.columns is None else {name: payment.get(name) for name in variant.columns}
            out.write(json.dumps({name: value for name, value in kept.items() if value is not None}) + "\n")


def score(events: Path, reference: Path | None, folder: Path) -> Path:
    """The decisions of `fraud score`. Raises click.ClickException with its output if it fails."""
    decisions = folder.with_name("decisions.jsonl")
    command = [
        sys.executable, "-m", "cli.main", "score", "--input", events, "--run", folder, "--decisions", decisions,
        "--features", "none", "--no-report", *(("--reference", reference) if reference else ()),
    ]  # fmt: skip
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode:
        raise click.ClickException(result.stdout + result.stderr)
    return decisions


def outcome(decisions: Path, frauds: set[str]) -> Outcome:
    legitimate = allowed = caught = fraud = 0
    coverage = 0.0
    with decisions.open(encoding="utf-8") as lines:
        for decision in map(json.loads, lines):
            if decision["type"] != "decision":
                continue
            coverage += decision["coverage"]
            is_allowed = decision["action"] == "allow"
            if decision["transaction_id"] in frauds:
                fraud += 1
                caught += not is_allowed
            else:
                legitimate += 1
                allowed += is_allowed
    return Outcome(allowed / legitimate, caught / max(fraud, 1), coverage / (legitimate + fraud))


@click.command(help=__doc__)
@click.option(
    "--run", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="A demo's folder."
)
@click.option("--out", default=Path("out/sparse"), show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--limit", default=40_000, show_default=True, type=click.IntRange(100), help="Payments to take.")
def main(run: Path, out: Path, limit: int) -> None:
    console = Console()
    simulated = run / "simulated"
    out.mkdir(parents=True, exist_ok=True)
    with (simulated / "truth.jsonl").open(encoding="utf-8") as lines:
        frauds = {truth["transaction_id"] for truth in map(json.loads, lines) if truth.get("is_fraud", True)}
    payments = list(transactions(simulated / "events.jsonl", limit))
    table = Table("columns", "legitimate allowed", "frauds caught", "mean coverage")
    for name, variant in track(VARIANTS.items(), "scoring", console=console, transient=True):
        folder = out / name.replace(" ", "_")
        folder.mkdir(exist_ok=True)
        write_variant(payments, variant, folder / "events.jsonl")
        reference = simulated / "reference" if variant.has_reference else None
        found = outcome(score(folder / "events.jsonl", reference, folder / "run"), frauds)
        table.add_row(name, f"{found.legitimate_allowed:.1%}", f"{found.frauds_caught:.0%}", f"{found.coverage:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()

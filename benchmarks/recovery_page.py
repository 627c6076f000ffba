"""Writes the recovery matrix between two markers of docs/reliability.md: `python -m benchmarks.recovery_page`.

It reads out/recovery.json, which `python -m benchmarks.recovery` has written.
"""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from benchmarks.machine import describe_machine

BEGIN, END = "<!-- recovery: begin -->", "<!-- recovery: end -->"
SHORT = {
    ("hashmap", "at-least-once"): "heap, at least once",
    ("hashmap", "exactly-once"): "heap, exactly once",
    ("rocksdb", "at-least-once"): "RocksDB, at least once",
    ("rocksdb", "exactly-once"): "RocksDB, exactly once",
}
COLUMNS = (
    "fault",
    "when",
    "state and guarantee",
    "lost",
    "different",
    "repeated",
    "s without a decision",
    "without the store",
)


@click.command(help=__doc__)
@click.option("--json", "found", type=click.Path(path_type=Path), default=Path("out/recovery.json"), show_default=True)
@click.option("--page", type=click.Path(path_type=Path), default=Path("docs/reliability.md"), show_default=True)
def main(found: Path, page: Path) -> None:
    write_matrix(page, json.loads(found.read_text()))


def write_matrix(page: Path, found: dict[str, Any]) -> None:
    """Replaces the text between the markers. Raises ValueError where the page lacks them."""
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} lacks the marker lines {BEGIN} and {END} of the matrix")
    before, _, rest = text.partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{matrix(found)}{END}{rest.partition(END)[2]}")


def matrix(found: dict[str, Any]) -> str:
    """A Markdown table with one line for each cell; fault and moment are named once."""
    cells = found["cells"]
    decisions = sum(cell.get("transactions", 0) for cell in cells)
    lines = [
        f"{describe_machine(found['machine'])}. {len(cells)} cells at {found['rate']:,} transactions/s, "
        f"{decisions:,} transactions.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|---" * len(COLUMNS) + "|",
    ]
    for (fault, moment), group in groupby(cells, key=lambda cell: (cell["fault"], cell["moment"])):
        name, when = fault, moment
        for cell in group:
            lines.append(f"| {name} | {when} | {SHORT[cell['backend'], cell['guarantee']]} | {_figures(cell)} |")
            name = when = ""
    return "\n".join(lines) + "\n"


def _figures(cell: dict[str, Any]) -> str:
    if cell["error"] is not None:
        return "failed | | | |"
    lost = f"{cell['missing']:,}"
    if cell["alerts_lost"] is not None:
        lost += f", alerts {cell['alerts_lost']:,}"
    different = cell["different_repeats"] + cell["different_from_replay"]
    figures = (
        lost,
        f"{different:,}",
        f"{cell['repeated']:,}",
        f"{cell['recovery_seconds']:.1f}",
        f"{cell['not_ok']:,}",
    )
    return " | ".join(figures)


if __name__ == "__main__":
    main()

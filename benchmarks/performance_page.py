"""Writes the table of `make bench-kafka` between two markers of docs/performance.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine

BEGIN, END = "<!-- bench-kafka: begin -->", "<!-- bench-kafka: end -->"
NAMES = {
    "job": "the scoring job, fully configured",
    "pass-through": "the same Kafka source and sink, SQL between them",
    "plain": "kafka-python loop with XGBoost",
}
COLUMNS = ("p50", "p95", "p99", "p99.9")


def write_table(page: Path, found: dict[str, Any]) -> None:
    """Replaces the text between the markers. Raises ValueError where the page lacks them."""
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} lacks the marker lines {BEGIN} and {END} of the table")
    before, _, rest = text.partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{table(found)}{END}{rest.partition(END)[2]}")


def table(found: dict[str, Any]) -> str:
    """Markdown tables: throughput by system, and the job's latency by rate."""
    lines = [describe_machine(found["machine"]) + f". {found['backlog']:,} transactions of {found['users']:,} users, "
             f"profiles in {found['store']}.", "", "| one process or slot | transactions/s |", "|---|---|"]  # fmt: skip
    lines += [f"| {words} | {found[name]['drain_per_second']:,.0f} |" for name, words in NAMES.items()]
    lines += ["", "| the job at | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for rate, latency in found["job"].items():
        if isinstance(latency, dict):
            figures = " | ".join(f"{latency[name]:,} ms" for name in COLUMNS)
            lines.append(f"| {int(rate):,} transactions/s | {figures} |")
    return "\n".join(lines) + "\n"

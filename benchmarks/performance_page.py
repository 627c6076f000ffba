"""The table of `make bench-kafka` in docs/performance.md, between two marks; the rest of the page is written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.machine import in_words

BEGIN, END = "<!-- bench-kafka: begin -->", "<!-- bench-kafka: end -->"
NAMES = {
    "job": "the scoring job, everything on",
    "pass-through": "the same Kafka source and sink, SQL between them",
    "plain": "kafka-python loop with XGBoost",
}
COLUMNS = ("p50", "p95", "p99", "p99.9")


def write_table(page: Path, found: dict[str, Any]) -> None:
    """Replace what is between the marks. Raises ValueError if the page has none."""
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} lacks the lines {BEGIN} and {END}, between which the table goes")
    before, _, rest = text.partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{table(found)}{END}{rest.partition(END)[2]}")


def table(found: dict[str, Any]) -> str:
    """Throughput by system, then the job's latency by rate, in Markdown."""
    lines = [in_words(found["machine"]) + f". {found['backlog']:,} transactions of {found['users']:,} users, "
             f"profiles in {found['store']}.", "", "| one process or slot | transactions/s |", "|---|---|"]  # fmt: skip
    lines += [f"| {words} | {found[name]['drain_per_second']:,.0f} |" for name, words in NAMES.items()]
    lines += ["", "| the job at | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for rate, latency in found["job"].items():
        if isinstance(latency, dict):
            figures = " | ".join(f"{latency[name]:,} ms" for name in COLUMNS)
            lines.append(f"| {int(rate):,} transactions/s | {figures} |")
    return "\n".join(lines) + "\n"

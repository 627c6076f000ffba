"""Prints the table of all metrics in docs/metrics.md: `python -m udfs.metrics.table`."""

from __future__ import annotations

from udfs.metrics.catalogue import BY_NAME
from udfs.metrics.names import FORWARDED


def markdown_table() -> str:
    """Name, kind, unit, label, series in CloudWatch and meaning of each metric."""
    rows = [
        f"| `{metric.name}` | {metric.kind} | {metric.unit} | {f'`{metric.label}`' if metric.label else ''} "
        f"| {len(metric.series) if metric.name in FORWARDED else ''} | {metric.meaning} |"
        for metric in BY_NAME.values()
    ]
    heads = ["| name | kind | unit | label | CloudWatch | meaning |", "|---|---|---|---|---|---|"]
    return "\n".join([*heads, *rows]) + "\n"


if __name__ == "__main__":
    print(markdown_table(), end="")

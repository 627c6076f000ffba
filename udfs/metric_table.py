"""The table of all metrics in docs/metrics.md: `python -m udfs.metric_table` prints it."""

from __future__ import annotations

from udfs.metric_places import FORWARDED
from udfs.metrics import BY_NAME


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

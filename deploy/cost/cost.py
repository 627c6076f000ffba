"""Monthly cost on AWS by item: `python deploy/cost/cost.py` prints the tables of docs/cost.md.

prices.yaml has the prices with source and date, usage.yaml the resources used per transaction.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import yaml

HERE = Path(__file__).parent
KB_A_GB = 1_024 * 1_024
MILLION = 1_000_000


class Line(NamedTuple):
    """One line of a bill: `quantity` units of `price` cost `usd` per month."""

    what: str
    quantity: float
    price: str
    usd: float


def load(name: str) -> dict[str, Any]:
    """Loads a YAML file of this folder."""
    content: dict[str, Any] = yaml.safe_load((HERE / name).read_text())
    return content


def kpus(transactions: float, usage: dict[str, Any]) -> int:
    """KPUs for the peak rate of a month's transactions, without the service's own KPU."""
    peak = transactions / float(usage["seconds_a_month"]) * float(usage["peak_over_average"])
    return max(1, math.ceil(peak / float(usage["transactions_a_second_of_a_kpu"])))


def bill(transactions: float, cache_hits: float, usage: dict[str, Any], prices: dict[str, Any]) -> list[Line]:
    """All lines of a month with the given transactions and cache hit rate (0 to 1)."""
    u = usage
    scorers = kpus(transactions, u)
    gb_in = transactions * u["event_kb"] / KB_A_GB
    alerts = transactions * u["alerts_share"]
    reads = transactions * u["keys_a_transaction"] * (1 - cache_hits) * u["read_units_a_key"]
    writes = transactions * (u["write_units_online"] + u["write_units_entities"])
    checkpoints = u["seconds_a_month"] / u["checkpoint_seconds"]
    puts = min(checkpoints * scorers, transactions) * u["files_a_checkpoint"] * u["puts_a_file"]
    kept_gb = transactions * u["decision_kb"] / KB_A_GB * u["retention_months"]
    quantities = [
        ("scoring, KPU hours", (scorers + u["kpu_overhead"]) * u["hours_a_month"], "kpu_hour"),
        ("running storage", scorers * u["storage_gb_of_a_kpu"], "running_storage_gb_month"),
        ("snapshots", u["backup_gb"], "durable_backup_gb_month"),
        ("events in", gb_in, "kinesis_gb_in"),
        ("events out", gb_in, "kinesis_gb_out"),
        ("stream of events", u["hours_a_month"], "kinesis_stream_hour"),
        ("look-ups", reads / MILLION, "dynamodb_million_read_units"),
        ("online features and entity buckets", writes / MILLION, "dynamodb_million_write_units"),
        ("stored records", u["stored_gb"], "dynamodb_gb_month"),
        ("alerts", alerts / MILLION, "sns_million_publishes"),
        ("queue of alerts", alerts * u["requests_an_alert"] / MILLION, "sqs_million_requests"),
        ("decisions, storage", kept_gb, "s3_gb_month"),
        ("decisions, writes", puts / 1_000, "s3_thousand_puts"),
        ("encryption key", 1, "kms_key_month"),
        ("alarms", u["alarm_metrics"], "cloudwatch_alarm_metric_month"),
        ("metrics of the job", u["job_metrics"], "cloudwatch_metric_month"),
        ("logs", u["log_gb"], "cloudwatch_log_gb"),
    ]
    return [Line(what, quantity, price, quantity * prices[price]["usd"]) for what, quantity, price in quantities]


def tables() -> str:
    """The tables of docs/cost.md."""
    usage, prices = load("usage.yaml"), load("prices.yaml")
    bills = [(v["transactions"], bill(v["transactions"], v["cache_hits"], usage, prices)) for v in usage["volumes"]]
    heads = [f"{volume // MILLION:,} M per month".replace(",", " ") for volume, _ in bills]
    rows = [f"| | price, USD | {' | '.join(heads)} |", f"|---|---|{'---|' * len(heads)}"]
    for lines in zip(*(lines for _, lines in bills), strict=True):
        price = prices[lines[0].price]
        mark = " *" if price.get("assumed") else ""
        cells = " | ".join(f"{line.quantity:,.2f} = {line.usd:,.2f}" for line in lines)
        rows.append(f"| {lines[0].what} (`{lines[0].price}`) | {price['usd']}{mark} | {cells} |")
    totals = [sum(line.usd for line in lines) for _, lines in bills]
    rows.append(f"| **USD per month** | | {' | '.join(f'**{total:,.0f}**' for total in totals)} |")
    per_million = [total / volume * MILLION for total, (volume, _) in zip(totals, bills, strict=True)]
    rows.append(f"| USD per million transactions | | {' | '.join(f'{value:,.2f}' for value in per_million)} |")
    rows.append(f"| KPUs, scoring + service | | {' | '.join(_kpu_sum(v, usage) for v, _ in bills)} |")
    other = usage["compared_with"]
    ours = next(total for total, (volume, _) in zip(totals, bills, strict=True) if volume == other["transactions"])
    rows += [
        "",
        f"At {other['transactions'] // MILLION} M per month: {ours:,.0f} USD here, about {other['usd']} USD for ",
    ]
    rows[-1] += f"{other['design']}: {ours / other['usd']:.0%} of that."
    return "\n".join(rows) + "\n"


def _kpu_sum(transactions: int, usage: dict[str, Any]) -> str:
    return f"{kpus(transactions, usage)} + {usage['kpu_overhead']}"


def sources() -> str:
    """The table of prices with their source and date."""
    rows = ["| price | USD | source | read |", "|---|---|---|---|"]
    for name, price in load("prices.yaml").items():
        rows.append(f"| `{name}` | {price['usd']} | {price['source']} | {price.get('read', '**assumed**')} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(tables())
    print(sources(), end="")

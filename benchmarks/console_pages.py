"""Server time of the console's pages: `python -m benchmarks.console_pages`.

Writes synthetic decisions, and alerts of some of them, all open, into a SQLite store; then asks each page several times in
this process, as a signed-in browser would: the first reading, the middle one and the slowest of the next, and the
middle one's processor time, which other programs on the machine do not change.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

import click
import httpx
import structlog

from benchmarks.store import BATCH, parts
from benchmarks.store_rows import RULES, synthetic
from cli.progress import progress_bar
from console.api.app import create_app
from console.server import ConsoleOptions, opened
from console.settings import ApiSettings
from console.store.rows import Batch, DecisionRecord
from console.store.store import DecisionStore
from udfs.records.events import Transaction
from udfs.records.outputs import Alert

REPEATS = 7
DEVICES = 2_000


def fill(store: DecisionStore, decisions: int, alerts: int) -> list[str]:
    """Fill the store; returns the ids of some alerts."""
    every, number, ids = max(1, decisions // alerts), 0, []
    with progress_bar("writing decisions") as progress:
        for part in parts(synthetic(decisions), BATCH):
            chosen = [record for place, record in enumerate(part, number) if place % every == 0]
            number += len(part)
            store.write(
                Batch(decisions=part, alerts=[_alert(one) for one in chosen], events=[_event(one) for one in chosen])
            )
            ids += [one.decision_id for one in chosen[:1]]
            progress(number, decisions)
    return ids


def _alert(record: DecisionRecord) -> Alert:
    return Alert(
        alert_id=record.decision_id, user_id=record.user_id, event_time_ms=record.event_time_ms,
        action="refer_to_analyst" if record.action == "allow" else record.action,  # type: ignore[arg-type]
        risk_score=record.risk_score, flags=[], reasons=[], summary=record.summary or "Payment of an unusual amount",
        transaction_id=record.transaction_id, amount=record.amount, currency=record.currency,
        merchant_id=record.merchant_id,
    )  # fmt: skip


def _event(record: DecisionRecord) -> Transaction:
    return Transaction(
        transaction_id=record.transaction_id, user_id=record.user_id, timestamp=record.event_time_ms,
        amount=record.amount, currency=record.currency, merchant_id=record.merchant_id,
        device_id=f"D{int(record.decision_id[:6], 16) % DEVICES}",
    )  # fmt: skip


async def measure(app: object, ids: list[str]) -> None:
    """Print a row a page."""
    pages = {
        "queue, by priority": "/", "queue, page 500": "/?page=500", "queue, by amount": "/?sort=-amount",
        "queue, by user": "/?sort=user", "queue, a rule": f"/?rule={RULES[1]}", "queue, words": "/?text=unusual",
        "queue, words that none has": "/?text=nothing-has-this", "rows alone": "/queue/rows",
        "alert": f"/alerts/{ids[-1]}", "alert, an old one": f"/alerts/{ids[0]}", "device": "/parties/device/D7",
        "merchant": "/parties/merchant/M7",
        "rules": "/rules", "models": "/models", "system": "/system",
    }  # fmt: skip
    click.echo("| page | first, ms | middle, ms | slowest, ms | processor, ms |\n|---|---|---|---|---|")
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        await client.get("/sign-in")
        for name, path in pages.items():
            times, processor = [], []
            for _ in range(REPEATS + 1):
                start, start_processor = time.perf_counter(), time.process_time()
                answer = await client.get(path)
                times.append((time.perf_counter() - start) * 1_000)
                processor.append((time.process_time() - start_processor) * 1_000)
                assert answer.status_code == 200, answer.text
            figures = (times[0], median(times[1:]), max(times[1:]), median(processor[1:]))
            click.echo(f"| {name} | " + " | ".join(f"{figure:.0f}" for figure in figures) + " |")


@click.command()
@click.option("--decisions", default=200_000, show_default=True, type=click.IntRange(1_000, 5_000_000))
@click.option("--alerts", default=50_000, show_default=True, type=click.IntRange(100, 1_000_000), help="All open.")
def main(decisions: int, alerts: int) -> None:
    """Fill a store and time the pages."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="pages-") as folder:
        url = f"sqlite:///{Path(folder) / 'store.sqlite'}"
        with opened(ConsoleOptions(api=ApiSettings(port=0), store_url=url)) as services:
            ids = fill(services.store, decisions, alerts)
            click.echo(f"{decisions:,} decisions, {alerts:,} open alerts, SQLite")
            asyncio.run(measure(create_app(services), list(islice(ids, 1, None))))


if __name__ == "__main__":
    main()

"""Reports of backtests that proposals of rules rest on, for those who approve them."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import insert, select

from console.store.engine import Database
from console.store.tables import backtests

Report = dict[str, Any]
EXAMPLES = ("best_true", "worst_false")
_decode = msgspec.json.Decoder(Report).decode


def keep_backtest(database: Database, report: Report, who: str, now_ms: int) -> None:
    """Keep a report (models.backtest.report.BacktestReport as plain data) under its id, without its examples: the store
    must not have payments that it was told to forget. Raises StoreUnavailable."""
    figures = [{**rule, **{name: [] for name in EXAMPLES}} for rule in report["rule_figures"]]
    body = msgspec.json.encode({**report, "rule_figures": figures}).decode()
    column = backtests.c.backtest_id
    with database.write_alone() as connection:
        if connection.execute(select(column).where(column == report["id"])).scalar() is None:
            connection.execute(insert(backtests).values(backtest_id=report["id"], made_ms=now_ms, who=who, body=body))


def kept_backtest(database: Database, backtest_id: str) -> Report | None:
    """The report of an id. Raises StoreUnavailable."""
    with database.read() as connection:
        body = connection.execute(select(backtests.c.body).where(backtests.c.backtest_id == backtest_id)).scalar()
    return None if body is None else _decode(body)

"""Many tabs cost the store what one costs, and all of them are told of each change."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
from sqlalchemy import event

from console.store.rows import Batch
from console.store.store import DecisionStore
from tests.console.api.serving import Serving, serving, wait_for
from tests.console.store.made_records import alert_of, record

TABS = 20
WATCHED_SECONDS = 4.0


@contextmanager
def tabs(running: Serving, count: int) -> Iterator[list[list[dict[str, Any]]]]:
    """So many open streams; yields what each was told."""
    told: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    client = httpx.Client(base_url=running.url, timeout=httpx.Timeout(30), limits=httpx.Limits(max_connections=count))

    def read(found: list[dict[str, Any]]) -> None:
        try:
            with client.stream("GET", "/live") as answer:
                for line in answer.iter_lines():
                    if line.startswith("data: {"):
                        found.append(json.loads(line[6:]))
        except (httpx.HTTPError, RuntimeError):  # closed by the test
            return

    threads = [Thread(target=read, args=(one,), daemon=True) for one in told]
    for thread in threads:
        thread.start()
    wait_for(lambda: all(told))
    try:
        yield told
    finally:
        client.close()


def add_alerts(store: DecisionStore, first: int, count: int) -> None:
    made = [record(number, action="refer_to_analyst", risk_score=600) for number in range(first, first + count)]
    store.write(Batch(decisions=made, alerts=[alert_of(one) for one in made]))


def statements_while_watched(running: Serving) -> int:
    """Statements that the console sends in a while, in which one alert comes a second."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "FROM cases" in statement or "FROM case_journal" in statement:
            seen.append(statement)

    engine = running.services.store.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        time.sleep(WATCHED_SECONDS)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_every_tab_is_told_of_each_alert_once_and_how_many_are_open(tmp_path: Path) -> None:
    with serving(tmp_path, with_scorer=False) as running, tabs(running, TABS) as told:
        add_alerts(running.services.store, 0, 3)
        wait_for(lambda: all(one[-1]["open"] == 3 for one in told))
        add_alerts(running.services.store, 3, 4)
        wait_for(lambda: all(one[-1]["open"] == 7 for one in told))
        for one in told:
            assert sum(change["new"] for change in one) == 7
            assert one[-1]["newest"] == max(change["newest"] for change in one)
        assert running.client.get("/system").status_code == 200


def test_many_tabs_look_into_the_store_as_often_as_one(tmp_path: Path) -> None:
    with serving(tmp_path, with_scorer=False) as running:
        with tabs(running, 1):
            alone = statements_while_watched(running)
        with tabs(running, TABS):
            together = statements_while_watched(running)
    assert alone >= 4  # two a look
    assert together <= alone + 4

"""A tab stays open while its console is killed and started again: it gets what it missed, nothing twice, nothing moving."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from console.cases.case_store import CaseStore
from console.cases.queue import QueueFilters, QueueOrder
from console.store.rows import Batch
from console.store.store import DecisionStore
from tests.console.api.serving import console_process, serving, wait_for
from tests.console.store.made_records import alert_of, record
from tests.console.web.seeding import ALERTS, fill

NEW_ALERTS = 12
WATCH_SHIFTS = """() => {
    window.shift = 0;
    new PerformanceObserver(list => { for (const one of list.getEntries()) window.shift += one.value; })
        .observe({type: 'layout-shift', buffered: false});
}"""


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


def block(store: DecisionStore, *numbers: int, now_ms: int) -> None:
    made = [
        record(
            number, decision_id=f"{number:032x}", event_time_ms=now_ms, action="hard_block", risk_score=990, summary="new",
        )
        for number in numbers
    ]  # fmt: skip
    store.write(Batch(decisions=made, alerts=[alert_of(one) for one in made]))


def shown(page: Any) -> list[str]:
    return page.locator("#rows .row").evaluate_all("rows => rows.map(row => row.dataset.case)")  # type: ignore[no-any-return]


def test_a_tab_gets_what_it_missed_when_its_console_was_killed(tmp_path: Path, browser: Any) -> None:
    now_ms = time.time_ns() // 1_000_000
    store = DecisionStore.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    fill(store, now_ms)
    cases = CaseStore(store.database, lambda: now_ms)
    port = free_port()
    context = browser.new_context(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    page = context.new_page()
    with console_process(tmp_path, "--port", port) as (process, url):
        page.goto(url)
        page.wait_for_selector("#live.is-on")
        page.evaluate(WATCH_SHIFTS)
        before = shown(page)
        assert len(before) == ALERTS
        process.kill()
        page.wait_for_selector("#live.is-off")
        page.keyboard.press("j")
        page.keyboard.press("f")  # says that it cannot, and changes nothing
        page.wait_for_selector("#toast.is-problem:not([hidden])")
        assert page.locator("#toast").inner_text() == "Reconnecting"
    closed, given = (one.case_id for one in cases.page(QueueFilters(), QueueOrder())[3:5])
    cases.decide([closed], "fraud", "ben")
    cases.assign([given], "ben", "ben")
    block(store, 901, 902, now_ms=now_ms)
    with console_process(tmp_path, "--port", port) as (process, _):
        page.wait_for_selector("#live.is-on", timeout=20_000)
        page.wait_for_selector(f"#case-{closed}.is-gone")
        wait_for(lambda: "ben" in page.locator(f"#case-{given} .c-assignee").inner_text())
        page.wait_for_selector("#new-alerts:not([hidden])")
        assert page.locator("#new-alerts").inner_text() == "2 new"
        assert shown(page) == before
        assert page.locator("#open-count").inner_text() == str(ALERTS + 1)
        page.wait_for_timeout(2_500)  # what was told is not told again by the next looks
        assert page.locator("#new-alerts").inner_text() == "2 new"
        assert page.evaluate("window.shift") < 0.01
        page.locator("#new-alerts").click()
        wait_for(lambda: len(shown(page)) == ALERTS + 1)
        assert len(set(shown(page))) == ALERTS + 1
        page.wait_for_timeout(1_500)
        assert page.locator("#new-alerts").is_hidden()
        process.kill()
        page.wait_for_selector("#live.is-off")
    with console_process(tmp_path, "--port", port):
        page.wait_for_selector("#live.is-on", timeout=20_000)
        assert page.locator("#new-alerts").is_hidden()
        number = page.locator("#rows .row").first.get_attribute("data-case")
        page.keyboard.press("j")
        page.locator(f"#case-{number} .row-link").focus()
        page.keyboard.press("n")  # by the token that the page had before
        page.wait_for_selector("#toast:not(.is-problem):not([hidden])")
        assert "Not fraud (1)" in page.locator("#toast").inner_text()
        assert cases.fitting(QueueFilters(state="all"), [int(str(number))])[0].outcome == "not_fraud"
    context.close()
    store.close()


def test_an_open_alert_is_claimed_again_after_a_restart(tmp_path: Path, browser: Any) -> None:
    store = DecisionStore.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    fill(store)
    cases = CaseStore(store.database, lambda: time.time_ns() // 1_000_000)
    (row, *_) = cases.page(QueueFilters(), QueueOrder())
    port, context = free_port(), browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    with console_process(tmp_path, "--port", port) as (_, url):
        page.goto(f"{url}/alerts/{row.decision_id}")
        wait_for(lambda: cases.fitting(QueueFilters(state="all"), [row.case_id])[0].claimed_by == "local")
    cases.release(row.case_id, "local")
    cases.add_note(row.case_id, "written while the console was away", "ben")
    with console_process(tmp_path, "--port", port):
        wait_for(lambda: cases.fitting(QueueFilters(state="all"), [row.case_id])[0].claimed_by == "local")
        wait_for(lambda: "written while the console was away" in page.locator("#journal").inner_text())
        assert page.locator("#held").is_hidden()
    context.close()
    store.close()


def test_a_stream_tells_each_new_alert_once_to_tabs_that_come_in_between(tmp_path: Path) -> None:
    with serving(tmp_path, with_scorer=False) as running:
        store = running.services.store
        fill(store)
        cases = CaseStore(store.database, running.services.now_ms)
        first, _ = cases.newest()
        last = first + NEW_ALERTS

        def told(since: str) -> int:
            """How many alerts a tab is told of as new, up to the last one."""
            total = 0
            with httpx.stream("GET", f"{running.url}/live", params={"since": since}, timeout=30) as answer:
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        change = json.loads(line.removeprefix("data: "))
                        total += change["new"]
                        if change["newest"] >= last:
                            break
            return total

        with ThreadPoolExecutor(NEW_ALERTS + 1) as tabs:
            found = []
            for number in range(NEW_ALERTS):
                case_id, entry = cases.newest()
                found.append((tabs.submit(told, f"{case_id}-{entry}"), last - case_id))
                time.sleep(0.13)
                block(store, 800 + number, now_ms=running.services.now_ms())
                time.sleep(0.17)
            for tab, expected in found:
                assert tab.result() == expected

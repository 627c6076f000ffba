"""What no slip may lose or double: a note, a key pressed twice, a half-typed date, an outcome of somebody else."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from console.cases.case_store import CaseStore
from console.cases.queue import QueueFilters, QueueOrder
from console.store.rows import Batch
from console.web import queue
from console.web.sessions import Sessions
from tests.console.api.serving import Serving, wait_for
from tests.console.store.made_records import alert_of, record
from tests.console.web.conftest import Open
from tests.console.web.test_flows import cases


def store_of(console: Serving) -> CaseStore:
    return CaseStore(console.services.store.database, console.services.now_ms)


@pytest.fixture(autouse=True)
def _all_open_afterwards(console: Serving) -> Iterator[None]:
    yield
    store = store_of(console)
    closed = store.page(QueueFilters(state="closed"), QueueOrder())
    store.undo([one.case_id for one in closed], "a test")
    for one in store.page(QueueFilters(), QueueOrder()):
        store.assign([one.case_id], None, "a test")
        if one.claimed_by is not None:
            store.release(one.case_id, one.claimed_by)


def open_alert(open_page: Open, name: str) -> Any:
    page = open_page(name)
    page.locator("#rows .row-link").first.click()
    page.wait_for_selector("#alert")
    return page


def test_a_note_that_is_being_written_stays_while_others_work_on_the_case(open_page: Open, console: Serving) -> None:
    page = open_alert(open_page, "anna")
    number = int(page.locator("#alert").get_attribute("data-case"))
    page.wait_for_selector("#live.is-on")
    page.fill("#note", "seen this card before")
    store_of(console).add_note(number, "called the shop", "ben")
    wait_for(lambda: "called the shop" in page.locator("#journal").inner_text())
    assert page.input_value("#note") == "seen this card before"
    page.locator('[data-do="assign-me"]').click()
    page.wait_for_selector('[data-do="unassign"]')
    assert page.input_value("#note") == "seen this card before"
    page.get_by_role("button", name="Add note").click()
    wait_for(lambda: "seen this card before" in page.locator("#journal").inner_text())
    assert page.input_value("#note") == ""
    page.reload()
    page.wait_for_selector("#note")
    assert page.input_value("#note") == ""


def test_a_key_that_is_held_or_pressed_twice_closes_one_alert(open_page: Open, console: Serving) -> None:
    page = open_page("anna")
    before = page.locator("#rows .row").count()
    page.locator("#rows .row-link").first.focus()
    for _ in range(4):  # the second to fourth are repeats of a key that is held
        page.keyboard.down("f")
    page.keyboard.up("f")
    page.wait_for_selector("#toast:not([hidden])")
    assert page.locator("#rows .row").count() == before - 1
    page.evaluate("""() => {
        for (let press = 0; press < 3; press += 1) document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", {key: "n", bubbles: true}));
    }""")
    wait_for(lambda: page.locator("#rows .row").count() == before - 2)
    closed = cases(console, state="closed")
    assert sorted(one.outcome for one in closed if one.outcome) == ["fraud", "not_fraud"]


def test_a_date_is_set_once_it_is_typed_whole(open_page: Open, console: Serving) -> None:
    page = open_alert(open_page, "anna")
    number = int(page.locator("#alert").get_attribute("data-case"))
    page.locator("#due").focus()
    page.keyboard.type("03142027")
    due_ms = 1_805_068_799_999  # the end of 2027-03-14 in UTC
    wait_for(lambda: store_of(console).fitting(QueueFilters(), [number])[0].due_ms == due_ms)
    due = [entry.body for entry in store_of(console).journal(number) if entry.what == "due"]
    assert due == [str(due_ms)]
    token = page.locator('meta[name="csrf-token"]').get_attribute("content")
    refused = page.request.post(
        "/cases/due",
        form={"case": str(number), "due": "0202-03-14", "csrf": token},
        headers={"X-Requested-With": "console"},
    )
    assert (refused.status, refused.text()) == (422, "due: give a day from 2000 on")
    store_of(console).set_due([number], None, "a test")


def test_only_the_outcome_that_is_meant_is_taken_back(open_page: Open, console: Serving) -> None:
    page = open_page("anna")
    number = int(page.locator("#rows .row").first.get_attribute("data-case"))
    page.keyboard.press("f")
    page.wait_for_selector("#toast:not([hidden])")
    store = store_of(console)
    assert store.undo([number], "ben").done == [number]
    store.decide([number], "not_fraud", "ben")
    page.keyboard.press("z")
    wait_for(lambda: "closed as not_fraud meanwhile" in page.locator("#toast").inner_text())
    assert [one.outcome for one in store.fitting(QueueFilters(state="all"), [number])] == ["not_fraud"]
    page.goto(f"/alerts/{store.fitting(QueueFilters(state='all'), [number])[0].decision_id}")
    page.get_by_role("button", name="Open again").click()
    page.wait_for_selector('[data-outcome="fraud"]')
    assert "Open again (1)" in page.locator("#toast").inner_text()
    assert [one.state for one in store.fitting(QueueFilters(state="all"), [number])] == ["open"]
    assert "opened it again; it was Not fraud" in page.locator("#journal").inner_text()


def test_open_alerts_on_another_page_are_not_struck_through(
    open_page: Open, console: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("vera", "/?sort=-score")
    page.wait_for_selector("#live.is-on")
    last = int(page.locator("#rows .row").last.get_attribute("data-case"))
    shown = page.locator("#rows .row").count()
    now_ms = console.services.now_ms()
    made = [
        record(number, decision_id=f"{number:032x}", event_time_ms=now_ms, action="hard_block", risk_score=999)
        for number in range(2_000, 2_000 + 60)
    ]
    console.services.store.write(Batch(decisions=made, alerts=[alert_of(one) for one in made]))
    page.wait_for_selector("#new-alerts:not([hidden])")
    store_of(console).assign([last], "ben", "ben")
    wait_for(lambda: "ben" in page.locator(f"#case-{last}").inner_text())
    assert page.locator("#rows .row.is-gone").count() == 0
    assert page.locator("#rows .row").count() == shown
    store_of(console).decide([last], "closed", "ben")
    page.wait_for_selector(f"#case-{last}.is-gone")
    monkeypatch.setattr(queue, "MOST_EXPORTED", 30)
    lines = list(csv.reader(io.StringIO(page.request.get("/queue.csv").text())))
    assert len(lines) == 32
    assert lines[-1] == ["Only the first 30 alerts: narrow the filters for the others."]
    assert len({line[0] for line in lines[1:-1]}) == 30


def test_amounts_in_filters_are_read_with_separators_or_told(open_page: Open) -> None:
    page = open_page("vera", "/?min_amount=1,000.5&min_score=many")
    assert page.input_value('[name="min_amount"]') == "1000.5"
    assert page.locator(".notice").first.inner_text() == "Not understood, and so left out: Score from"
    amounts = [float(text.split()[0].replace(",", "")) for text in page.locator("#rows td.c-amount").all_inner_texts()]
    assert amounts
    assert min(amounts) >= 1_000.5
    page.select_option('select[name="action"]', "hard_block")
    page.wait_for_url("**action=hard_block**")
    assert "min_amount=1000.5" in page.url


def test_a_sign_in_that_has_ended_is_told(open_page: Open, console: Serving) -> None:
    page = open_page("anna")
    page.wait_for_selector("#live.is-on")
    token = next(one["value"] for one in page.context.cookies() if one["name"] == "fraud_console")
    sessions = Sessions(console.services.store.database, console.services.now_ms)
    visitor = sessions.find(token)
    assert visitor is not None
    assert visitor.session_hash is not None
    sessions.end(visitor.session_hash)
    page.evaluate(
        "window.dispatchEvent(new Event('pagehide'))"
    )  # the stream is closed; it comes back as the tab is shown
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    link = page.locator("#live a")
    link.wait_for(timeout=20_000)
    assert link.inner_text() == "Signed out: sign in"
    assert link.get_attribute("href") == "/sign-in?next=%2F"
    page.locator("details.menu summary").click()
    page.fill('.menu-body input[name="name"]', "my view")
    page.locator(".menu-body button").click()
    page.wait_for_selector(".empty.error")
    assert "You were signed out, so nothing was changed." in page.locator(".error").inner_text()
    assert page.locator(".error a.button").get_attribute("href") == "/sign-in"


def test_the_audit_log_is_the_admins_alone(open_page: Open) -> None:
    for name, sections in (("vera", 0), ("anna", 0), ("ada", 1)):
        assert open_page(name, "/system").locator("#audit-title").count() == sections


def test_keys_of_the_queue_do_nothing_on_other_pages(open_page: Open, console: Serving) -> None:
    page = open_page("anna")
    number = int(page.locator("#rows .row").first.get_attribute("data-case"))
    page.keyboard.press("c")
    page.wait_for_selector("#toast:not([hidden])")
    page.goto("/rules")
    for key in ("z", "u", "a", "f"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert page.url.endswith("/rules")
    assert [one.state for one in store_of(console).fitting(QueueFilters(state="all"), [number])] == ["closed"]


def test_an_alert_is_given_to_a_colleague(open_page: Open, console: Serving) -> None:
    page = open_alert(open_page, "anna")
    number = int(page.locator("#alert").get_attribute("data-case"))
    names = page.locator("[data-assign] option").all_inner_texts()
    assert names == ["Assign to", "ada", "ben"]  # who works on cases; vera only looks
    page.locator("[data-assign]").select_option("ben")
    page.get_by_text("Assignee: ben").wait_for()
    assert store_of(console).fitting(QueueFilters(), [number])[0].assignee == "ben"
    page.goto("/")
    page.keyboard.press("x")
    page.locator("#bulk [data-assign]").select_option("ada")
    wait_for(lambda: "ada" in page.locator("#rows .is-selected .c-assignee").inner_text())

"""The pages in a real Chromium: what analysts do, and what they see."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from console.cases.queue import QueueFilters
from console.cases.rows import CaseRow
from tests.console.api.serving import Serving, wait_for
from tests.console.web.conftest import AXE, PASSWORD, Open
from tests.console.web.seeding import ALERTS

PICTURES = Path(__file__).parents[3] / "out" / "test-pictures"
WIDTHS = {"laptop": (1366, 768), "phone": (390, 844)}
PAGES = {
    "queue": "/", "closed": "/?state=all&sort=-time", "rules": "/rules", "rule": "/rules/burst", "models": "/models",
    "system": "/system", "user": "/parties/user/U0", "device": "/parties/device/D0", "privacy": "/privacy",
}  # fmt: skip


def cases(console: Serving, **filters: Any) -> list[CaseRow]:
    from console.cases.case_store import CaseStore
    from console.cases.queue import QueueOrder

    store = CaseStore(console.services.store.database, console.services.now_ms)
    return store.page(QueueFilters(**filters), QueueOrder())


def take_picture(page: Any, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(PICTURES / f"{name}.png"))


def serious(page: Any) -> list[str]:
    """What axe finds serious on a page."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)")
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']][:4]} {one['nodes'][0].get('failureSummary', '')[:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def first_alert(page: Any) -> str:
    return str(page.locator("#rows .row-link").first.get_attribute("href"))


def test_each_page_is_accessible_in_both_themes_and_widths(open_page: Open, console: Serving) -> None:
    page = open_page("vera")
    pages = {**PAGES, "alert": first_alert(page)}
    for theme in ("light", "dark"):
        page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        for width, (wide, high) in WIDTHS.items():
            page.set_viewport_size({"width": wide, "height": high})
            for name, address in pages.items():
                page.goto(address)
                page.wait_for_selector("h1")
                take_picture(page, f"{name}-{theme}-{width}")
                assert page.evaluate("document.documentElement.scrollWidth") <= wide, (name, width)
                if width == "laptop":
                    assert serious(page) == [], (name, theme)


def test_keys_move_open_and_go_back(open_page: Open) -> None:
    page = open_page("vera")
    links = page.locator("#rows .row-link")
    assert links.count() == ALERTS
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    marked = page.evaluate("document.activeElement.getAttribute('href')")
    assert marked == links.nth(1).get_attribute("href")
    page.keyboard.press("e")
    page.wait_for_selector("#alert")
    assert page.url.endswith(marked)
    following = page.locator("#alert").get_attribute("data-next")
    assert following == links_of(page, "/")[2]
    page.keyboard.press("j")
    page.wait_for_url(f"**{following}")
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r"/$"))
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/rules")


def links_of(page: Any, address: str) -> list[str]:
    html = page.request.get(address).text()
    return re.findall(r'class="row-link" href="([^"]+)"', html)


def test_an_outcome_is_one_key_and_undo_brings_it_back(open_page: Open, console: Serving) -> None:
    page = open_page("anna")
    first = page.locator("#rows .row").first
    number, before = first.get_attribute("data-case"), page.locator("#rows .row").count()
    page.keyboard.press("f")
    page.wait_for_selector("#toast:not([hidden])")
    assert "Fraud (1)" in page.locator("#toast").inner_text()
    assert page.locator("#rows .row").count() == before - 1
    assert page.locator(f"#case-{number}").count() == 0
    page.keyboard.press("z")
    page.wait_for_selector(f"#case-{number}")
    assert page.locator("#rows .row").count() == before
    page.locator("#rows .row-link").first.click()
    page.wait_for_selector("#journal")
    journal = page.locator("#journal").inner_text()
    assert "closed it as Fraud" in journal
    assert "opened it again; it was Fraud" in journal


def test_an_outcome_on_the_alert_leads_to_the_next_one(open_page: Open, console: Serving) -> None:
    page = open_page("anna")
    page.locator("#rows .row-link").first.click()
    page.wait_for_selector("#alert")
    following = page.locator("#alert").get_attribute("data-next")
    number = int(page.locator("#alert").get_attribute("data-case"))
    page.keyboard.press("n")
    page.wait_for_url(f"**{following}")
    assert "Not fraud (1)" in page.locator("#toast").inner_text()
    assert number in [one.case_id for one in cases(console, state="closed", outcome="not_fraud")]
    page.keyboard.press("z")
    wait_for(lambda: number in [one.case_id for one in cases(console)])


def test_bulk_actions_keep_the_selection(open_page: Open, console: Serving) -> None:
    page = open_page("anna", "/?action=hard_block")
    rows = page.locator("#rows .row")
    before = rows.count()
    for _ in range(2):
        page.keyboard.press("x")
        page.keyboard.press("j")
    assert page.locator("#bulk").is_visible()
    assert page.locator("#bulk b").inner_text() == "2"
    take_picture(page, "bulk")
    assert serious(page) == []
    page.locator('#bulk [data-do="assign-me"]').click()
    assignees = page.locator("#rows .is-selected .c-assignee")  # with a ● where a test before has left a claim of hers
    wait_for(lambda: [text.removeprefix("● ") for text in assignees.all_inner_texts()] == ["anna"] * 2)
    assert page.locator("#bulk b").inner_text() == "2"
    page.reload()
    page.wait_for_selector("#rows .is-selected")
    assert page.locator("#rows .is-selected").count() == 2
    page.locator('#bulk [data-outcome="insufficient_data"]').click()
    wait_for(lambda: page.locator("#rows .row").count() == before - 2)
    wait_for(lambda: not page.locator("#bulk").is_visible())
    assert {one.assignee for one in cases(console, outcome="insufficient_data", state="closed")} == {"anna"}
    page.keyboard.press("z")
    wait_for(lambda: page.locator("#rows .row").count() == before)


def test_filters_are_in_the_address_and_are_saved_as_a_view(open_page: Open) -> None:
    page = open_page("anna")
    page.select_option('select[name="action"]', "soft_challenge")
    page.wait_for_url("**/?action=soft_challenge")
    actions = page.locator("#rows td.c-action").all_inner_texts()
    assert set(actions) == {"Challenge"}
    page.locator("th.c-amount a").click()
    page.wait_for_url("**sort=-amount**")
    amounts = [float(text.split()[0].replace(",", "")) for text in page.locator("#rows td.c-amount").all_inner_texts()]
    assert amounts == sorted(amounts, reverse=True)
    page.locator("details.menu summary").click()
    page.fill('.menu-body input[name="name"]', "Challenged <b>first</b>")
    page.locator(".menu-body button").click()
    page.goto("/")
    page.get_by_role("link", name="Challenged <b>first</b>").click()
    assert set(page.locator("#rows td.c-action").all_inner_texts()) == {"Challenge"}
    assert page.locator("h1").inner_text() == "Challenged <b>first</b>"
    other = open_page("ben")
    assert other.get_by_role("link", name="Challenged").count() == 0
    page.get_by_role("button", name="Delete view").click()
    page.wait_for_url(re.compile(r"/$"))
    assert page.get_by_role("link", name="Challenged").count() == 0


def test_two_analysts_on_one_queue(open_page: Open, console: Serving) -> None:
    anna, ben = open_page("anna"), open_page("ben")
    address = first_alert(anna)
    number = anna.locator("#rows .row").first.get_attribute("data-case")
    anna.goto(address)
    anna.wait_for_selector("#alert")
    wait_for(lambda: "anna" in ben.locator(f"#case-{number}").inner_text())
    ben.locator(f"#case-{number} .row-link").focus()
    ben.keyboard.press("c")
    ben.wait_for_selector("#toast.is-problem")
    assert "anna works on it" in ben.locator("#toast").inner_text()
    ben.keyboard.press("u")
    ben.wait_for_selector("#alert")
    assert ben.locator("#alert").get_attribute("data-case") != number
    assert "ben" in ben.locator(".decide").inner_text()
    ben.goto("/")
    following = anna.locator("#alert").get_attribute("data-next")
    anna.keyboard.press("f")
    anna.wait_for_url(f"**{following}")
    ben.wait_for_selector(f"#case-{number}.is-gone")
    anna.keyboard.press("z")
    wait_for(lambda: int(number) in [one.case_id for one in cases(console)])


def test_new_alerts_are_told_without_moving_rows_and_the_stream_comes_back(open_page: Open, console: Serving) -> None:
    from console.store.rows import Batch
    from tests.console.store.made_records import alert_of, record

    page = open_page("vera")
    page.wait_for_selector("#live.is-on")
    shown = page.locator("#rows .row").count()
    now_ms = console.services.now_ms()
    made = record(
        900, decision_id="9" * 32, event_time_ms=now_ms, action="hard_block", risk_score=990, summary="new", amount=2e6
    )
    console.services.store.write(Batch(decisions=[made], alerts=[alert_of(made)]))
    page.wait_for_selector("#new-alerts:not([hidden])")
    assert page.locator("#rows .row").count() == shown
    page.locator("#new-alerts").click()
    wait_for(lambda: page.locator("#rows .row").count() == shown + 1)
    page.context.set_offline(True)
    page.wait_for_timeout(100)
    live = page.evaluate("document.getElementById('live').className")
    assert "live" in live
    page.context.set_offline(False)
    page.wait_for_selector("#live.is-on")
    assert page.locator("#open-count").inner_text() == str(len(cases(console)))


def test_notes_due_dates_and_the_label_of_an_outcome(open_page: Open, console: Serving) -> None:
    page = open_page("ben", "/?text=U3")
    page.locator("#rows .row-link").first.click()
    page.wait_for_selector("#journal")
    page.fill("#note", "<script>alert(5)</script>\nCalled the customer.")
    page.get_by_role("button", name="Add note").click()
    page.wait_for_selector(".journal .note")
    assert page.locator(".journal .note").inner_text() == "<script>alert(5)</script>\nCalled the customer."
    page.fill("#due", "2020-01-31")
    page.dispatch_event("#due", "change")
    wait_for(lambda: "2020-01-31" in page.locator("#journal").inner_text())
    number = int(page.locator("#alert").get_attribute("data-case"))
    address = page.url
    page.get_by_role("toolbar").get_by_role("button", name="Not fraud").click()
    wait_for(lambda: number in [one.case_id for one in cases(console, state="closed")])
    page.wait_for_url(lambda url: url != address)  # the next alert
    page.goto(address)

    def is_sent() -> bool:
        page.reload()
        return (
            "Label sent: Not fraud." in page.locator("#journal").inner_text()
            or "refused" in page.locator("#journal").inner_text()
        )

    wait_for(is_sent)
    assert "Label sent: Not fraud." in page.locator("#journal").inner_text()
    page.goto("/?overdue=1&state=all")
    assert page.locator("#rows .row").count() == 1


def test_signing_in_by_the_form_and_out_again(console: Serving, browser: Any) -> None:
    context = browser.new_context(base_url=console.url)
    page = context.new_page()
    page.goto("/rules?x=1")
    assert "/sign-in?next=" in page.url
    assert serious(page) == []
    take_picture(page, "sign-in")
    page.fill('input[name="name"]', "anna")
    page.fill('input[name="password"]', "wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector(".problem")
    page.fill('input[name="password"]', PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/rules?x=1")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto("/")
    assert "/sign-in" in page.url
    context.close()


def test_zone_and_theme_are_kept_and_no_rows_shift(open_page: Open) -> None:
    page = open_page("vera", timezone_id="Asia/Tokyo")
    page.goto(first_alert(page))
    time = page.locator("time[data-ms]").first
    utc = time.inner_text()
    page.locator('[data-do="zone"]').click()
    assert time.inner_text() != utc
    page.locator('[data-do="theme"]').click()
    theme = page.evaluate("document.documentElement.dataset.theme")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == theme == "dark"
    assert time.inner_text() != utc
    shift = page.evaluate(
        """() => new Promise(done => {
            let sum = 0;
            const add = list => { for (const one of list.getEntries()) sum += one.value; };
            new PerformanceObserver(add).observe({type: 'layout-shift', buffered: true});
            setTimeout(() => done(sum), 200);
        })"""
    )
    assert shift < 0.1


@pytest.mark.parametrize("path", ["/?text=nothing-has-this", "/alerts/00ff", "/rules/none"])
def test_empty_and_missing_are_told(open_page: Open, path: str) -> None:
    page = open_page("vera", path)
    assert page.locator(".empty").count() == 1
    assert serious(page) == []

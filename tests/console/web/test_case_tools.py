"""Tools of an alert and of a user's page in a real Chromium: replay, snooze, files, changes, erasure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.console.api.serving import Serving, wait_for
from tests.console.web.conftest import Open
from tests.console.web.test_flows import cases, serious, take_picture

THEMES = ("light", "dark")


def look_at(page: Any, name: str) -> None:
    """Pictures in both themes and widths; nothing serious for axe, and nothing wider than the window."""
    for theme in THEMES:
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        for wide, high in ((1366, 768), (390, 844)):
            page.set_viewport_size({"width": wide, "height": high})
            take_picture(page, f"{name}-{theme}-{wide}")
            assert page.evaluate("document.documentElement.scrollWidth") <= wide, (name, wide)
        assert serious(page) == [], (name, theme)
    # A picture hides the caret and leaves an empty style, which htmx would copy to what comes in its place.
    page.evaluate("document.querySelectorAll('[style=\"\"]').forEach((one) => one.removeAttribute('style'))")
    page.set_viewport_size({"width": 1366, "height": 768})


def test_a_decision_is_replayed_and_its_differences_are_named(open_page: Open, console: Serving) -> None:
    row = cases(console, action="refer_to_analyst")[0]
    page = open_page("anna", f"/alerts/{row.decision_id}")
    page.get_by_role("button", name="Replay this decision").click()
    page.wait_for_selector("#replay p.notice")
    told = page.locator("#replay").inner_text()
    assert "values differ from what was recorded." in told
    assert "risk_score" in told
    wait_for(lambda: "replayed the decision:" in page.locator("#journal").inner_text())
    page.locator("#replay").scroll_into_view_if_needed()
    look_at(page, "replay")
    assert page.get_by_role("button", name="Replay again").is_visible()
    viewer = open_page("vera", f"/alerts/{row.decision_id}")
    assert viewer.locator("#replay button").count() == 0


def test_a_rule_is_snoozed_from_the_alert_and_ended_on_the_users_page(open_page: Open, console: Serving) -> None:
    row = cases(console, user_id="U3", action="refer_to_analyst")[0]
    blocked = {one.case_id for one in cases(console, user_id="U3", action="hard_block")}
    page, other = open_page("anna", f"/alerts/{row.decision_id}"), open_page("ben")
    other.wait_for_selector("#live.is-on")
    page.fill('#snooze input[name="reason"]', "<b>Pays</b> for a sports club")
    page.locator('#snooze input[name="days"]').fill("14")
    page.get_by_role("button", name="Snooze for this user").click()
    page.wait_for_selector("#snoozed:not([hidden])")
    assert "not in the queue until" in page.locator("#snoozed").inner_text()
    assert "<b>Pays</b> for a sports club" in page.locator("#snooze").inner_text()
    other.wait_for_selector(f"#case-{row.case_id}.is-gone")
    look_at(page, "snooze")
    page.goto("/?state=snoozed")
    shown = set(page.locator("#rows .row").evaluate_all("rows => rows.map(row => Number(row.dataset.case))"))
    assert row.case_id in shown
    assert not shown & blocked
    assert set(page.locator("#rows td.c-outcome").all_inner_texts()) == {"Snoozed"}
    look_at(page, "queue-snoozed")
    page.goto("/")
    assert not shown & set(page.locator("#rows .row").evaluate_all("rows => rows.map(row => Number(row.dataset.case))"))
    viewer = open_page("vera", "/parties/user/U3")
    assert viewer.get_by_role("button", name="End now").count() == 0
    page.goto("/parties/user/U3")
    look_at(page, "user-snoozed")
    page.get_by_role("button", name="End now: burst").click()
    page.wait_for_selector("#snooze details")
    assert "ended by anna" in page.locator("#snooze").text_content()
    wait_for(lambda: shown <= {one.case_id for one in cases(console)})
    page.goto(f"/alerts/{row.decision_id}")
    journal = page.locator("#journal").inner_text()
    assert "keeps it out of the queue by snoozing burst: <b>Pays</b> for a sports club" in " ".join(journal.split())
    assert "put it back in the queue" in journal


def test_a_file_is_added_saved_and_removed(open_page: Open, console: Serving, tmp_path: Path) -> None:
    row = cases(console, user_id="U0")[0]
    page = open_page("anna", f"/alerts/{row.decision_id}")
    statement = tmp_path / "Statement <b>March of the customer who called twice.txt"
    statement.write_text("<script>alert(9)</script>")
    page.set_input_files("#file", str(statement))
    page.wait_for_selector("#files .file")
    assert "Statement <b>March of the customer" in page.locator("#files").inner_text()
    wait_for(lambda: "added a file:" in page.locator("#journal").inner_text())
    page.set_input_files("#file", {"name": "page.html", "mimeType": "text/html", "buffer": b"<p>"})
    page.wait_for_selector("#toast.is-problem:not([hidden])")
    assert "page.html: files of these kinds can be added" in page.locator("#toast").inner_text()
    look_at(page, "files")
    with page.expect_download() as download:
        page.locator("#files .file a").click()
    assert Path(download.value.path()).read_text() == "<script>alert(9)</script>"
    viewer = open_page("vera", f"/alerts/{row.decision_id}")
    assert viewer.locator("#files input").count() == viewer.locator("#files button").count() == 0
    page.get_by_role("button", name="Remove Statement").click()
    wait_for(lambda: page.locator("#files .file").count() == 0)
    wait_for(lambda: "removed a file:" in page.locator("#journal").inner_text())


def test_a_users_page_tells_what_changed_before_the_newest_alert(open_page: Open, console: Serving) -> None:
    page = open_page("vera", "/parties/user/U3")
    newest = max(cases(console, user_id="U3", state="all"), key=lambda one: one.event_time_ms)
    assert page.locator("#changed p a").get_attribute("href") == f"/alerts/{newest.decision_id}"
    rows = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()
        for row in page.locator("#changed tbody tr").all()
    }
    assert rows["Phone changed"] == ["1", "1"]
    assert rows["Password changed"] == ["0", "1"]
    assert rows["Login failed"] == ["2", "3"]
    assert rows["New beneficiary"] == ["0", "0"]
    assert int(rows["New device"][1]) >= 2
    assert 'phone number changed "><img' in page.locator("#changed").inner_text()
    page.locator("#changed .party").first.click()
    page.wait_for_url("**/parties/device/**")
    page.go_back()
    look_at(page, "changed")


def test_a_person_is_erased_by_an_admin_who_types_the_id(open_page: Open, console: Serving) -> None:
    assert cases(console, user_id="U0", state="all")
    for name in ("anna", "vera"):
        assert open_page(name, "/parties/user/U0").locator("#erase").count() == 0
    page = open_page("ada", "/parties/user/U0")
    page.locator("#erase summary").click()
    page.wait_for_selector("#erase .held table")
    assert "backups of the store" in page.locator("#erase .held").inner_text()
    look_at(page, "erase")
    page.fill('#erase input[name="confirm"]', "U1")
    page.get_by_role("button", name="Erase").click()
    page.wait_for_selector(".error")
    assert "Nothing was erased" in page.locator(".error").inner_text()
    assert cases(console, user_id="U0", state="all")
    page.goto("/parties/user/U0")
    page.fill('#erase input[name="confirm"]', "U0")
    page.get_by_role("button", name="Erase").click()
    page.wait_for_selector("#erased")
    told = page.locator("#erased").inner_text()
    assert "U0 is erased from the store. What decides has forgotten this user" in told
    assert "the scorer's log" in told
    look_at(page, "erased")
    assert cases(console, user_id="U0", state="all") == []
    audited = console.services.store.audit_log().items[0]
    assert (audited.who, audited.what) == ("ada", "user erased")
    assert audited.after
    assert audited.after["cases"] > 0
    page.goto("/parties/user/U0")
    assert "Nothing of this user is in the store." in page.locator("#content").inner_text()

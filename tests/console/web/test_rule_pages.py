"""The pages on rules in a real Chromium: the editor by keyboard, a rule change with approval, lists, both themes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.console.api.serving import wait_for
from tests.console.web.conftest import console_token
from tests.console.web.rule_office import Office, office
from tests.console.web.test_flows import WIDTHS, serious, take_picture

PAGES = {
    "rules": "/rules", "rule": "/rules/unusual_hour", "editor": "/rules-editor", "proposals": "/rules-proposals",
    "proposal": "/rules-proposals/1", "history": "/rules-history?before=1&after=2", "lists": "/rules-lists",
    "list": "/rules-lists/mules", "models": "/models",
}  # fmt: skip
NEW_RULE = """  - id: large_here
    points: 40
    when: amount > 500
    reason: "{amount} is large"
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = office(tmp_path_factory.mktemp("pages"), approvals_except=("list",))
    with ThreadPoolExecutor(1) as other:  # this thread has the event loop of the browser's driver
        yield other.submit(made.__enter__).result()
        other.submit(made.__exit__, None, None, None).result()


@pytest.fixture
def open_as(shared: Office, browser: Any) -> Iterator[Any]:
    """Opens a page as a person; fails if a page logged an error."""
    contexts: list[Any] = []
    problems: list[str] = []

    def make(name: str, path: str) -> Any:
        context = browser.new_context(
            base_url=shared.running.url, viewport={"width": 1366, "height": 768}, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on(
            "console", lambda message: problems.append(message.text) if "Content Security" in message.text else None
        )
        token = console_token(shared.running, name)
        context.add_cookies([{"name": "fraud_console", "value": token, "url": shared.running.url, "httpOnly": True}])
        page.goto(path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert problems == []


def state(page: Any) -> str:
    return str(page.locator("#check-state").inner_text())


def put_at_end(page: Any, text: str) -> None:
    """Type at the end of the text, as a person does."""
    page.locator("#rule-text").focus()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(text)


def test_problems_are_told_while_typing_and_keys_go_to_them(open_as: Any) -> None:
    page = open_as("vera", "/rules-editor")
    wait_for(lambda: state(page) == "No problems.")
    put_at_end(page, NEW_RULE.replace("amount > 500", "amonut > 500").replace("points: 40", "points: many"))
    wait_for(lambda: "problem" in state(page) and state(page) != "No problems.")
    page.locator("#rule-text").focus()
    put_at_end(page, "")
    text = page.locator("#rule-text").input_value()
    page.locator("#rule-text").fill(text.replace("points: many", "points: 40"))
    wait_for(lambda: "amonut" in page.locator("#problems").inner_text())
    line = page.locator("#rule-text").input_value().split("\n").index("    when: amonut > 500") + 1
    assert page.locator("#gutter .has-error").inner_text().endswith(str(line))
    assert f"Line {line}, column 11" in page.locator("#problems").inner_text()
    page.locator("#rule-text").focus()
    page.keyboard.press("Control+Home")
    page.keyboard.press("F8")
    chosen = "(a => a.value.slice(a.selectionStart, a.selectionEnd))(document.getElementById('rule-text'))"
    assert page.evaluate(chosen) == "amonut"
    page.keyboard.press("Control+Home")
    page.locator("#problems button").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(chosen) == "amonut"
    assert page.evaluate("document.activeElement.id") == "rule-text"
    assert serious(page) == []
    take_picture(page, "editor-problem")
    page.keyboard.insert_text("amount")
    wait_for(lambda: state(page) == "No problems.")
    assert page.locator("#gutter .has-error").count() == 0
    wait_for(lambda: "large_here" in page.locator("#changes").inner_text())
    assert "1 added" in page.locator("#changes").inner_text()


def test_names_are_completed_by_keyboard_alone(open_as: Any) -> None:
    page = open_as("vera", "/rules-editor")
    wait_for(lambda: state(page) == "No problems.")
    put_at_end(page, "  - id: far\n    points: 1\n    when: ")
    page.keyboard.type("km_from")
    page.wait_for_selector("#completions:not([hidden])")
    first = page.locator('#completions [aria-selected="true"]')
    assert "km" in first.inner_text()
    assert page.locator("#rule-text").get_attribute("aria-activedescendant") == first.get_attribute("id")
    take_picture(page, "editor-completion")
    assert serious(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    text = page.locator("#rule-text").input_value()
    assert text.endswith("    when: " + first_word(text))
    assert first_word(text).startswith("km_from")
    page.keyboard.type(" > 5 and startsw")
    page.wait_for_selector("#completions:not([hidden])")
    page.keyboard.press("Escape")
    assert not page.locator("#completions").is_visible()
    assert page.evaluate("document.activeElement.id") == "rule-text"
    page.keyboard.press("Control+Space")
    page.wait_for_selector("#completions:not([hidden])")
    assert "startswith(text, text)" in page.locator("#completions").inner_text()
    page.keyboard.press("Tab")
    assert page.locator("#rule-text").input_value().endswith("startswith(")
    page.keyboard.press("Control+z")
    assert page.locator("#rule-text").input_value().endswith("and startsw")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") != "rule-text"  # no trap
    put_at_end(page, "\n    stat")
    page.keyboard.press("Control+Space")
    page.wait_for_selector("#completions:not([hidden])")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Space")
    page.wait_for_selector("#completions:not([hidden])")
    assert page.locator("#completions li").first.inner_text().startswith("draft")
    page.keyboard.press("Escape")


def first_word(text: str) -> str:
    return re.split(r"\s", text.rsplit("when: ", 1)[1])[0]


def test_a_rule_change_is_tried_proposed_approved_and_published(open_as: Any, shared: Office) -> None:
    anna = open_as("anna", "/rules-editor")
    wait_for(lambda: state(anna) == "No problems.")
    put_at_end(anna, NEW_RULE)
    wait_for(lambda: "large_here" in anna.locator("#changes").inner_text())
    anna.locator("#start-preview").focus()
    anna.keyboard.press("Enter")
    anna.wait_for_selector('#preview[data-state="finished"]', timeout=90_000)
    assert "large_here" in anna.locator("#preview").inner_text()
    assert serious(anna) == []
    take_picture(anna, "editor-preview")
    assert anna.locator("#preview a").count() > 0
    anna.fill('input[name="note"]', "more than 500")
    anna.get_by_role("button", name="Propose").click()
    anna.wait_for_url("**/rules-proposals/1")
    assert "another person must approve it" in anna.locator("main").inner_text()
    assert anna.get_by_role("button", name="Approve").count() == 0
    assert "large_here" in anna.locator("main").inner_text()
    ben = open_as("ben", "/rules-proposals")
    ben.get_by_role("link", name=re.compile("rules version")).first.click()
    ben.wait_for_url("**/rules-proposals/1")
    ben.get_by_role("button", name="Approve").click()
    ben.get_by_role("button", name="Publish").click()
    wait_for(lambda: "Published" in ben.locator(".top").inner_text())
    ben.goto("/rules?sort=-points")
    assert "large_here" in ben.locator("#rules").inner_text()
    points = [int(text) for text in ben.locator("#rules tbody td:nth-child(3)").all_inner_texts() if text]
    assert points == sorted(points, reverse=True)
    ben.locator("#rules thead").get_by_role("link", name="Rule", exact=True).click()
    ben.wait_for_url("**sort=-rule")
    names = ben.locator("#rules tbody tr td:first-child a").all_inner_texts()
    assert names == sorted(names, reverse=True)
    ben.goto("/rules/large_here")
    ben.get_by_role("button", name="Live for 10 %").click()
    ben.wait_for_url("**/rules-proposals/2")
    assert "live for 10 %" in ben.locator("main").inner_text()
    anna.goto("/rules-proposals/2")
    anna.get_by_role("button", name="Approve").click()
    anna.get_by_role("button", name="Publish").click()
    anna.goto("/rules")
    assert "Live 10 %" in anna.locator("#rules").inner_text()
    anna.goto("/rules-history")
    assert "The log is whole" in anna.locator("#chain").inner_text()
    anna.get_by_role("link", name="against the version before").first.click()
    assert "large_here" in anna.locator("main").inner_text()


def test_a_list_is_made_and_changed(open_as: Any) -> None:
    page = open_as("anna", "/rules-lists")
    page.fill('input[name="name"]', "mules")
    page.select_option('select[name="kind"]', "user")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/rules-lists/mules")
    page.fill('input[name="value"]', "U3")
    page.fill('input[name="reason"]', "ring")
    page.get_by_role("button", name="Add", exact=True).click()
    wait_for(lambda: page.locator("#entries tbody tr").count() == 1)
    page.set_input_files(
        "#csv-file", {"name": "more.csv", "mimeType": "text/csv", "buffer": b"value,owner\nU4,ann\nU5,\n"}
    )
    wait_for(lambda: "U4" in page.locator("#csv").input_value())
    page.get_by_role("button", name="Dry run").click()
    wait_for(lambda: "would have hit" in page.locator("#dry-run").inner_text())
    assert "2 added, 0 changed, 0 removed, 3 entries" in page.locator("#dry-run").inner_text()
    assert serious(page) == []
    take_picture(page, "list-dry-run")
    page.get_by_role("button", name="Import").click()
    wait_for(lambda: page.locator("#entries tbody tr").count() == 3)
    page.get_by_role("button", name="Remove U4").click()
    wait_for(lambda: page.locator("#entries tbody tr").count() == 2)


def test_the_pages_on_rules_are_accessible_in_both_themes_and_widths(open_as: Any) -> None:
    """After the flows above, whose rules and lists they show."""
    page = open_as("anna", "/rules")
    for theme in ("light", "dark"):
        page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        for width, (wide, high) in WIDTHS.items():
            page.set_viewport_size({"width": wide, "height": high})
            for name, address in PAGES.items():
                page.goto(address)
                page.wait_for_selector("h1")
                assert page.locator("main").inner_text().count("That did not work") == 0, name
                if name == "editor":
                    wait_for(lambda: state(page) == "No problems.")
                page.evaluate("document.fonts.ready")
                take_picture(page, f"rules-{name}-{theme}-{width}")
                assert page.evaluate("document.documentElement.scrollWidth") <= wide, (name, width)
                if width == "laptop":
                    assert serious(page) == [], (name, theme)

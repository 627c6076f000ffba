"""The page System: its figures against counts of what was put in, and what it says where nothing is known."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from console.web.formats import utc
from tests.console.api.serving import Serving, payment, serving, wait_for
from tests.console.web.conftest import Open
from tests.console.web.seeding import fill, payments
from tests.console.web.test_flows import serious, take_picture

MINUTE_MS = 60_000
ALL_DRAWN = """() => [...document.querySelectorAll("[data-chart]")].every((chart) => {
    const canvas = chart.querySelector("canvas");
    return canvas && canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value);
})"""


def rows_of(page: str, table: str) -> list[list[str]]:
    """Texts of the cells of a table's body."""
    body = page.partition(f'id="{table}"')[2].partition("</table>")[0].partition("<tbody>")[2]
    rows = re.findall(r"<tr>(.*?)</tr>", body)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows]


def test_decisions_of_each_minute_and_dead_letters_are_those_of_the_store(tmp_path: Path) -> None:
    now_ms = 1_767_614_400_000
    with serving(tmp_path, with_scorer=False) as running:
        fill(running.services.store, now_ms)
        page = running.client.get("/system").text
    made, _ = payments(now_ms)
    expected = Counter(one.event_time_ms // MINUTE_MS * MINUTE_MS for one in made)
    last = max(expected)
    assert rows_of(page, "minutes") == [
        [utc(last - back * MINUTE_MS), str(expected[last - back * MINUTE_MS])] for back in range(60)
    ]
    ((_, count, size),) = rows_of(page, "reasons")
    letter = b'{"transaction_id": "<script>alert(4)</script>", "amount": "many"}'
    assert (count, size) == ("3", f"{2 * len(letter) + 3} B")
    assert "Not measured: this console decides nothing and sits beside no job." in page
    assert "No job runs beside this console, so there are no checkpoints." in page
    assert f"Of the newest {len(made)} decisions" in page


def test_an_empty_store_says_so_and_draws_no_chart(tmp_path: Path) -> None:
    with serving(tmp_path, with_scorer=False) as running:
        page = running.client.get("/system").text
    assert page.count("No decisions yet.") == 3
    assert "No alerts yet." in page
    assert "data-chart" not in page


def test_answers_of_this_console_are_counted_with_their_times(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert "No decision was asked of this console" in running.client.get("/system").text
        for _ in range(12):
            assert running.client.post("/v1/decisions", json=payment()).status_code == 200
        wait_for(lambda: running.services.store_lag() == 0)
        page = running.client.get("/system").text
    assert re.findall(r'id="answered">(\d+)<', page) == ["12"]
    assert re.findall(r'id="store-lag">(\d+)<', page) == ["0"]
    assert len(re.findall(r"within [\d.,]+ ms", page)) == 3


def test_the_page_has_charts_in_both_themes_and_widths(open_page: Open, console: Serving) -> None:
    page = open_page("vera", "/system")
    for theme in ("light", "dark"):
        page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        for width, high, name in ((1366, 768, "laptop"), (390, 844, "phone")):
            page.set_viewport_size({"width": width, "height": high})
            page.goto("/system")
            wait_for(lambda: page.evaluate(ALL_DRAWN))
            assert page.locator("[data-chart]").count() >= 2
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert serious(page) == []
            page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
            take_picture(page, f"system-whole-{theme}-{name}")


WRITTEN = """() => {
    const write = CanvasRenderingContext2D.prototype.fillText;
    window.written = [];
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
        if (text) window.written.push(text);
        return write.call(this, text, ...rest);
    };
}"""
IN_TIME = re.compile(r"\d\d:\d\d(:\d\d)?|\d\d-\d\d|\d{4}-\d\d-\d\d|\d{4}|\d{4}-\d\d")
NUMBER = re.compile(r"[\d,]+(\.\d+)?")


def test_axes_of_charts_have_times_in_iso_8601_and_in_the_zone_of_the_page(open_page: Open, console: Serving) -> None:
    page = open_page("vera", "/system", timezone_id="Asia/Kathmandu", locale="en-US")
    page.add_init_script(f"({WRITTEN})()")
    page.goto("/system")
    wait_for(lambda: page.evaluate(ALL_DRAWN))
    written = set(page.evaluate("window.written"))
    in_utc = {text for text in written if re.fullmatch(r"\d\d:\d\d", text)}
    assert in_utc
    assert {text for text in written if not IN_TIME.fullmatch(text) and not NUMBER.fullmatch(text)} == set()
    page.evaluate("window.written = []")
    page.locator('[data-do="zone"]').click()
    in_zone = {text for text in page.evaluate("window.written") if re.fullmatch(r"\d\d:\d\d", text)}
    assert in_zone
    assert in_zone != in_utc  # 5 hours and 45 minutes on

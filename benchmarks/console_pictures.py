"""The pictures of docs/console.md: `python -m benchmarks.console_pictures --run out/demo`.

Serves a scored run, and takes each step of the tour in a real Chromium.
"""

from __future__ import annotations

import logging
import socket
import tempfile
from pathlib import Path
from threading import Thread

import click
import structlog

from cli.console_store import take_run
from cli.errors import UserError
from console.scored_run import what_decided
from console.server import ConsoleOptions, opened, server_of
from console.settings import ApiSettings

PREVIEW_MS = 120_000
LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
STEPS = ("queue", "alert", "selection", "rules", "editor", "phone")
NEW_RULE = """  - id: large_at_night
    points: 40
    when: amount > 500 and hour_local < 5
    reason: "{amount:,.0f} at night"
"""


@click.command()
@click.option(
    "--run", "run", required=True, type=click.Path(path_type=Path), help="Folder of a scored run, such as out/demo."
)
@click.option("--to", "folder", default=Path("docs/pictures"), show_default=True, type=click.Path(path_type=Path))
@click.option("--chromium", default="/usr/bin/chromium", show_default=True, help="The browser's program.")
def main(run: Path, folder: Path, chromium: str) -> None:
    """Take the pictures."""
    if not Path(chromium).exists():
        raise UserError(f"{chromium}: no such browser; install Debian's chromium, or give --chromium")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as scratch:
        options = ConsoleOptions(
            api=ApiSettings(port=0), store_url=f"sqlite:///{Path(scratch) / 'store.sqlite'}", decided=what_decided(run)
        )  # fmt: skip
        with opened(options) as services, socket.create_server(("127.0.0.1", 0)) as listener:
            take_run(services.store, run)
            server = server_of(services)
            thread = Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                _take(f"http://127.0.0.1:{listener.getsockname()[1]}", folder, chromium)
            finally:
                server.should_exit = True
                thread.join()


def _take(url: str, folder: Path, chromium: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(base_url=url, viewport=LAPTOP)  # type: ignore[arg-type]

        def take(name: str) -> None:
            page.wait_for_timeout(400)
            page.screenshot(path=str(folder / f"console-{name}.png"))

        page.goto("/")
        take("queue")
        page.keyboard.press("e")
        page.wait_for_selector("#alert")
        take("alert")
        page.goto("/")
        for _ in range(3):
            page.keyboard.press("x")
            page.keyboard.press("j")
        take("selection")
        page.keyboard.press("Escape")
        page.goto("/rules")
        take("rules")
        page.goto("/rules-editor")
        page.locator("#rule-text").focus()
        page.keyboard.press("Control+End")
        page.keyboard.insert_text(NEW_RULE)
        page.wait_for_selector("#changes .change-added")
        page.click("#start-preview")
        page.wait_for_selector('#preview[data-state="finished"]', timeout=PREVIEW_MS)
        take("editor")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        page.evaluate("localStorage.setItem('theme', 'dark')")
        page.goto("/")
        take("phone")
        browser.close()


if __name__ == "__main__":
    main()

"""A console with people and alerts, and one browser for all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from console.store.rows import Role
from console.web import accounts
from console.web.accounts import add_account
from tests.console.api.conftest import _only_errors  # noqa: F401
from tests.console.api.serving import Serving, serving
from tests.console.web.seeding import fill
from tests.servers.processes import fetched

PASSWORD = "correct horse battery"
PEOPLE: dict[str, Role] = {"anna": "analyst", "ben": "analyst", "vera": "viewer", "ada": "admin"}
AXE = Path(__file__).parent / "vendor" / "axe.js"


def add_people(running: Serving) -> None:
    """People with one hash, as making each takes a while."""
    made = accounts.hash_of(PASSWORD)
    for name, role in PEOPLE.items():
        add_account(running.services.store, name, role, PASSWORD, running.services.now_ms(), "a test")
    assert accounts.is_password(PASSWORD, made)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Its driver has the event loop of this thread until it is closed, so it is not kept for other modules."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=str(fetched("deploy/servers/chromium/fetch.py")), args=["--no-sandbox"]
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Filled, with sign-in. Opened and closed on another thread: this one has the event loop of the browser's driver."""
    made = serving(tmp_path_factory.mktemp("pages"), require_keys=True, label_delay_ms=300)
    with ThreadPoolExecutor(1) as other:
        running = other.submit(made.__enter__).result()
        fill(running.services.store)
        add_people(running)
        yield running
        other.submit(made.__exit__, None, None, None).result()


Open = Callable[..., Any]


@pytest.fixture
def open_page(console: Serving, browser: Any) -> Iterator[Open]:
    """Opens a page as a person, in a browser profile of their own; fails if a page logged an error or opened a dialog."""
    contexts: list[Any] = []
    problems: list[str] = []

    def make(name: str, path: str = "/", **options: Any) -> Any:
        context = browser.new_context(
            base_url=console.url, viewport={"width": 1366, "height": 768}, reduced_motion="reduce", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: problems.append(f"console: {message.text}")
            if message.type == "error" and "the server responded with a status of" not in message.text
            and "ERR_INCOMPLETE_CHUNKED" not in message.text and "Failed to load resource" not in message.text
            else None,
        )  # fmt: skip
        token = console_token(console, name)
        context.add_cookies([{"name": "fraud_console", "value": token, "url": console.url, "httpOnly": True}])
        page.goto(path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert problems == []


def console_token(running: Serving, name: str) -> str:
    """A sign-in without the form."""
    from console.web.sessions import Sessions

    return Sessions(running.services.store.database, running.services.now_ms).begin(name)


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(accounts, "_COST", 2**10)
    yield
    patch.undo()

"""Attacks on the pages: forged requests, other people's things, roles, planted sessions, hostile texts, hosts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from console.api.access import ACCESS
from console.cases.case_store import CaseStore
from console.cases.queue import QueueFilters, QueueOrder
from console.store.rows import Role
from console.web import sign_in
from console.web.access import PAGES, PageRoute
from console.web.accounts import disable_account, set_role
from console.web.addresses import place_of
from console.web.app import ROUTED
from console.web.rendering import STATIC
from console.web.sessions import COOKIE, IDLE_MS, LONGEST_MS, Sessions
from tests.console.api.serving import Serving
from tests.console.web.conftest import PASSWORD, PEOPLE, console_token
from tests.console.web.seeding import HOSTILE_FORMULA, HOSTILE_ID

FORM = {"case": "1"}


@pytest.fixture
def as_person(console: Serving) -> Iterator[object]:
    clients: list[httpx.Client] = []

    def make(name: str) -> httpx.Client:
        client = httpx.Client(base_url=console.url, cookies={COOKIE: console_token(console, name)}, timeout=30)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


def token_of(client: httpx.Client) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


def test_all_pages_are_in_the_table_and_none_is_in_that_of_the_api() -> None:
    routes = [route for module in ROUTED for route in module.router.routes]
    assert all(isinstance(route, PageRoute) for route in routes)
    assert {(method, route.path) for route in routes for method in route.methods or ()} == set(PAGES)  # type: ignore[attr-defined]
    assert not set(PAGES) & set(ACCESS)


@pytest.mark.parametrize("name", [*PEOPLE, "nobody"])
def test_every_page_with_every_role(console: Serving, as_person: object, name: str) -> None:
    client = httpx.Client(base_url=console.url) if name == "nobody" else as_person(name)  # type: ignore[operator]
    headers = {} if name == "nobody" else {"X-CSRF-Token": token_of(client)}
    for (method, path), roles in PAGES.items():
        if path in ("/live", "/sign-in", "/sign-out", "/static/{path:path}"):
            continue
        address = re.sub(r"\{[a-z:_]+\}", "xx", path)
        answer = client.request(
            method, address, data={"case": "99999999"} if method == "POST" else None, headers=headers
        )
        if name == "nobody":
            assert answer.status_code in (303, 401), (method, path)
            assert "/sign-in" in answer.headers.get("location", "") + answer.headers.get("hx-redirect", "")
        elif roles is not None and PEOPLE[name] not in roles:
            assert answer.status_code == 403, (method, path)
        else:
            assert answer.status_code not in (401, 403, 500), (method, path, answer.text[:300])


def test_forged_requests_change_nothing(console: Serving, as_person: object) -> None:
    anna, ben = as_person("anna"), as_person("ben")  # type: ignore[operator]
    forged = {"outcome": "fraud", **FORM}
    assert anna.post("/cases/outcome", data=forged).status_code == 403
    assert anna.post("/cases/outcome", data={**forged, "csrf": token_of(ben)}).status_code == 403
    assert anna.post("/cases/outcome", data={**forged, "csrf": "é"}).status_code == 403
    right = {"X-CSRF-Token": token_of(anna)}
    other = anna.post("/cases/outcome", data=forged, headers={**right, "Origin": "https://evil.test"})
    assert (other.status_code, other.json()["type"]) == (403, "urn:fraud:problem:other-origin")
    assert anna.post("/cases/outcome", json=forged, headers=right).status_code == 415
    assert anna.get("/cases/outcome", params=forged).status_code == 405
    journal = console.services.store.database
    with journal.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM cases WHERE state = 'closed'").scalar() == 0


def test_views_are_each_ones_own(as_person: object) -> None:
    anna, ben = as_person("anna"), as_person("ben")  # type: ignore[operator]
    anna.post("/views", data={"name": "private", "query": "min_amount=7", "csrf": token_of(anna)})
    assert "private" in anna.get("/").text
    assert "private" not in ben.get("/").text
    ben.post("/views/delete", data={"name": "private", "csrf": token_of(ben)})
    ben.post("/views", data={"name": "private", "query": "min_amount=8", "owner": "anna", "csrf": token_of(ben)})
    assert "min_amount=7" in anna.get("/").text


def test_a_planted_session_is_never_taken_over(console: Serving) -> None:
    planted = "planted-by-an-attacker"
    with httpx.Client(base_url=console.url, cookies={COOKIE: planted}) as client:
        answer = client.post("/sign-in", data={"name": "anna", "password": PASSWORD, "next": "/"})
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"]
        assert planted not in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        first = re.search(rf"{COOKIE}=([^;]+)", cookie)[1]  # type: ignore[index]
    with httpx.Client(base_url=console.url, cookies={COOKIE: planted}) as attacker:
        assert attacker.get("/").status_code == 303
    with httpx.Client(base_url=console.url, cookies={COOKIE: first}) as client:
        again = client.post("/sign-in", data={"name": "anna", "password": PASSWORD})
        assert first not in again.headers["set-cookie"]
    with httpx.Client(base_url=console.url, cookies={COOKIE: first}) as client:
        assert client.get("/").status_code == 303  # it ended with the new sign-in


def test_addresses_after_sign_in_are_those_of_this_console(console: Serving) -> None:
    for target in ("//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "/a\r\nSet-Cookie: x=1"):
        with httpx.Client(base_url=console.url) as client:
            answer = client.post("/sign-in", data={"name": "ada", "password": PASSWORD, "next": target})
            assert answer.headers["location"] == "/", target


def test_roles_and_people_that_change_end_their_sign_ins(console: Serving, as_person: object) -> None:
    from console.web.accounts import add_account

    store, roles = console.services.store, dict[str, Role](max="analyst", mia="analyst")
    for name, role in roles.items():
        add_account(store, name, role, PASSWORD, 1, "a test")
    maxim, mia = as_person("max"), as_person("mia")  # type: ignore[operator]
    assert maxim.get("/").status_code == mia.get("/").status_code == 200
    set_role(store, "max", "viewer", 2, "a test")
    disable_account(store, "mia", 2, "a test")
    assert maxim.get("/").status_code == mia.get("/").status_code == 303
    again = as_person("max")  # type: ignore[operator]
    forbidden = again.post("/cases/outcome", data={**FORM, "outcome": "fraud", "csrf": token_of(again)})
    assert forbidden.status_code == 403
    assert "you are a viewer" in forbidden.text
    signed = httpx.post(f"{console.url}/sign-in", data={"name": "mia", "password": PASSWORD})
    assert signed.status_code == 401


def test_sign_ins_end_when_idle_and_after_half_a_day(console: Serving) -> None:
    now = [1_767_700_000_000]
    sessions = Sessions(console.services.store.database, lambda: now[0])
    token = sessions.begin("anna")
    for _ in range(3):
        now[0] += IDLE_MS
        assert sessions.find(token) is not None
    now[0] += IDLE_MS + 1
    assert sessions.find(token) is None
    token, start = sessions.begin("anna"), now[0]
    while now[0] + IDLE_MS <= start + LONGEST_MS:
        now[0] += IDLE_MS
        assert sessions.find(token) is not None
    now[0] = start + LONGEST_MS + 1
    assert sessions.find(token) is None
    token = sessions.begin("anna")
    now[0] += IDLE_MS - 1
    assert sessions.find(token, is_activity=False) is not None
    now[0] += 2
    assert sessions.find(token) is None


def test_guessing_passwords_is_slow_and_tells_nothing(console: Serving) -> None:
    post = lambda name: httpx.post(f"{console.url}/sign-in", data={"name": name, "password": "x" * 12})  # noqa: E731
    unknown, known = post("nobody-here"), post("vera")
    assert (unknown.status_code, known.status_code) == (401, 401)
    assert unknown.text.replace("nobody-here", "") == known.text.replace("vera", "")
    assert [post("vera").status_code for _ in range(12)][-1] == 429


def test_people_behind_one_proxy_sign_in_without_locking_each_other_out(
    console: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = SlidingWindowCounterRateLimiter(MemoryStorage())
    monkeypatch.setattr(sign_in, "_tries", tries)
    monkeypatch.setattr(sign_in, "_A_NAME", RateLimitItemPerMinute(1_000))
    monkeypatch.setattr(sign_in, "_AN_ADDRESS", RateLimitItemPerMinute(3))

    def status(password: str) -> int:
        return httpx.post(f"{console.url}/sign-in", data={"name": "vera", "password": password}).status_code

    assert [status(PASSWORD) for _ in range(6)] == [303] * 6
    assert [status("x" * 12) for _ in range(4)] == [401, 401, 401, 429]
    assert status(PASSWORD) == 429


def test_hostile_texts_stay_texts_on_all_pages_and_exports(console: Serving, as_person: object) -> None:
    client = as_person("ada")  # type: ignore[operator]
    alerts = {}
    for link in re.findall(r'href="(/alerts/[0-9a-f]+)"', client.get("/").text):
        alerts[link] = client.get(link)
    pages = [*alerts.values()] + [
        client.get(path)
        for path in ("/", "/system", "/parties/user/U0", "/parties/user/U3", f"/parties/merchant/{HOSTILE_ID}",
                     "/?text=<script>", f"/?assignee={HOSTILE_ID}", "/parties/device/D0", "/rules/burst",
                     f"/rules/{HOSTILE_ID}")
    ]  # fmt: skip
    assert any("{{7*7}}" in page.text for page in alerts.values())
    for page in pages:
        assert page.status_code in (200, 404)
        for hostile in ("<script>", "<img/src", "onmouseover='"):
            assert hostile not in page.text, page.url
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
    rows = list(csv.reader(io.StringIO(client.get("/queue.csv").content.decode("utf-8-sig"))))
    merchants = {row[3] for row in rows[1:]}
    assert f"'{HOSTILE_FORMULA}" in merchants
    assert not [cell for row in rows[1:] for cell in row if cell[:1] in "=+-@" and cell]
    for link in alerts:
        pdf = client.get(f"{link}/export.pdf")
        assert pdf.content.startswith(b"%PDF")
        assert not re.search(rb"/(JavaScript|JS|AA|Launch|URI)\b|/OpenAction (?!\[)", pdf.content)
        exported = client.get(f"{link}/export.json")
        assert exported.headers["content-type"] == "application/json"
        assert exported.headers["content-disposition"].startswith("attachment")


def test_static_files_are_those_of_the_folder_and_no_others(console: Serving) -> None:
    for path in ("../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", "vendor/../../app.py", "VENDORED", "x.js"):
        answer = httpx.get(f"{console.url}/static/{path}")
        assert answer.status_code == 404, path
    script = httpx.get(f"{console.url}/static/console.js?v=1")
    assert script.headers["cache-control"].startswith("public")
    assert script.headers["x-content-type-options"] == "nosniff"


def test_pages_load_nothing_from_elsewhere(console: Serving, as_person: object) -> None:
    client = as_person("vera")  # type: ignore[operator]
    for path in ("/", "/system", "/models", "/rules", "/privacy"):
        loaded = re.findall(r'(?:src|href)="([^"]+)"', client.get(path).text)
        assert loaded
        assert all(one.startswith(("/", "#")) and not one.startswith("//") for one in loaded)
    for file in (*STATIC.glob("*.css"), *STATIC.glob("vendor/*.css")):
        assert not re.search(r"url\(|@import", file.read_text())


def test_without_sign_in_a_token_is_needed_all_the_same(tmp_path: Path) -> None:
    from tests.console.api.serving import serving

    with serving(tmp_path, with_scorer=False) as running:
        get, post = running.client.get, running.client.post
        assert "local · admin" in get("/").text
        assert post("/cases/outcome", data={"outcome": "fraud", **FORM}).status_code == 403
        assert get("/", headers={"Host": "evil.test"}).status_code == 421
        token = token_of(running.client)
        told = post("/cases/outcome", data={"outcome": "fraud", **FORM, "csrf": token}).json()
        assert told == {"done": [], "refused": {"1": "there is no case 1"}}


@pytest.mark.parametrize("number", ["99999999999999999999999", "-1e300", "nan", "inf", "x", ""])
def test_numbers_that_no_filter_can_have_are_left_out(number: str) -> None:
    for name in ("min_score", "min_amount"):
        assert place_of(f"{name}={number}").filters == QueueFilters()
    assert place_of("min_score=500&min_amount=12.5").filters == QueueFilters(min_score=500, min_amount=12.5)


def test_snoozes_hold_against_other_rules_blocks_and_roles(console: Serving, as_person: object) -> None:
    anna, vera = as_person("anna"), as_person("vera")  # type: ignore[operator]
    rows = CaseStore(console.services.store.database, console.services.now_ms).page(QueueFilters(), QueueOrder())
    alert = next(one for one in rows if one.action == "refer_to_analyst")
    block = next(one for one in rows if one.action == "hard_block")
    form = {"rule": "burst", "days": "7", "reason": "x", "csrf": token_of(anna)}
    post = lambda one, **changes: anna.post(f"/alerts/{one.decision_id}/snooze", data={**form, **changes})  # noqa: E731
    assert post(block).status_code == 409
    for changes in (
        {"rule": "other"}, {"rule": ""}, {"days": "0"}, {"days": "-1"}, {"days": "91"}, {"days": "9" * 30}, {"days": "x"},
        {"reason": ""}, {"reason": "x" * 501},
    ):  # fmt: skip
        assert post(alert, **changes).status_code in (409, 422), changes
    assert vera.post(
        f"/alerts/{alert.decision_id}/snooze", data={**form, "csrf": token_of(vera)}
    ).status_code == 403  # fmt: skip
    assert post(alert, csrf="").status_code == 403
    assert anna.post("/snoozes/end", data={"snooze": "99999", "csrf": token_of(anna)}).status_code == 409
    cases = CaseStore(console.services.store.database, console.services.now_ms)
    assert cases.count(QueueFilters(state="snoozed")) == 0


def test_files_are_saved_and_never_shown(console: Serving, as_person: object) -> None:
    anna, vera = as_person("anna"), as_person("vera")  # type: ignore[operator]
    store = CaseStore(console.services.store.database, console.services.now_ms)
    one, other = store.page(QueueFilters(user_id="U0"), QueueOrder())[:2]
    as_file = {"Content-Type": "application/octet-stream"}

    def send(client: httpx.Client, name: str, content: bytes, **headers: str) -> httpx.Response:
        token = {"X-CSRF-Token": token_of(client)}
        address = f"/alerts/{one.decision_id}/files"
        return client.post(address, params={"name": name}, content=content, headers={**as_file, **token, **headers})

    hostile = '../../<img src=x onerror=alert(6)>";\r\nSet-Cookie: a=b;\u202etxt.txt'
    page = b"<script>alert(7)</script>"
    added = send(anna, hostile, page)
    assert added.status_code == 200
    assert "<img" not in added.text
    (made,) = store.files(one.case_id)
    saved = vera.get(f"/alerts/{one.decision_id}/files/{made.file_id}")
    assert saved.content == page
    assert saved.headers["content-type"] == "text/plain; charset=utf-8"
    assert saved.headers["x-content-type-options"] == "nosniff"
    assert saved.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert saved.headers["content-disposition"].startswith('attachment; filename="_img src_x onerror_alert(6)')
    assert "set-cookie" not in saved.headers
    assert saved.headers["content-disposition"].count('"') == 2
    for name, content in (("a.html", page), ("a.svg", b"<svg onload=alert(8)>"), ("a.png", page), ("", b"x")):
        assert send(anna, name, content).status_code == 415, name
    assert send(anna, "a.txt", b"x", **{"Content-Type": "text/html"}).status_code == 415
    assert send(anna, "a.txt", b"x", **{"Content-Type": "multipart/form-data; boundary=x"}).status_code == 415
    assert send(anna, "a.txt", b"").status_code == 413
    assert send(anna, "a.txt", b"x" * (10 * 1024 * 1024 + 1)).status_code == 413
    assert send(anna, "a.txt", b"x", **{"X-CSRF-Token": "wrong"}).status_code == 403
    assert send(anna, "a.txt", b"x", Origin="https://evil.test").status_code == 403
    assert send(vera, "a.txt", b"x").status_code == 403
    assert anna.get(f"/alerts/{other.decision_id}/files/{made.file_id}").status_code == 404
    for file in ("0", "-1", "1e3", "9" * 40, "x", "../1"):
        assert anna.get(f"/alerts/{one.decision_id}/files/{file}").status_code == 404, file
    remove = lambda client, alert: client.post(  # noqa: E731
        f"/alerts/{alert.decision_id}/files/{made.file_id}/remove", data={"csrf": token_of(client)}
    )
    assert (remove(anna, other).status_code, remove(vera, one).status_code) == (404, 403)
    assert store.files(one.case_id) == [made]
    exported = anna.get(f"/alerts/{one.decision_id}/export.json").json()
    assert exported["files"][0]["sha256"] == made.sha256
    assert remove(anna, one).status_code == 200
    assert store.files(one.case_id) == []
    ada = as_person("ada")  # type: ignore[operator]
    audit = ada.get("/system").text
    assert all(what in audit for what in ("file added", "file downloaded", "file removed"))


def test_a_slow_file_is_given_up(console: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket
    import time
    from urllib.parse import urlsplit

    from console.web import files

    monkeypatch.setattr(files, "UPLOAD_SECONDS", 0.5)
    token, parts = console_token(console, "anna"), urlsplit(console.url)
    store = CaseStore(console.services.store.database, console.services.now_ms)
    alert = store.page(QueueFilters(user_id="U0"), QueueOrder())[0].decision_id
    with httpx.Client(base_url=console.url, cookies={COOKIE: token}) as client:
        csrf = token_of(client)
    head = (
        f"POST /alerts/{alert}/files?name=a.txt HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {COOKIE}={token}\r\n"
        f"X-CSRF-Token: {csrf}\r\nX-Requested-With: console\r\nContent-Type: application/octet-stream\r\n"
        "Content-Length: 1000\r\n\r\n"
    )
    began = time.monotonic()
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as connection:
        connection.sendall(head.encode() + b"x" * 10)
        answer = connection.recv(4_096)
    assert b" 408 " in answer.splitlines()[0]
    assert time.monotonic() - began < 5


def test_nobody_is_erased_by_accident_or_by_a_lower_role(console: Serving, as_person: object) -> None:
    anna, ada = as_person("anna"), as_person("ada")  # type: ignore[operator]
    form = {"user": "U1", "confirm": "U1"}
    assert anna.post("/erasures", data={**form, "csrf": token_of(anna)}).status_code == 403
    assert anna.get("/erasures/held").status_code == 403
    assert ada.post("/erasures", data=form).status_code == 403
    assert ada.post("/erasures", data={**form, "csrf": token_of(anna)}).status_code == 403
    token = token_of(ada)
    for changes in ({"confirm": ""}, {"confirm": "U2"}, {"user": ""}, {"user": "two words"}, {"user": "x" * 65}):
        answer = ada.post("/erasures", data={**form, **changes, "csrf": token})
        assert answer.status_code == 422, changes
    assert console.services.store.timeline("U1").items

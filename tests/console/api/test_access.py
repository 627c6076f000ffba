"""Every route with every role; keys, their rates, and what pages of other sites can do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from console.api.access import ACCESS, GuardedRoute
from console.api.app import ROUTED
from console.api.key_changes import add_key, revoke_key
from console.server import ConsoleOptions, StartError, opened
from console.settings import ApiSettings, SettingsError
from console.store.rows import ROLES, Role
from tests.console.api.serving import START_MS, Serving, payment, serving, wait_for

Keys = dict[str, str]
SCORES, READS = {"scorer", "admin"}, {"viewer", "analyst", "admin"}
FIRST = {"transaction_id": "A1", "user_id": "A", "timestamp": START_MS, "amount": 1}
CASES: list[tuple[str, str, set[str] | None, int, dict[str, Any]]] = [
    ("POST", "/v1/decisions", SCORES, 200, {"json": FIRST}),
    ("POST", "/v1/decisions:batch", SCORES, 200, {"json": []}),
    ("POST", "/v1/events", SCORES, 202,
     {"json": {"type": "login", "event_id": "A2", "user_id": "A", "timestamp": START_MS}}),
    ("POST", "/api/check-fraud", SCORES, 200, {"json": {"user_id": "A", "amount": 1}}),
    ("POST", "/predict", SCORES, 200, {"json": {"user_id": "A", "amount": 1}}),
    ("GET", "/v1/decisions", READS, 200, {}),
    ("GET", "/v1/decisions/{decision_id}", READS, 404, {}),
    ("GET", "/v1/users/{user_id}/timeline", READS, 200, {}),
    ("GET", "/v1/alerts", READS, 200, {}),
    ("GET", "/v1/dead-letters", READS, 200, {}),
    ("GET", "/v1/rules", READS, 200, {}),
    ("GET", "/v1/rules/proposals", READS, 409, {}),
    ("POST", "/v1/rules/proposals", {"analyst", "admin"}, 409, {"json": {}}),
    ("POST", "/v1/rules/proposals/{proposal_id}/approval", {"analyst", "admin"}, 409, {"json": {}}),
    ("POST", "/v1/rules/proposals/{proposal_id}/publish", {"analyst", "admin"}, 409, {"json": {}}),
    ("GET", "/v1/control/history", READS, 409, {}),
    ("GET", "/v1/bundles", READS, 200, {}),
    ("GET", "/v1/audit", {"admin"}, 200, {}),
    ("POST", "/v1/erasures", {"admin"}, 200, {"json": {"user_id": "erased"}}),
    ("GET", "/v1/versions", SCORES | READS, 200, {}),
    ("GET", "/metrics", READS, 200, {}),
    ("GET", "/livez", None, 200, {}),
    ("GET", "/readyz", None, 200, {}),
]  # fmt: skip


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("locked"), require_keys=True) as running:
        yield running


@pytest.fixture(scope="module")
def keys(locked: Serving) -> Keys:
    return {role: add_key(locked.services.store, f"key-{role}", role, START_MS, "a test") for role in ROLES}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_the_cases_are_all_routes() -> None:
    assert {(method, path) for method, path, *_ in CASES} == set(ACCESS)
    assert set(get_args(Role)) == {"scorer", "viewer", "analyst", "admin"}


def test_all_routes_look_at_the_caller(locked: Serving) -> None:
    routes = [route for module in ROUTED for route in module.router.routes if isinstance(route, GuardedRoute)]
    assert len(routes) == sum(len(module.router.routes) for module in ROUTED)
    listed = {(method, route.path_format) for route in routes for method in route.methods or ()}
    assert listed == set(ACCESS)
    document = locked.client.get("/openapi.json").json()
    assert {(method.upper(), path) for path, item in document["paths"].items() for method in item} == set(ACCESS)


@pytest.mark.parametrize("role", [*ROLES, "nobody", "stranger"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
def test_every_route_with_every_role(locked: Serving, keys: Keys, role: str, case: Any) -> None:
    method, path, roles, expected, options = case
    headers = {"nobody": {}, "stranger": bearer("fd_unknown")}.get(role) if role not in keys else bearer(keys[role])
    answer = locked.client.request(
        method, path.format(decision_id="0f", user_id="A", proposal_id=1), headers=headers, **options
    )
    if roles is None or role in roles:
        assert answer.status_code == expected, answer.text
    elif role in keys:
        assert answer.status_code == 403
        assert f"has the role {role}; this needs" in answer.json()["detail"]
    else:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_key_is_taken_in_either_header_and_not_twice(locked: Serving, keys: Keys) -> None:
    get = locked.client.get
    assert get("/v1/versions", headers={"X-API-Key": keys["viewer"]}).status_code == 200
    both = get("/v1/versions", headers={"X-API-Key": keys["viewer"], **bearer(keys["viewer"])})
    assert (both.status_code, both.json()["type"]) == (401, "urn:fraud:problem:several-keys")
    basic = get("/v1/versions", headers={"Authorization": "Basic dTpw"})
    assert (basic.status_code, basic.json()["type"]) == (401, "urn:fraud:problem:other-scheme")
    odd = get("/v1/versions", headers={b"X-API-Key": b"\xe9"})
    assert odd.status_code == 401


def test_a_revoked_key_is_refused_within_seconds_and_both_changes_are_audited(locked: Serving) -> None:
    store = locked.services.store
    secret = add_key(store, "short-lived", "viewer", START_MS, "a test")
    time.sleep(0.25)
    assert locked.client.get("/v1/rules", headers=bearer(secret)).status_code == 200
    revoke_key(store, "short-lived", START_MS + 1, "a test")
    wait_for(lambda: locked.client.get("/v1/rules", headers=bearer(secret)).status_code == 401, seconds=6)
    audited = [entry for entry in store.audit_log(None, 100).items if entry.subject == "short-lived"]
    assert [(entry.who, entry.what) for entry in audited] == [("a test", "key revoked"), ("a test", "key added")]
    assert audited[0].before is not None
    assert audited[0].before["state"] == "in force"
    kept = next(key for key in store.keys() if key.name == "short-lived")  # noqa: SIM118
    assert secret not in str(kept)
    assert secret not in str(audited)


def test_without_keys_only_this_machine_is_served(tmp_path: Path) -> None:
    options = ConsoleOptions(
        api=ApiSettings(host="0.0.0.0", port=0), store_url=f"sqlite:///{tmp_path / 'store.sqlite'}"
    )
    with pytest.raises(StartError, match="fraud console keys add NAME --role admin"), opened(options):
        pass
    with pytest.raises(SettingsError, match="API keys are needed"):
        ApiSettings(host="0.0.0.0", require_keys=False)
    assert [ApiSettings(host=host).needs_keys for host in ("127.0.0.1", "::1", "localhost", "10.0.0.1", "box")] == [
        False, False, False, True, True,
    ]  # fmt: skip


def test_an_unknown_key_is_refused_also_where_none_is_needed(client: httpx.Client) -> None:
    assert client.get("/v1/rules", headers=bearer("fd_unknown")).status_code == 401


def test_a_key_has_a_rate_of_its_own(tmp_path: Path) -> None:
    with serving(tmp_path, require_keys=True, requests_per_minute=5) as running:
        one = bearer(add_key(running.services.store, "one", "admin", START_MS, "a test"))
        two = bearer(add_key(running.services.store, "two", "admin", START_MS, "a test"))
        statuses = [running.client.get("/v1/rules", headers=one).status_code for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        refused = running.client.get("/v1/rules", headers=one)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.json()["detail"].startswith("more than 5 requests a minute by 'one'; wait ")
        batch = running.client.post("/v1/decisions:batch", json=[payment() for _ in range(6)], headers=two)
        assert batch.status_code == 429
        assert running.client.get("/v1/rules", headers=two).status_code == 200


def test_pages_of_other_sites_and_other_names_are_refused(client: httpx.Client) -> None:
    rebound = client.get("/v1/decisions", headers={"Host": "evil.example:8717"})
    assert (rebound.status_code, rebound.json()["type"]) == (421, "urn:fraud:problem:other-host")
    assert client.get("/v1/decisions", headers={"Host": "localhost:8717"}).status_code == 200
    foreign = client.post("/v1/events", json={}, headers={"Origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json()["type"]) == (403, "urn:fraud:problem:other-origin")
    form = client.post("/v1/events", content=b"{}", headers={"Content-Type": "text/plain"})
    assert form.status_code == 415
    preflight = client.options(
        "/v1/decisions", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 403
    assert not [name for name in preflight.headers if name.startswith("access-control-")]


def test_answers_have_the_headers_that_keep_browsers_out(client: httpx.Client) -> None:
    for answer in (client.get("/v1/decisions"), client.get("/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "server" not in answer.headers


def test_a_proxy_in_front_is_called_by_the_name_that_was_given(tmp_path: Path) -> None:
    with serving(tmp_path, allowed_hosts=("fraud.bank.example",)) as running:

        def status(**headers: str) -> int:
            return running.client.post("/v1/decisions", json=payment(), headers=headers).status_code

        assert status(Host="fraud.bank.example") == 200
        assert status() == 200  # its own name
        assert status(Host="other.example") == 421
        assert status(Origin="https://fraud.bank.example") == 200  # the proxy sent another Host
        assert status(Host="fraud.bank.example", Origin="https://fraud.bank.example") == 200
        assert status(Origin="https://other.example") == 403
        assert status(Origin="https://fraud.bank.example:8443") == 403
        assert status(Origin="null") == 403

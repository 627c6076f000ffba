"""People sign in with a provider, and every lie on the way ends on one page that says nothing."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from limits import RateLimitItemPerMinute

from console.oidc import provider as provider_module
from console.oidc import signing_in
from console.oidc.settings import OidcClient, OidcSettings
from console.web import sign_in
from console.web.accounts import accounts, add_account, disable_account
from console.web.oidc_sign_in import COOKIE as BROWSER
from console.web.sessions import COOKIE
from tests.cluster.conftest import free_ports
from tests.console.api.serving import Serving, serving
from tests.console.oidc.provider import CLIENT, SECRET, LocalProvider, SigningKey, as_part, encoded

ROLES = {"auditors": "viewer", "analysts": "analyst", "admins": "admin"}
CALLBACK = "/sign-in/oidc/callback"


class World(NamedTuple):
    provider: LocalProvider
    running: Serving

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.running.url, timeout=30)

    def begun(self, browser: httpx.Client, **query: str) -> dict[str, str]:
        """What the console asks of the provider."""
        answer = browser.get("/sign-in/oidc", params=query)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith(f"{self.provider.issuer}/authorize?")
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    def signed_in(self, browser: httpx.Client, **query: str) -> httpx.Response:
        """What the browser gets that comes back from the provider."""
        asked = self.begun(browser, **query)
        return browser.get(CALLBACK, params={"code": self.provider.code_for(asked), "state": asked["state"]})

    def refusals(self) -> list[str]:
        entries = self.running.services.store.audit_log(None, 100).items
        return [str((one.after or {}).get("provider")) for one in entries if one.what == "sign-in refused"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(provider_module, "LEAST_SECONDS_BETWEEN_KEYS", 0.0)
    monkeypatch.setattr(sign_in, "_AN_ADDRESS", RateLimitItemPerMinute(10_000))
    (port,) = free_ports(1)
    with LocalProvider() as provider:
        settings = OidcSettings(
            issuer=provider.issuer, client_id=CLIENT, address=f"http://127.0.0.1:{port}/", roles=ROLES,  # type: ignore[arg-type]
            label="Bank login",
        )  # fmt: skip
        with serving(
            tmp_path, with_scorer=False, require_keys=True, listen_port=port, oidc=OidcClient(settings, SECRET)
        ) as running:
            yield World(provider, running)


def is_in(answer: httpx.Response) -> bool:
    return any(cookie.startswith(f"{COOKIE}=") for cookie in answer.headers.get_list("set-cookie"))


def test_a_person_of_the_provider_works_under_its_name_and_role(world: World) -> None:
    with world.browser() as browser:
        answer = world.signed_in(browser, next="/rules?x=1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/rules?x=1")
        cookies = answer.headers.get_list("set-cookie")
        assert any("HttpOnly" in one and "SameSite=lax" in one for one in cookies if one.startswith(f"{COOKIE}="))
        assert "olga@bank.example · analyst" in browser.get("/").text
    (account,) = accounts(world.running.services.store.database)
    assert (account.name, account.role) == ("olga@bank.example", "analyst")
    audited = world.running.services.store.audit_log(None, 10).items
    assert [(one.who, one.what) for one in audited] == [
        ("olga@bank.example", "signed in"),
        ("provider", "person added"),
    ]


def test_roles_follow_the_provider_at_each_sign_in_the_most_one_holds(world: World) -> None:
    with world.browser() as browser:
        for groups, role in ((["admins", "auditors"], "admin"), ("auditors", "viewer"), (["analysts"], "analyst")):
            world.provider.person["groups"] = groups
            assert is_in(world.signed_in(browser))
            assert f"olga@bank.example · {role}" in browser.get("/").text


def test_the_sign_in_page_offers_the_provider_and_keeps_the_way_back(world: World) -> None:
    with world.browser() as browser:
        page = browser.get("/sign-in", params={"next": "/rules?a=b"}).text
    assert 'href="/sign-in/oidc?next=/rules%3Fa%3Db"' in page
    assert "Sign in with Bank login" in page


def test_a_way_back_to_elsewhere_is_not_followed(world: World) -> None:
    with world.browser() as browser:
        assert world.signed_in(browser, next="https://evil.test/").headers["location"] == "/"


def test_a_new_key_of_the_provider_is_fetched_and_the_old_one_refused(world: World) -> None:
    with world.browser() as browser:
        assert is_in(world.signed_in(browser))
        old, world.provider.key = world.provider.key, SigningKey("second")
        world.provider.keys = [world.provider.key.public()]
        assert is_in(world.signed_in(browser))
        world.provider.token = old.token
        answer = world.signed_in(browser)
    assert (answer.status_code, is_in(answer)) == (401, False)


def test_tokens_with_unknown_keys_do_not_make_it_ask_each_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_module, "LEAST_SECONDS_BETWEEN_KEYS", 60.0)
    stranger = SigningKey("stranger")
    world.provider.token = stranger.token
    with world.browser() as browser:
        for _ in range(5):
            assert world.signed_in(browser).status_code == 401
    assert world.provider.asked.count("/keys") == 1


def _with_none(world: World) -> Callable[[dict[str, Any]], str]:
    return lambda claims: f"{as_part({'alg': 'none', 'kid': 'first'})}.{as_part(claims)}."


def _with_public_key_as_secret(world: World) -> Callable[[dict[str, Any]], str]:
    def made(claims: dict[str, Any]) -> str:
        signed = f"{as_part({'alg': 'HS256', 'kid': 'first'})}.{as_part(claims)}"
        return f"{signed}.{encoded(hmac.digest(world.provider.key.pem(), signed.encode(), 'sha256'))}"

    return made


def _with_client_secret(world: World) -> Callable[[dict[str, Any]], str]:
    def made(claims: dict[str, Any]) -> str:
        signed = f"{as_part({'alg': 'HS256', 'kid': 'first'})}.{as_part(claims)}"
        return f"{signed}.{encoded(hmac.digest(SECRET.encode(), signed.encode(), 'sha256'))}"

    return made


def _of_another_key(world: World) -> Callable[[dict[str, Any]], str]:
    return SigningKey("first").token


def _with_other_claims_than_signed(world: World) -> Callable[[dict[str, Any]], str]:
    def made(claims: dict[str, Any]) -> str:
        head, _, signature = world.provider.key.token(claims).split(".")
        return f"{head}.{as_part(claims | {'groups': ['admins']})}.{signature}"

    return made


TOKENS: dict[str, Callable[[World], Callable[[dict[str, Any]], str]]] = {
    "no signature": _with_none, "the public key as a secret": _with_public_key_as_secret,
    "the client's secret": _with_client_secret, "another key": _of_another_key,
    "other claims than signed": _with_other_claims_than_signed, "no token": lambda world: lambda claims: "x",
    "an empty token": lambda world: lambda claims: "", "too large": lambda world: lambda claims: "x" * 200_000,
}  # fmt: skip
CLAIMS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "other"}, "no nonce": {"nonce": None}, "nonces": {"nonce": ["a", "b"]},
    "another issuer": {"iss": "https://evil.test"}, "another audience": {"aud": "other"}, "no audience": {"aud": None},
    "several audiences": {"aud": [CLIENT, "other"]}, "authorised for another": {"azp": "other"},
    "expired": {"exp": 1_600_000_000}, "without an end": {"exp": None}, "an endless end": {"exp": "never"},
    "issued in the future": {"iat": 4_000_000_000}, "not valid yet": {"nbf": 4_000_000_000}, "no subject": {"sub": None},
    "no role": {"groups": ["all"]}, "roles of another form": {"groups": {"analysts": True}}, "no name": {"email": None},
    "a name that is none": {"email": "<script>"}, "a name that is a list": {"email": ["olga@bank.example"]},
    "an address not verified": {"email_verified": False},
}  # fmt: skip


@pytest.mark.parametrize("lie", TOKENS)
def test_a_token_that_the_provider_did_not_sign_is_refused(world: World, lie: str) -> None:
    world.provider.token = TOKENS[lie](world)
    assert_refused(world)


@pytest.mark.parametrize("lie", CLAIMS)
def test_a_token_that_says_something_else_is_refused(world: World, lie: str) -> None:
    key = world.provider.key
    world.provider.token = lambda claims: key.token(
        {name: value for name, value in (claims | CLAIMS[lie]).items() if value is not None}
    )
    assert_refused(world)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.test"},
        {"token_endpoint": "http://evil.test/token"},
        {"jwks_uri": 7},
        {"jwks_uri": "/keys"},
    ],
    ids=str,
)
def test_a_provider_that_describes_itself_wrongly_is_refused(world: World, changes: dict[str, Any]) -> None:
    world.provider.changes = changes
    with world.browser() as browser:
        answer = browser.get("/sign-in/oidc")
    assert_says_nothing(world, answer)


def test_a_state_that_was_not_given_or_was_used_is_refused(world: World) -> None:
    with world.browser() as browser:
        asked = world.begun(browser)
        code = world.provider.code_for(asked)
        assert_says_nothing(world, browser.get(CALLBACK, params={"code": code, "state": "other"}))
        asked = world.begun(browser)
        back = {"code": world.provider.code_for(asked), "state": asked["state"]}
        assert is_in(browser.get(CALLBACK, params=back))
        assert_says_nothing(world, browser.get(CALLBACK, params=back))


def test_a_code_that_was_used_is_refused_with_a_new_state_too(world: World) -> None:
    with world.browser() as browser, world.browser() as attacker:
        asked = world.begun(browser)
        code = world.provider.code_for(asked)
        assert is_in(browser.get(CALLBACK, params={"code": code, "state": asked["state"]}))
        again = world.begun(attacker)
        assert_says_nothing(world, attacker.get(CALLBACK, params={"code": code, "state": again["state"]}))
    assert "answers /token with 400" in world.refusals()[0]


def test_a_sign_in_of_another_browser_is_refused(world: World) -> None:
    with world.browser() as attacker, world.browser() as victim:
        asked = world.begun(attacker)
        back = {"code": world.provider.code_for(asked), "state": asked["state"]}
        assert_says_nothing(world, victim.get(CALLBACK, params=back))
        world.begun(victim)
        asked = world.begun(attacker)
        back = {"code": world.provider.code_for(asked), "state": asked["state"]}
        assert victim.cookies.get(BROWSER)
        assert_says_nothing(world, victim.get(CALLBACK, params=back))


def test_a_sign_in_that_took_too_long_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.browser() as browser:
        asked = world.begun(browser)
        back = {"code": world.provider.code_for(asked), "state": asked["state"]}
        monkeypatch.setattr(signing_in, "LASTS_MS", -1)
        assert_says_nothing(world, browser.get(CALLBACK, params=back))
    assert "longer than ten minutes" in world.refusals()[0]


@pytest.mark.parametrize(
    "query", [{}, {"error": "<script>alert(1)</script>"}, {"code": "x"}, {"code": "x" * 5_000, "state": "s"}]
)
def test_a_way_back_without_code_and_state_is_refused(world: World, query: dict[str, str]) -> None:
    with world.browser() as browser:
        world.begun(browser)
        assert_says_nothing(world, browser.get(CALLBACK, params=query))


def test_a_name_of_somebody_who_signs_in_by_password_is_not_taken_over(world: World) -> None:
    store = world.running.services.store
    add_account(store, "olga@bank.example", "admin", "correct horse battery", 0, "a test")
    assert_refused(world)
    assert [one.role for one in accounts(store.database)] == ["admin"]


def test_a_name_that_another_person_of_the_provider_had_is_not_taken_over(world: World) -> None:
    with world.browser() as browser:
        assert is_in(world.signed_in(browser))
    world.provider.person["sub"] = "8"
    assert_refused(world)


def test_who_was_disabled_is_refused(world: World) -> None:
    with world.browser() as browser:
        assert is_in(world.signed_in(browser))
        disable_account(world.running.services.store, "olga@bank.example", 1, "a test")
        assert browser.get("/").status_code == 303
    assert_refused(world)


@pytest.mark.parametrize("password", ["", "oidc$", "correct horse battery"])
def test_people_of_the_provider_have_no_password(world: World, password: str) -> None:
    with world.browser() as browser:
        assert is_in(world.signed_in(browser))
    with world.browser() as browser:
        answer = browser.post("/sign-in", data={"name": "olga@bank.example", "password": password})
    assert (answer.status_code, is_in(answer)) == (401, False)


def test_a_provider_that_is_away_is_told_on_the_same_page(world: World) -> None:
    world.provider.changes = {"token_endpoint": f"http://127.0.0.1:{free_ports(1)[0]}/token"}
    assert_refused(world)
    assert "does not answer /token" in world.refusals()[0]


def test_too_many_tries_of_an_address_have_to_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "_AN_ADDRESS", RateLimitItemPerMinute(3))
    with world.browser() as browser:
        assert [browser.get("/sign-in/oidc").status_code for _ in range(6)] == [303] * 6  # no failures
        refused = [browser.get("/sign-in/oidc/callback?error=access_denied").status_code for _ in range(3)]
        assert refused == [401, 401, 401]
        statuses = [browser.get("/sign-in/oidc").status_code]
        assert statuses[-1] == 429
        assert browser.get(CALLBACK, params={"code": "x", "state": "y"}).status_code == 429


def assert_refused(world: World) -> None:
    with world.browser() as browser:
        assert_says_nothing(world, world.signed_in(browser))


def assert_says_nothing(world: World, answer: httpx.Response) -> None:
    """The page of all refusals: the same words, no session; the reason is in the audit log."""
    assert (answer.status_code, is_in(answer)) == (401, False)
    (told,) = re.findall(r'role="alert">([^<]+)<', answer.text)
    assert told.startswith("Signing in did not work.")
    assert "script>" not in told
    assert world.refusals()

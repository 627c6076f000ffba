"""Sign-ins that were begun in a browser and come back from the provider: each once, to the same browser, in ten minutes."""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from console.oidc.errors import SignInRefused
from console.oidc.provider import Provider
from console.oidc.settings import OidcClient
from console.oidc.tokens import Person, person_of

LASTS_MS = 10 * 60_000
MOST_BEGUN = 10_000


class Begun(NamedTuple):
    """`address`: of the provider, where the browser goes. `browser`: a secret that stays with the browser."""

    address: str
    browser: str


class _Waiting(NamedTuple):
    begun_ms: int
    browser_hash: bytes
    nonce: str
    verifier: str
    target: str


class SigningIn:
    """Sign-ins at one provider. Thread-safe; methods block. What was begun ends with this process."""

    def __init__(self, client: OidcClient, provider: Provider, now_ms: Callable[[], int]) -> None:
        self.settings = client.settings
        self._provider = provider
        self._now_ms = now_ms
        self._lock = Lock()
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()

    def begin(self, target: str) -> Begun:
        """`target`: the page to go to afterwards. Raises SignInRefused if the provider does not answer."""
        endpoint = self._provider.addresses().authorization_endpoint
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        waiting = _Waiting(self._now_ms(), _hash(browser), nonce, verifier, target)
        with self._lock:
            self._waiting[state] = waiting
            for oldest in list(self._waiting)[:2]:
                if len(self._waiting) > MOST_BEGUN or self._is_over(self._waiting[oldest]):
                    del self._waiting[oldest]
        query = {
            "response_type": "code", "client_id": self.settings.client_id, "redirect_uri": self.settings.callback,
            "scope": " ".join(self.settings.scopes), "state": state, "nonce": nonce,
            "code_challenge": urlsafe_b64encode(_hash(verifier)).rstrip(b"=").decode(), "code_challenge_method": "S256",
        }  # fmt: skip
        separator = "&" if urlsplit(endpoint).query else "?"
        return Begun(f"{endpoint}{separator}{urlencode(query)}", browser)

    def finish(self, state: str, code: str, browser: str) -> tuple[Person, str]:
        """The person, and the page to go to. Raises SignInRefused."""
        with self._lock:
            waiting = self._waiting.pop(state, None)
        if waiting is None:
            raise SignInRefused("no sign-in with this state was begun, or it was used already")
        if self._is_over(waiting):
            raise SignInRefused("the sign-in took longer than ten minutes")
        if not hmac.compare_digest(_hash(browser), waiting.browser_hash):
            raise SignInRefused("the sign-in was begun in another browser")
        token = self._provider.id_token(code, waiting.verifier)
        person = person_of(token, waiting.nonce, self.settings, self._provider, self._now_ms() // 1_000)
        return person, waiting.target

    def _is_over(self, waiting: _Waiting) -> bool:
        return self._now_ms() - waiting.begun_ms > LASTS_MS


def _hash(text: str) -> bytes:
    return sha256(text.encode(errors="replace")).digest()

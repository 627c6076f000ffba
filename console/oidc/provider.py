"""The provider's addresses, keys and tokens, by its own documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from console.oidc.errors import SignInRefused
from console.oidc.settings import OidcClient, is_private

TIMEOUT_SECONDS = 5.0
LARGEST_ANSWER = 1_000_000
KEEP_SECONDS = 3_600.0
"""Addresses and keys are asked for anew after this time."""
LEAST_SECONDS_BETWEEN_KEYS = 10.0
"""Tokens with unknown keys must not make this console ask the provider each time."""
DISCOVERY = "/.well-known/openid-configuration"
_Answer = TypeVar("_Answer")


class Addresses(msgspec.Struct, frozen=True):
    """Of the provider's document of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Keys(msgspec.Struct):
    keys: list[dict[str, Any]]


class _Tokens(msgspec.Struct):
    id_token: str


_ADDRESSES = msgspec.json.Decoder(Addresses)
_KEYS = msgspec.json.Decoder(_Keys)
_TOKENS = msgspec.json.Decoder(_Tokens)


class Provider:
    """One provider. Thread-safe; every method may block, and raises SignInRefused where it does not answer as it should."""

    def __init__(self, client: OidcClient, now: Callable[[], float]) -> None:
        """`now`: monotonic seconds."""
        self._client = client
        self._now = now
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False)
        self._lock = Lock()
        self._addresses: tuple[float, Addresses] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def close(self) -> None:
        self._http.close()

    def addresses(self) -> Addresses:
        issuer = self._client.settings.issuer
        with self._lock:
            if self._addresses is not None and self._now() - self._addresses[0] < KEEP_SECONDS:
                return self._addresses[1]
            found = self._get(issuer.rstrip("/") + DISCOVERY, _ADDRESSES)
            if found.issuer != issuer:
                raise SignInRefused(f"the provider calls itself {found.issuer}, the settings {issuer}")
            for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                if not is_private(address):
                    raise SignInRefused(f"the provider names {address}, which is not https")
            self._addresses = self._now(), found
            return found

    def keys(self, with_key: str | None) -> KeySet:
        """The provider's public keys; asked for again if the key of this id is not among those known."""
        address = self.addresses().jwks_uri
        with self._lock:
            now = self._now()
            if self._keys is not None:
                asked, known = self._keys
                is_there = with_key is None or any(key.kid == with_key for key in known.keys)
                if now - asked < (KEEP_SECONDS if is_there else LEAST_SECONDS_BETWEEN_KEYS):
                    return known
            try:
                found = KeySet.import_key_set(msgspec.to_builtins(self._get(address, _KEYS)))
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise SignInRefused(f"the provider's keys cannot be read: {type(error).__name__}") from None
            self._keys = now, found
            return found

    def id_token(self, code: str, verifier: str) -> str:
        """The token for a code, which the provider takes once."""
        settings, secret = self._client.settings, self._client.secret
        fields = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": settings.callback,
            "client_id": settings.client_id, "code_verifier": verifier,
        }  # fmt: skip
        signed = None if secret is None else httpx.BasicAuth(quote(settings.client_id, ""), quote(secret, ""))
        return self._ask("POST", self.addresses().token_endpoint, _TOKENS, fields, signed).id_token

    def _get(self, address: str, decoder: msgspec.json.Decoder[_Answer]) -> _Answer:
        return self._ask("GET", address, decoder)

    def _ask(
        self, method: str, address: str, decoder: msgspec.json.Decoder[_Answer], fields: Mapping[str, str] | None = None,
        auth: httpx.BasicAuth | None = None,
    ) -> _Answer:  # fmt: skip
        what = urlsplit(address).path
        try:
            with self._http.stream(
                method, address, data=fields, auth=auth, headers={"Accept": "application/json"}
            ) as answer:
                if answer.status_code != 200:
                    raise SignInRefused(f"the provider answers {what} with {answer.status_code}")
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        raise SignInRefused(f"the provider's answer to {what} is too large")
            return decoder.decode(body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SignInRefused(f"the provider does not answer {what}: {type(error).__name__}") from None
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise SignInRefused(f"the provider's answer to {what} cannot be read") from None

"""A small OpenID Connect provider on loopback, which checks what its clients send and can be made to lie."""

from __future__ import annotations

import json
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT, SECRET = "fraud-console", "the client's secret: 50% of it"
Token = Callable[[dict[str, Any]], str]
"""Makes an ID token of its true claims."""


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def as_part(value: Any) -> str:
    return encoded(json.dumps(value).encode())


class SigningKey:
    """An RSA key with an id."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)

    def public(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        values = {"n": numbers.n.to_bytes(256, "big"), "e": numbers.e.to_bytes(3, "big")}
        known = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.key_id}
        return known | {name: encoded(value) for name, value in values.items()}

    def pem(self) -> bytes:
        public = self._key.public_key()
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def token(self, claims: dict[str, Any], **header: Any) -> str:
        signed = f"{as_part({'alg': 'RS256', 'kid': self.key_id, 'typ': 'JWT'} | header)}.{as_part(claims)}"
        return f"{signed}.{encoded(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


class LocalProvider:
    """`person`: claims of who signs in. `token`: makes the ID tokens; by default true ones. `keys`: as published."""

    def __init__(self) -> None:
        self.key = SigningKey("first")
        self.keys: list[dict[str, str]] = [self.key.public()]
        self.person: dict[str, Any] = {"sub": "7", "email": "olga@bank.example", "groups": ["analysts", "all"]}
        self.token: Token = lambda claims: self.key.token(claims)
        self.changes: dict[str, Any] = {}
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._get(self)

            def do_POST(self) -> None:
                provider._post(self)

            def log_message(self, format: str, *arguments: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def code_for(self, query: dict[str, str]) -> str:
        """What the provider gives a browser for a request that a client has sent it with."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = token_urlsafe(12)
        self._codes[code] = query
        return code

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        self.asked.append(parts.path)
        if parts.path == "/.well-known/openid-configuration":
            told = {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            }  # fmt: skip
            _answer(request, 200, told | self.changes)
        elif parts.path == "/keys":
            _answer(request, 200, {"keys": self.keys})
        elif parts.path == "/authorize":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            back = urlencode({"code": self.code_for(query), "state": query["state"]})
            request.send_response(302)
            request.send_header("Location", f"{query['redirect_uri']}?{back}")
            request.send_header("Content-Length", "0")
            request.end_headers()
        else:
            _answer(request, 404, {})

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        fields = {name: values[0] for name, values in parse_qs(body).items()}
        asked = self._codes.pop(fields.get("code", ""), None)
        if asked is None:
            _answer(request, 400, {"error": "invalid_grant"})
            return
        name, _, secret = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
        assert (name, secret) == (CLIENT, "the%20client%27s%20secret%3A%2050%25%20of%20it")
        assert fields["redirect_uri"] == asked["redirect_uri"]
        assert encoded(sha256(fields["code_verifier"].encode()).digest()) == asked["code_challenge"]
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        _answer(
            request, 200, {"token_type": "Bearer", "access_token": "x", "id_token": self.token(claims | self.person)}
        )


def _answer(request: BaseHTTPRequestHandler, status: int, body: Any) -> None:
    payload = json.dumps(body).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(payload)))
    request.end_headers()
    request.wfile.write(payload)

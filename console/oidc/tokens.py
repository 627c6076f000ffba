"""Who a provider's ID token says has signed in: signature, issuer, audience, times and nonce are checked first."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact
from joserfc.jwt import JWTClaimsRegistry

from console.oidc.errors import SignInRefused
from console.oidc.provider import Provider
from console.oidc.settings import ROLES, OidcSettings, PageRole

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Of key pairs. Neither `none` nor those of a shared secret."""
LEEWAY_SECONDS = 60
LONGEST_TOKEN = 100_000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class Person(NamedTuple):
    """Who signed in. `identity`: of this person at this provider, whatever the name becomes."""

    name: str
    role: PageRole
    identity: str


def person_of(token: str, nonce: str, settings: OidcSettings, provider: Provider, now_seconds: int) -> Person:
    """Raises SignInRefused."""
    return _person(_checked_claims(token, nonce, settings, provider, now_seconds), settings)


def _checked_claims(
    token: str, nonce: str, settings: OidcSettings, provider: Provider, now_seconds: int
) -> dict[str, Any]:
    if len(token) > LONGEST_TOKEN:
        raise SignInRefused("the token is too large")
    registry = JWTClaimsRegistry(
        now=now_seconds, leeway=LEEWAY_SECONDS, sub={"essential": True}, exp={"essential": True}, iat={"essential": True},
        iss={"essential": True, "value": settings.issuer}, aud={"essential": True, "value": settings.client_id},
        nonce={"essential": True, "value": nonce},
    )  # fmt: skip
    try:
        header = extract_compact(token.encode()).headers()
        if header.get("alg") not in ALGORITHMS:
            raise SignInRefused(f"the token is signed by {str(header.get('alg'))[:20]!r}")
        key_id = header.get("kid")
        keys = provider.keys(key_id if isinstance(key_id, str) else None)
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        registry.validate(claims)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise SignInRefused(f"the token is refused: {' '.join(str(error).split())[:200]}") from None
    audience, party = claims["aud"], claims.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and party != settings.client_id:
        raise SignInRefused("the token is for several clients, and not authorised for this one (azp)")
    if party is not None and party != settings.client_id:
        raise SignInRefused("the token is authorised for another client (azp)")
    if not isinstance(claims["nonce"], str):
        raise SignInRefused("the token's nonce is no text")
    return claims


def _person(claims: dict[str, Any], settings: OidcSettings) -> Person:
    name = claims.get(settings.name_claim)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise SignInRefused(f"the claim {settings.name_claim} is no name of 1 to 64 letters, digits and . _ @ -")
    if settings.name_claim == "email" and claims.get("email_verified") is False:
        raise SignInRefused("the provider has not verified the e-mail address")
    told = claims.get(settings.role_claim)
    values = told if isinstance(told, list) else [told]
    roles = [settings.roles[value] for value in values if isinstance(value, str) and value in settings.roles]
    if not roles:
        raise SignInRefused(f"none of the values of the claim {settings.role_claim} is mapped to a role")
    identity = sha256(f"{settings.issuer}\0{claims['sub']}".encode()).hexdigest()
    return Person(name, max(roles, key=ROLES.index), identity)

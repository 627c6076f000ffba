"""Settings of sign-in with OpenID Connect, read from a YAML file. The client's secret is in an environment variable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
import yaml

from console.settings import is_loopback

PageRole = Literal["viewer", "analyst", "admin"]
ROLES: tuple[PageRole, ...] = ("viewer", "analyst", "admin")
"""From the least to the most."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class OidcSettingsError(ValueError):
    """The file cannot be used; the message says what to change."""


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`issuer`: of the provider, exactly as its tokens have it. `address`: of this console, as browsers see it; the provider
    must allow ADDRESS/sign-in/oidc/callback. `label`: what the sign-in page calls the provider. `secret_env`: the variable
    of the client's secret; None: a public client. `name_claim`: what people are called here. `role_claim`: a text or a list,
    of which `roles` maps values to roles; of several the one that may most holds."""

    issuer: Text
    client_id: Text
    address: Text
    roles: Annotated[dict[Text, PageRole], msgspec.Meta(min_length=1)]
    label: Text = "OpenID Connect"
    secret_env: Text | None = None
    scopes: tuple[Text, ...] = ("openid", "email")
    name_claim: Text = "email"
    role_claim: Text = "groups"

    @property
    def callback(self) -> str:
        """Where the provider sends browsers back to."""
        return f"{self.address.rstrip('/')}/sign-in/oidc/callback"


class OidcClient(msgspec.Struct, frozen=True):
    """Settings with the secret; None: a public client."""

    settings: OidcSettings
    secret: str | None


def load_settings(path: Path, environment: Mapping[str, str]) -> OidcClient:
    """Read and check a file. Raises OidcSettingsError, also for a secret that is not set."""
    try:
        settings = msgspec.convert(yaml.safe_load(path.read_bytes()), OidcSettings)
    except OSError as error:
        raise OidcSettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise OidcSettingsError(f"{path}: {' '.join(str(error).split())}") from None
    for name in ("issuer", "address"):
        if not is_private(getattr(settings, name)):
            raise OidcSettingsError(f"{path}: {name}: give an https address; http is for this machine only")
    if "openid" not in settings.scopes:
        raise OidcSettingsError(f"{path}: scopes: openid is missing")
    if settings.secret_env is None:
        return OidcClient(settings, None)
    secret = environment.get(settings.secret_env)
    if not secret:
        raise OidcSettingsError(f"{path}: the variable {settings.secret_env} is not set")
    return OidcClient(settings, secret)


def is_private(address: str) -> bool:
    """Whether what is sent to an address can be read by nobody on the way: https, or this machine."""
    parts = urlsplit(address)
    if parts.username is not None or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))

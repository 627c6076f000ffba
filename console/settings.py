"""Settings of the console's HTTP API: plain frozen data, checked when they are made."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal

import msgspec

Fallback = Literal["allow", "refer", "503"]
FALLBACKS: tuple[Fallback, ...] = ("allow", "refer", "503")
"""What a payment is answered whose decision did not come in time."""

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8717
STORE_URL = "sqlite:///out/console/store.sqlite"
SCORER_LOG = "out/console/scorer.sqlite"
"""The embedded scorer's users and answers."""
KIBIBYTE = 1024


class SettingsError(ValueError):
    """The settings contradict each other or are out of range; the message says what to change."""


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one API process.

    `require_keys`: whether requests need an API key (None: unless `host` is a loopback address). `allowed_hosts`: names in
    the Host header that are served; on loopback besides its own names, elsewhere any if empty.
    `requests_per_minute`: of one key, a payment of a batch counts as one. `body_bytes`: of one event, `batch_bytes` and
    `batch_items` of a batch.
    `head_seconds` and `body_seconds`: within which a client must have sent the head and the body of a request;
    `request_seconds`: for all of a request. `deadline_ms`: from the arrival of a payment to its `fallback`.
    `label_delay_ms`: how long an outcome can be undone before its label is sent.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    require_keys: bool | None = None
    allowed_hosts: tuple[str, ...] = ()
    requests_per_minute: int = 120_000
    body_bytes: int = 64 * KIBIBYTE
    batch_bytes: int = 4096 * KIBIBYTE
    batch_items: int = 1_000
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    request_seconds: float = 30.0
    deadline_ms: int = 500
    fallback: Fallback = "refer"
    most_connections: int = 1_000
    label_delay_ms: int = 5_000

    def __post_init__(self) -> None:
        """Raises SettingsError."""
        if not 0 <= self.port <= 65_535:
            raise SettingsError(f"port: {self.port} is not between 0 and 65535")
        if self.fallback not in FALLBACKS:
            raise SettingsError(f"fallback: {self.fallback!r} is not one of {', '.join(FALLBACKS)}")
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise SettingsError(f"{name}: {getattr(self, name)} is not above 0")
        if self.deadline_ms >= self.request_seconds * 1000:
            raise SettingsError(
                f"deadline_ms: {self.deadline_ms} is not below the limit of a request, {self.request_seconds} seconds"
            )
        if self.require_keys is False and not is_loopback(self.host):
            raise SettingsError(f"host: {self.host} can be reached from other machines, so API keys are needed")

    @property
    def needs_keys(self) -> bool:
        """Whether every request needs an API key."""
        return not is_loopback(self.host) if self.require_keys is None else self.require_keys


_POSITIVE = (
    "requests_per_minute", "body_bytes", "batch_bytes", "batch_items", "head_seconds", "body_seconds", "request_seconds",
    "deadline_ms", "most_connections",
)  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only. Names but `localhost` are taken as reached from others."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

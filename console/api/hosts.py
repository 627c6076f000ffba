"""Which names and pages a request may come by: a page of another site must not reach a console on this machine."""

from __future__ import annotations

from starlette.types import Scope

from console.api.problems import Problem
from console.settings import ApiSettings, is_loopback

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class HostCheck:
    """Checks the headers Host and Origin."""

    def __init__(self, settings: ApiSettings) -> None:
        """Names that resolve to this machine's loopback address (DNS rebinding) are refused on loopback."""
        named = frozenset(name.lower() for name in settings.allowed_hosts)
        self._named = frozenset(name.encode() for name in named)
        self._names = _LOOPBACK_NAMES | {settings.host.lower()} | named if is_loopback(settings.host) else named or None

    def check(self, scope: Scope) -> None:
        """Raises Problem for a name that is not served, and for a request that a page of another site makes."""
        host = origin = b""
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
        if self._names is not None and _name_of(host) not in self._names:
            raise Problem(
                421,
                "other-host",
                f"this server is not reached by this name; call it as {' or '.join(sorted(self._names))}",
            )
        site = origin.partition(b"://")[2].lower()
        if origin and site != host.lower() and site not in self._named:  # a proxy may put another name into Host
            raise Problem(403, "other-origin", "pages of other sites may not call this API; call it from a server")


def _name_of(host: bytes) -> str:
    """The name of a Host header, without the port."""
    text = str(host, "latin-1").lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0]

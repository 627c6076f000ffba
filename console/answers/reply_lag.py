"""How far replies are behind requests, from what was sent and what came back."""

from __future__ import annotations

from collections.abc import Hashable

REMEMBERED_SECONDS = 5.0
PROBE_SECONDS = 1.0
FORGET_SECONDS = 600.0
"""Of a request without a reply."""


class ReplyLag:
    """Measured lag of a service that answers out of order and may lose a request. Times are monotonic seconds.

    A request without a reply counts only until the reply to a later one: otherwise one that was lost would count for ever.
    """

    def __init__(self) -> None:
        self._sent: dict[Hashable, float] = {}
        self._last_reply: tuple[float, float] | None = None
        self._silent_since: float | None = None
        self._last_probe = float("-inf")

    def on_sent(self, request: Hashable, now: float) -> None:
        """A request was sent."""
        self._sent[request] = now
        if self._silent_since is None:
            self._silent_since = now

    def on_reply(self, request: Hashable, now: float) -> None:
        """Its reply came. Replies to requests that are not known tell nothing."""
        sent = self._sent.pop(request, None)
        if sent is not None:
            self._last_reply = (now, now - sent)
            self._silent_since = None

    def forget_before(self, moment: float) -> None:
        """Forget requests sent before this moment."""
        for request in [request for request, sent in self._sent.items() if sent < moment]:
            del self._sent[request]

    def seconds(self, now: float) -> float:
        """What a request sent now would wait, as far as is known."""
        silent = 0.0 if self._silent_since is None else now - self._silent_since
        if self._last_reply is None or now - self._last_reply[0] > REMEMBERED_SECONDS:
            return silent
        return max(silent, self._last_reply[1])

    def is_probe_due(self, now: float) -> bool:
        """One request a second is let through while the lag is too long, to notice when it is not any more."""
        if now - self._last_probe < PROBE_SECONDS:
            return False
        self._last_probe = now
        return True

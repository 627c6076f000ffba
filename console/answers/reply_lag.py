"""How far replies are behind requests, from what was sent and what came back."""

from __future__ import annotations

from collections.abc import Hashable

PROBE_SECONDS = 1.0
FORGET_SECONDS = 600.0
"""Of a request without a reply."""


class ReplyLag:
    """Measured lag of a service that answers about in order and may lose a request. Times are monotonic seconds.

    The lag is the age of the oldest request without a reply among those sent after the last one that has a reply: one that
    was lost does not count for ever, and nothing counts once all are answered.
    """

    def __init__(self) -> None:
        self._sent: dict[Hashable, float] = {}  # in the order of sending
        self._answered_until = float("-inf")
        self._last_probe = float("-inf")

    def on_sent(self, request: Hashable, now: float) -> None:
        """A request was sent."""
        self._sent[request] = now

    def on_reply(self, request: Hashable) -> None:
        """Its reply came. Replies to requests that are not known tell nothing."""
        sent = self._sent.pop(request, None)
        if sent is not None:
            self._answered_until = max(self._answered_until, sent)

    def forget_before(self, moment: float) -> None:
        """Forget requests sent before this moment."""
        for request in [request for request, sent in self._sent.items() if sent < moment]:
            del self._sent[request]

    def seconds(self, now: float) -> float:
        """What a request sent now would wait, as far as is known."""
        for sent in self._sent.values():
            if sent > self._answered_until:
                return now - sent
        return 0.0

    def is_probe_due(self, now: float) -> bool:
        """One request a second is let through while the lag is too long, to notice when it is not any more."""
        if now - self._last_probe < PROBE_SECONDS:
            return False
        self._last_probe = now
        return True

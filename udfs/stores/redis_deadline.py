"""Connections to Redis with a deadline for the whole reply.

redis-py's own time-out is for each read of the socket: a server which sends a byte now and then could hold a call for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from ssl import SSLWantReadError
from typing import Any

from redis.connection import Connection, SSLConnection


class DeadlineSocket:
    """A socket whose reads end at the deadline of the command sent last. All else is the socket's own."""

    def __init__(self, wrapped: Any, timeout_ms: int, clock_ms: Callable[[], int]) -> None:
        self._wrapped = wrapped
        self._reply_ms = timeout_ms
        self._clock_ms = clock_ms
        self._read_s: float | None = timeout_ms / 1_000
        self._deadline_ms = clock_ms() + timeout_ms

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def sendall(self, data: bytes) -> None:
        """Send all data; the reply is due `timeout_ms` later. Raises TimeoutError."""
        self._deadline_ms = self._clock_ms() + self._reply_ms
        self._wrapped.settimeout(self._reply_ms / 1_000)
        self._wrapped.sendall(data)

    def settimeout(self, seconds: float | None) -> None:
        """As of a socket, with 0 for a read that does not block."""
        self._read_s = seconds

    def recv(self, size: int) -> bytes:
        received: bytes = self._read(self._wrapped.recv, size)
        return received

    def recv_into(self, buffer: Any) -> int:
        count: int = self._read(self._wrapped.recv_into, buffer)
        return count

    def _read(self, read: Callable[[Any], Any], argument: Any) -> Any:
        """Read until the deadline. After it only what has already arrived: this process may have been paused meanwhile."""
        if self._read_s == 0:  # whether there is something to read
            self._wrapped.settimeout(0)
            return read(argument)
        left_s = (self._deadline_ms - self._clock_ms()) / 1_000
        if left_s > 0:
            self._wrapped.settimeout(left_s if self._read_s is None else min(left_s, self._read_s))
            return read(argument)
        self._wrapped.settimeout(0)
        try:
            return read(argument)
        except (BlockingIOError, SSLWantReadError):
            raise TimeoutError(f"the reply was not complete after {self._reply_ms} ms") from None


class DeadlineConnection(Connection):
    """A plain connection; a reply is due `reply_ms` after its command by the clock, which must be monotonic."""

    def __init__(self, *arguments: Any, reply_ms: int, clock_ms: Callable[[], int], **options: Any) -> None:
        self._limits = (reply_ms, clock_ms)
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]

    def _connect(self) -> Any:
        return DeadlineSocket(super()._connect(), *self._limits)  # type: ignore[no-untyped-call]


class DeadlineSSLConnection(SSLConnection):
    """The same over TLS."""

    def __init__(self, *arguments: Any, reply_ms: int, clock_ms: Callable[[], int], **options: Any) -> None:
        self._limits = (reply_ms, clock_ms)
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]

    def _connect(self) -> Any:
        return DeadlineSocket(super()._connect(), *self._limits)  # type: ignore[no-untyped-call]

"""The outcomes of a call that are no result, one exception each. Messages say what to change."""

from __future__ import annotations


class FraudDetectorError(Exception):
    """Base class of all exceptions of the SDK, besides ValueError for arguments that can never work."""


class EventRefused(FraudDetectorError):
    """The event breaks the contract of docs/events.md; the message names the field. Sending it again does not help."""


class OtherContent(FraudDetectorError):
    """The user's transaction of this id has been decided with other content. Send the first content, or another id."""


class NotAuthorized(FraudDetectorError):
    """The API key is missing, not known, revoked, or its role does not allow this call."""


class RateLimited(FraudDetectorError):
    """The API key has used up its rate. `retry_after_seconds`: when to send it again; None: the API did not say."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(FraudDetectorError):
    """There is no decision now: no connection, or the scorer cannot answer. Sending the same content again is safe.

    `retry_after_seconds`: when to send it again; None: nobody said.
    """

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TimedOut(FraudDetectorError):
    """No answer came in time. The payment may have been decided: sending the same content again gets that decision."""


class ApiError(FraudDetectorError):
    """An answer that the API does not give: another server, a proxy, or a failure. `status`: its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class CannotOpen(FraudDetectorError):
    """The embedded scorer cannot be opened: its log is in use, or one of its files cannot be read."""


class Closed(FraudDetectorError):
    """The detector is closed, or belongs to the process that this one was forked from. Make a new one."""

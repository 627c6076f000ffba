"""What an HTTP answer without a result means: application/problem+json (RFC 9457) as an exception."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from client.errors import (
    ApiError,
    EventRefused,
    FraudDetectorError,
    NotAuthorized,
    OtherContent,
    RateLimited,
    Unavailable,
)

UNAVAILABLE = (408, 502, 503, 504)
"""503 is the API's own, and 408 where the request came too slowly; the others come from proxies while it is away."""


class Problem(msgspec.Struct, frozen=True):
    """`status`: the HTTP status. `detail`: what to change."""

    title: str = ""
    status: int = 0
    detail: str = ""


_decode = msgspec.json.Decoder(Problem).decode


def error_of_response(status: int, headers: Mapping[str, str], body: bytes) -> FraudDetectorError:
    """The exception of an answer that is not 2xx; also where its body is no problem."""
    try:
        problem = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        problem = Problem()
    return error_of(status, problem, retry_after_seconds(headers))


def error_of(status: int, problem: Problem, wait_seconds: float | None) -> FraudDetectorError:
    """The exception of a status. `wait_seconds`: the length that the answer asked to wait for."""
    text = problem.detail or problem.title or f"HTTP status {status}"
    if status in (413, 415, 422) or (status == 400 and problem.title):
        return EventRefused(text)
    if status == 409:
        return OtherContent(text)
    if status in (401, 403):
        return NotAuthorized(text)
    if status == 429:
        return RateLimited(text, wait_seconds)
    if status in UNAVAILABLE:
        return Unavailable(text, wait_seconds)
    return ApiError(f"the API answered with status {status}: {text}", status)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The header Retry-After, a number of seconds or a date; None if it is missing or cannot be read."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    now = datetime.now(UTC)
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())

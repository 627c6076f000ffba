"""Reads the bodies of requests, within limits of size, time and content type."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from console.api.problems import Problem

JSON = "application/json"
NDJSON = "application/x-ndjson"
_NDJSON_NAMES = frozenset({NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines"})
_DRAINED_BYTES = 16 * 1024 * 1024
"""A larger body than allowed is read up to here, so that the client gets to read why it is refused."""


def content_type_of(request: Request, with_lines: bool = False) -> str:
    """JSON or NDJSON by the header Content-Type. `with_lines`: whether NDJSON is taken.

    Raises Problem for others, and for encoded bodies.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Problem(415, "encoded-body", "Content-Encoding: send the body as it is", {"Accept-Encoding": "identity"})
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    charset = parameters.lower().partition("charset=")[2].strip().strip('"')
    expected = f"{JSON} or {NDJSON}" if with_lines else JSON
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise Problem(415, "other-charset", f"Content-Type: send {expected} in UTF-8")
    if kind == JSON:
        return JSON
    if with_lines and kind in _NDJSON_NAMES:
        return NDJSON
    raise Problem(415, "other-content-type", f"Content-Type: send {expected}", {"Accept": expected.replace(" or", ",")})


async def read_body(request: Request, limit_bytes: int, limit_seconds: float) -> bytes:
    """The whole body. Raises Problem if it is larger or comes more slowly, and ClientDisconnect."""
    try:
        async with asyncio.timeout(limit_seconds):
            return await _read(request, limit_bytes)
    except TimeoutError:
        raise Problem(
            408, "slow-body", f"the body did not come within {limit_seconds:g} s; send the request again",
            {"Connection": "close"},
        ) from None  # fmt: skip


async def _read(request: Request, limit_bytes: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > _DRAINED_BYTES:
        raise _too_large(limit_bytes)
    receive = request.receive
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        size += len(part)
        if size <= limit_bytes:
            parts.append(part)
        elif size > _DRAINED_BYTES:
            raise _too_large(limit_bytes)
        if not message.get("more_body", False):
            break
    if size > limit_bytes:
        raise _too_large(limit_bytes)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit_bytes: int) -> Problem:
    return Problem(
        413, "too-large", f"the body is larger than {limit_bytes:,} bytes; send less at a time", {"Connection": "close"}
    )

"""Decisions from the API by HTTP, over connections that are kept open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import httpx
import msgspec

from client.errors import ApiError, FraudDetectorError, Unavailable
from client.port import Outcome
from client.problems import Problem, error_of, error_of_response
from client.results import Erased, Prediction

DECISIONS = "/v1/decisions"
MANY_DECISIONS = "/v1/decisions:batch"
EVENTS = "/v1/events"
ERASURES = "/v1/erasures"
Answer = TypeVar("Answer")


class _Accepted(msgspec.Struct, frozen=True):
    event_id: str


class _Item(msgspec.Struct, frozen=True):
    """The outcome of one of many: a decision or a problem."""

    decision: Prediction | None = None
    problem: Problem | None = None
    retry_after_seconds: float | None = None


class _Items(msgspec.Struct, frozen=True):
    results: list[_Item]


# Made here and not at the first answers, which threads may get at once: msgspec crashes then.
_decode_prediction = msgspec.json.Decoder(Prediction).decode
_decode_items = msgspec.json.Decoder(_Items).decode
_decode_accepted = msgspec.json.Decoder(_Accepted).decode
_decode_erased = msgspec.json.Decoder(Erased).decode
_encode = msgspec.json.Encoder().encode


class HttpTransport:
    """See the port. Attempts have no time limit here. Redirects are not followed: they would take the API key elsewhere."""

    def __init__(self, address: str, api_key: str | None) -> None:
        """Raises ValueError for an address or a key that cannot be sent."""
        url = _url_of(address)
        headers = {"Content-Type": "application/json", "Accept": "application/json, application/problem+json"}
        if api_key is not None:
            if not (api_key.isascii() and api_key.isprintable() and api_key.strip() == api_key != ""):
                raise ValueError("api_key: not a key; give it as `fraud console keys add` showed it")
            headers["Authorization"] = f"Bearer {api_key}"
        self._address = address
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=None, follow_redirects=False)

    async def open(self) -> None:
        """Nothing to do: connections are opened by calls."""

    async def decide(self, payload: bytes) -> Prediction:
        return self._decoded(await self._post(DECISIONS, payload), _decode_prediction)

    async def decide_many(self, payloads: Sequence[bytes]) -> list[Outcome]:
        response = await self._post(MANY_DECISIONS, b"[" + b",".join(payloads) + b"]")
        items = self._decoded(response, _decode_items).results
        if len(items) != len(payloads):
            raise ApiError(f"{len(items)} outcomes of {len(payloads)} events; update the API or this client", 200)
        return [_outcome_of(item) for item in items]

    async def accept(self, payload: bytes) -> str:
        return self._decoded(await self._post(EVENTS, payload), _decode_accepted).event_id

    async def erase(self, user_id: str) -> Erased:
        return self._decoded(await self._post(ERASURES, _encode({"user_id": user_id})), _decode_erased)

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, path: str, body: bytes) -> httpx.Response:
        """An answer with a status of 2xx. Raises the exception of any other, and Unavailable without one."""
        try:
            response = await self._client.post(path, content=body)
        except httpx.TransportError as error:
            words = str(error) or type(error).__name__
            raise Unavailable(
                f"{self._address}: no answer ({words}); start the API there, or give its address"
            ) from None
        except httpx.RequestError as error:
            raise ApiError(f"{self._address}: an answer that cannot be read ({error}); is it the API?", 0) from None
        if not response.is_success:
            raise error_of_response(response.status_code, response.headers, response.content)
        return response

    def _decoded(self, response: httpx.Response, decode: Callable[[bytes], Answer]) -> Answer:
        try:
            return decode(response.content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ApiError(
                f"{self._address}: an answer that is not the API's ({error}); give the API's address, or update this client",
                response.status_code,
            ) from None


def _url_of(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ValueError(f"address {address!r}: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"address {address!r}: give it as http://host:port or https://host:port")
    return url


def _outcome_of(item: _Item) -> Prediction | FraudDetectorError:
    if item.decision is not None:
        return item.decision
    if item.problem is not None:
        return error_of(item.problem.status, item.problem, item.retry_after_seconds)
    return ApiError("an outcome that is neither decision nor problem; update the API or this client", 200)

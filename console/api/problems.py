"""Errors of the API as problem details (RFC 9457, application/problem+json); each says what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from console.answers.port import AnswersError, EventRefused, OtherContent, Unavailable
from console.store.errors import CursorError, StoreUnavailable

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:fraud:problem:"
MOST_TOLD = 10
STORE_RETRY_SECONDS = 2


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A problem as it is sent. `type`: a stable name of the kind of problem, for programs. `detail`: what to change, for
    people. `request_id`: the id of the request in the log."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None


class Problem(Exception):
    """Ends a request with a problem. `kind`: its stable name without prefix; `headers`: sent in addition."""

    def __init__(self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})

    def body(self, request_id: str | None = None) -> ProblemBody:
        """What is sent of it."""
        return ProblemBody(
            type=TYPE_PREFIX + self.kind, title=HTTPStatus(self.status).phrase, status=self.status, detail=self.detail,
            request_id=request_id,
        )  # fmt: skip


EXPECTED_ERRORS = (Problem, AnswersError, CursorError, StoreUnavailable)
"""Errors that end a request with a problem."""

INTERNAL = Problem(
    500,
    "internal",
    "the server failed; send the request again, and give the operator this request_id if it fails again",
)


def problem_of(error: Exception) -> Problem:
    """The problem of one of EXPECTED_ERRORS."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unavailable):
        return unavailable(str(error), error.retry_after_seconds)
    if isinstance(error, OtherContent):
        return Problem(409, "other-content", str(error))
    if isinstance(error, EventRefused):
        return Problem(422, "event-refused", str(error))
    if isinstance(error, CursorError):
        return Problem(422, "invalid-cursor", str(error))
    if isinstance(error, StoreUnavailable):
        return unavailable("the decision store cannot be reached; send the request again", STORE_RETRY_SECONDS)
    return INTERNAL


def unavailable(detail: str, retry_after_seconds: int) -> Problem:
    """503, to be tried again after so many seconds."""
    return Problem(503, "unavailable", detail, {"Retry-After": str(retry_after_seconds)})


def of_http_status(status: int, detail: str, headers: Mapping[str, str] | None) -> Problem:
    """The problem of an error that the framework raised."""
    if status == 404:
        return Problem(404, "no-such-path", "no such path; /openapi.json lists all", headers)
    if status == 405:
        return Problem(
            405, "wrong-method", "this path does not take this method; the header Allow names those it takes", headers
        )
    return Problem(status, "refused", detail, headers)


def of_invalid_parameters(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """The problem of parameters that break their schema: all are named, with what they must be, without their values."""
    told = "; ".join(f"{'.'.join(map(str, error['loc'][1:]))}: {error['msg']}" for error in errors[:MOST_TOLD])
    return Problem(422, "invalid-parameters", told or "the parameters do not fit this path; see /openapi.json")

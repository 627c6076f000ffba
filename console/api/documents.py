"""What the OpenAPI document says of bodies, answers and problems; schemas are those of the types that are read and sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from console.api.bodies import JSON, NDJSON
from console.api.examples import (
    BATCH_ANSWER_EXAMPLE,
    CHECK_FRAUD_EXAMPLE,
    DECISION_EXAMPLE,
    ERASURE_EXAMPLE,
    LABEL_EXAMPLE,
    LOGIN_EXAMPLE,
    PAYMENT_EXAMPLE,
    PREDICT_EXAMPLE,
    PROBLEM_EXAMPLE,
)
from console.api.problems import MEDIA_TYPE, ProblemBody
from console.api.shapes import (
    BatchAnswer,
    CheckFraudAnswer,
    DecisionAnswer,
    ErasureAnswer,
    ErasureRequest,
    EventTaken,
    PredictAnswer,
)
from udfs.records.codec import FIRST_EVENT_MS, MAX_AMOUNT_MAJOR, MAX_TIMESTAMP_MS
from udfs.records.events import AccountChange, Label, Login, Transaction

REF = "#/components/schemas/{name}"
_TOLD = {
    400: "The request is not HTTP that can be read.",
    401: "No valid API key.",
    403: "The key's role does not allow this.",
    404: "Not found.",
    405: "The path does not take this method.",
    408: "The body came too slowly.",
    409: "It does not fit what is there: a payment was decided with other content, or this console changes no job.",
    413: "The body is too large.",
    415: "Another content type than the documented ones.",
    421: "The server is not called by this name.",
    422: "The event or a parameter breaks its contract; `detail` names it.",
    429: "More requests than the key may send.",
    503: "Not available now.",
}
_RETRY = {"Retry-After": {"description": "seconds to wait before the next try", "schema": {"type": "integer"}}}
_TAKEN = (Transaction, Login, AccountChange, Label)
_documented: list[Any] = [ProblemBody, *_TAKEN]
_examples: dict[str, Any] = {}


def schema_of(kind: Any) -> dict[str, Any]:
    """A reference to the schema of a type, which is added to the document."""
    if kind not in _documented:
        _documented.append(kind)
    ((schema,), _) = msgspec.json.schema_components((kind,), ref_template=REF)
    return schema


def components() -> dict[str, Any]:
    """The schemas of all types that were referred to."""
    _, found = msgspec.json.schema_components(_documented, ref_template=REF)
    for kind in _TAKEN:
        _complete(found[kind.__name__])
    return found


def _complete(event: dict[str, Any]) -> None:
    """Add to the schema of an event what is checked after decoding."""
    for name, field in event["properties"].items():
        for option in field.get("anyOf", [field]):
            if name.endswith("_id") and option.get("type") == "string":
                option |= {"pattern": "^[!-~]{1,64}$"}
            elif name in ("timestamp", "known_at") and option.get("type") == "integer":
                option |= {
                    "minimum": FIRST_EVENT_MS,
                    "maximum": MAX_TIMESTAMP_MS,
                    "description": "epoch milliseconds UTC",
                }
            elif name == "amount":
                option |= {"maximum": MAX_AMOUNT_MAJOR}
    if "transaction" in event["properties"]["type"]["enum"]:  # the type of an event that does not say it
        event["required"].remove("type")


def answered(kind: Any, example: Any, told: str, *problems: int, status: int = 200, **options: Any) -> dict[str, Any]:
    """Options of a route: what it answers, and which problems it can have beside those that all have."""
    content: dict[str, Any] = {"schema": schema_of(kind)}
    if example is not None:
        content["example"] = _kept(example)
    responses: dict[int | str, dict[str, Any]] = {status: {"description": told, "content": {JSON: content}}}
    responses |= problem_responses(401, 403, 405, 408, 421, 429, 503, *problems)
    return {"response_model": None, "status_code": status, "responses": responses, **options}


def with_examples(part: Any) -> Any:
    """The document with its examples, which the framework would rob of their nulls."""
    if isinstance(part, dict):
        return {name: with_examples(value) for name, value in part.items()}
    if isinstance(part, list):
        return [with_examples(value) for value in part]
    return _examples.get(part, part) if isinstance(part, str) else part


def _kept(example: Any) -> str:
    name = f"example-{len(_examples)}"
    _examples[name] = example
    return name


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Responses with a problem, by status."""
    content = {MEDIA_TYPE: {"schema": schema_of(ProblemBody), "example": PROBLEM_EXAMPLE}}
    return {
        status: {"description": _TOLD[status], "content": content}
        | ({"headers": _RETRY} if status in (429, 503) else {})
        for status in sorted(set(statuses))
    }


def _body(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


def _payment_body(optional: tuple[str, ...] = ()) -> dict[str, Any]:
    schema = schema_of(Transaction)
    if optional:
        told = f"as for /v1/decisions; {' and '.join(optional)} may be left out"
        inline = msgspec.json.schema_components((Transaction,), ref_template=REF)[1]["Transaction"]
        _complete(inline)
        required = [name for name in inline["required"] if name not in optional]
        schema = {**inline, "required": required, "description": told, "title": "PartialTransaction"}
    return _body({JSON: {"schema": schema, "example": PAYMENT_EXAMPLE}})


_READING_PROBLEMS = (413, 415, 422)
_FILLED_IN = ("timestamp", "transaction_id")

DECISION = answered(
    DecisionAnswer, DECISION_EXAMPLE, "The decision.", 409, *_READING_PROBLEMS, openapi_extra=_payment_body()
)
CHECK_FRAUD = answered(
    CheckFraudAnswer, CHECK_FRAUD_EXAMPLE, "The decision.", 409, *_READING_PROBLEMS,
    openapi_extra=_payment_body(_FILLED_IN),
)  # fmt: skip
PREDICT = answered(
    PredictAnswer, PREDICT_EXAMPLE, "The decision.", 409, *_READING_PROBLEMS, openapi_extra=_payment_body(_FILLED_IN)
)
EVENT = answered(
    EventTaken, {"event_id": "E1"}, "The event was taken.", *_READING_PROBLEMS, status=202,
    openapi_extra=_body({
        JSON: {
            "schema": schema_of(Login | AccountChange | Label),
            "examples": {"login": {"value": LOGIN_EXAMPLE}, "label": {"value": LABEL_EXAMPLE}},
        }
    }),
)  # fmt: skip
ERASURE = answered(
    ErasureAnswer, ERASURE_EXAMPLE, "What was removed, and what others still hold.", *_READING_PROBLEMS,
    openapi_extra=_body({JSON: {"schema": schema_of(ErasureRequest), "example": {"user_id": "U1"}}}),
)  # fmt: skip
BATCH = answered(
    BatchAnswer, BATCH_ANSWER_EXAMPLE, "What came of each event, in order.", *_READING_PROBLEMS,
    openapi_extra=_body({
        JSON: {
            "schema": {"type": "array", "items": schema_of(Transaction | Login | AccountChange | Label)},
            "example": [PAYMENT_EXAMPLE, LOGIN_EXAMPLE],
        },
        NDJSON: {"schema": {"type": "string", "description": "one event a line"}},
    }),
)  # fmt: skip
BATCH["responses"][200]["content"][NDJSON] = {
    "schema": {"type": "string", "description": "one BatchItem a line, if the events were sent as NDJSON"}
}

"""The decision of a payment under the paths and field names of simpler services."""

from __future__ import annotations

from time import perf_counter

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.answers.port import Answer, OtherContent
from console.api.access import GuardedRoute
from console.api.bodies import content_type_of, read_body
from console.api.decisions import require_answers
from console.api.documents import CHECK_FRAUD, PREDICT
from console.api.filling import Filled, Filling
from console.api.services import Services
from console.api.shapes import (
    FRAUD_ACTIONS,
    RISK_LEVELS,
    CheckFraudAnswer,
    PredictAnswer,
    json_response,
    probability_of,
)

router = APIRouter(route_class=GuardedRoute, tags=["aliases"])


@router.post("/api/check-fraud", **CHECK_FRAUD)
async def check_fraud(request: Request) -> Response:
    """Decide one payment. A missing timestamp is now, a missing transaction_id is made; `filled_in` tells of both."""
    started = perf_counter()
    answer, filled = await _decided(request)
    return json_response(
        CheckFraudAnswer(
            transaction_id=answer.transaction_id,
            fraud_score=probability_of(answer),
            is_fraud=answer.action in FRAUD_ACTIONS,
            risk_level="unknown" if answer.degraded else RISK_LEVELS[answer.action],
            factors=[] if answer.decision is None else [reason.text for reason in answer.decision.reasons],
            processing_time_ms=_milliseconds_since(started),
            action=answer.action,
            repeated=answer.repeated,
            degraded=answer.degraded,
            filled_in=filled.names,
        )
    )


@router.post("/predict", **PREDICT)
async def predict(request: Request) -> Response:
    """Decide one payment. A missing timestamp is now, a missing transaction_id is made; `filled_in` tells of both."""
    started = perf_counter()
    answer, filled = await _decided(request)
    services: Services = request.app.state.services
    bundle = services.versions().bundle if answer.decision is None else answer.decision.model.bundle
    return json_response(
        PredictAnswer(
            transaction_id=answer.transaction_id,
            fraud_probability=probability_of(answer),
            is_fraud=answer.action in FRAUD_ACTIONS,
            prediction_time_ms=_milliseconds_since(started),
            model_version=bundle,
            action=answer.action,
            repeated=answer.repeated,
            degraded=answer.degraded,
            filled_in=filled.names,
        )
    )


async def _decided(request: Request) -> tuple[Answer, Filled]:
    services: Services = request.app.state.services
    require_answers(services)
    content_type_of(request)
    payload = await read_body(request, services.settings.body_bytes, services.settings.body_seconds)
    filling: Filling = request.app.state.filling
    filled = filling.fill(payload)
    decide = request.app.state.deadline.decide
    try:
        return await decide(filled.payload), filled
    except OtherContent:
        first = await filling.as_at_first(payload, filled)
        if first is None:
            raise
        return await decide(first.payload), first


def _milliseconds_since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 3)

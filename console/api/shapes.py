"""The bodies of answers, and how they are made of decisions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from starlette.responses import Response

from console.answers.port import Answer, Degraded
from console.api.problems import ProblemBody
from console.store.held import Held
from udfs.core import _native
from udfs.records.outputs import Action, EnrichmentStatus, Flag, ModelScore, Reason, RuleScore, Tag

RiskLevel = Literal["low", "medium", "high", "critical", "unknown"]
RISK_LEVELS: dict[Action, RiskLevel] = {
    "allow": "low", "refer_to_analyst": "medium", "soft_challenge": "high", "hard_block": "critical",
}  # fmt: skip
FRAUD_ACTIONS: frozenset[Action] = frozenset({"soft_challenge", "hard_block"})
"""Actions under which a payment must not go through as it is."""
_encode = msgspec.json.Encoder().encode


class DecisionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The decision of one payment: what docs/events.md says of a decision, without features and origin.

    `repeated`: it was decided before, and this is the first decision. `degraded`: it was not decided in time, and `action`
    is the configured fallback; send the same event again for the decision. Fields from `risk_score` on are null of a
    fallback, and from `probability` on of a repeat whose decision is not kept any more.
    """

    decision_id: str
    transaction_id: str
    user_id: str
    action: Action
    repeated: bool
    degraded: Degraded | None
    risk_score: int | None
    probability: float | None = None
    coverage: float | None = None
    event_time_ms: int | None = None
    amount: float | None = None
    currency: str | None = None
    merchant_id: str | None = None
    tags: list[Tag] = []
    flags: list[Flag] = []
    summary: str | None = None
    reasons: list[Reason] = []
    model: ModelScore | None = None
    rules: RuleScore | None = None
    enrichment: EnrichmentStatus | None = None
    late: bool | None = None
    stale_history: bool | None = None
    control_versions: dict[str, int] = {}
    feature_set: str | None = None


class EventTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A login, an account change or a label was taken, and counts for the payments after it."""

    event_id: str


class ErasureRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to erase."""

    user_id: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,64}$")]


class ErasureAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`event_id`: of the erasure, as the audit log has it. `is_forgotten`: whether what decides was told, or nothing is
    decided here. `removed`: rows of the store, by table. `held`: what else may hold records of the user."""

    event_id: str
    is_forgotten: bool
    removed: dict[str, int]
    held: list[Held]


class BatchItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one event of a batch, with the status that it would have had alone: a decision, the id of an event, or a
    problem. `retry_after_seconds`: when to send it again, as the header Retry-After would say."""

    status: int
    decision: DecisionAnswer | None = None
    event_id: str | None = None
    problem: ProblemBody | None = None
    retry_after_seconds: int | None = None


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the events of a batch, in their order. `failed`: how many have a problem."""

    results: list[BatchItem]
    failed: int


class CheckFraudAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The decision under other names. `fraud_score`: the probability of fraud, 0 to 1, null of a fallback. `is_fraud`: the
    action is soft_challenge or hard_block. `factors`: the reasons in words. `filled_in`: fields that the event lacked and
    that were made."""

    transaction_id: str
    fraud_score: float | None
    is_fraud: bool
    risk_level: RiskLevel
    factors: list[str]
    processing_time_ms: float
    action: Action
    repeated: bool
    degraded: Degraded | None
    filled_in: list[str]


class PredictAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The decision under other names. `model_version`: of the bundle. The other fields are as for /api/check-fraud."""

    transaction_id: str
    fraud_probability: float | None
    is_fraud: bool
    prediction_time_ms: float
    model_version: str | None
    action: Action
    repeated: bool
    degraded: Degraded | None
    filled_in: list[str]


def decision_answer(answer: Answer) -> DecisionAnswer:
    """The body of an answer."""
    decision = answer.decision
    if decision is None:
        return DecisionAnswer(
            decision_id=_native.decision_id(answer.user_id, answer.transaction_id), transaction_id=answer.transaction_id,
            user_id=answer.user_id, action=answer.action, repeated=answer.repeated, degraded=answer.degraded,
            risk_score=answer.risk_score,
        )  # fmt: skip
    return DecisionAnswer(
        decision_id=decision.decision_id,
        transaction_id=decision.transaction_id,
        user_id=decision.user_id,
        action=decision.action,
        repeated=answer.repeated,
        degraded=answer.degraded,
        risk_score=decision.risk_score,
        probability=decision.probability,
        coverage=decision.coverage,
        event_time_ms=decision.event_time_ms,
        amount=decision.amount,
        currency=decision.currency,
        merchant_id=decision.merchant_id,
        tags=decision.tags,
        flags=decision.flags,
        summary=decision.summary,
        reasons=decision.reasons,
        model=decision.model,
        rules=decision.rules,
        enrichment=decision.enrichment,
        late=decision.late,
        stale_history=decision.stale_history,
        control_versions=decision.control_versions,
        feature_set=None if decision.feature_set is msgspec.UNSET else decision.feature_set,
    )


def probability_of(answer: Answer) -> float | None:
    """The probability of fraud, 0 to 1; of a repeat whose decision is not kept, by its score. None of a fallback."""
    if answer.decision is not None:
        return answer.decision.probability
    return None if answer.risk_score is None else answer.risk_score / 1000


def json_response(body: Any, status: int = 200) -> Response:
    """A body as JSON; numbers that are not finite are null."""
    return Response(_encode(body), status, media_type="application/json")


def encoded(body: Any) -> bytes:
    """A body's JSON."""
    return _encode(body)

"""What one record can turn into: typed variants inside, and the bytes that leave the operator."""

from __future__ import annotations

from typing import Literal

import msgspec

Destination = Literal["decisions", "alerts", "dead-letters"]
Action = Literal["allow", "refer_to_analyst", "soft_challenge", "hard_block"]
ACTIONS: tuple[Action, ...] = ("allow", "refer_to_analyst", "soft_challenge", "hard_block")
Flag = Literal["AML", "KYC", "PCI", "AUDIT"]
EnrichmentStatus = Literal["ok", "stale", "degraded"]


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a record came from: a file's path, or topic, partition and offset where the source has them."""

    source: str
    partition: str | None = None
    offset: int | None = None


class Output(msgspec.Struct, gc=False):
    """One record to a sink. `value` is the record's bytes; `headers` travel beside it where the sink has headers.

    `action` is that of a decision or an alert.
    """

    destination: Destination
    key: str
    value: bytes
    headers: dict[str, bytes] | None = None
    action: Action | None = None


class Reason(msgspec.Struct, frozen=True, gc=False):
    """One reason in words. `weight` is its share of the score, on the same 0 to 1000 for every source."""

    source: Literal["rule", "trees", "autoencoder", "block_list", "flag"]
    name: str
    text: str
    weight: float


class ModelScore(msgspec.Struct, frozen=True, gc=False):
    """What the bundle said: calibrated probability, the trees' margin (log-odds) and the reconstruction error."""

    bundle: str
    probability: float
    xgboost: float
    anomaly: float


class RuleScore(msgspec.Struct, frozen=True, gc=False):
    """What the rule set said: the hits' ids and points, and their sum on the pack's 0 to 1000 scale."""

    version: int
    score: int
    points: int
    hits: list[str]


class Decision(msgspec.Struct, tag_field="type", tag="decision", gc=False):
    """The record of one scored transaction. Deterministic: the same state and input give the same bytes.

    The scorer makes it by position: by keyword it would take three times as long.
    """

    decision_id: str
    transaction_id: str
    user_id: str
    event_time_ms: int
    amount: float
    currency: str
    risk_score: int
    action: Action
    flags: list[Flag]
    reasons: list[Reason]
    model: ModelScore
    rules: RuleScore
    enrichment: EnrichmentStatus
    late: bool = False
    stale_history: bool = False
    merchant_id: str | None = None
    origin: Origin | None = None
    control_versions: dict[str, int] = {}
    features: dict[str, float | None] | None = None


class Alert(msgspec.Struct, tag_field="type", tag="alert", omit_defaults=True, kw_only=True, gc=False):
    """What an analyst is told: any decision but allow, any flag, or an account change that raises a flag.

    `user_country` is the home country of the user's profile.
    """

    alert_id: str
    user_id: str
    event_time_ms: int
    action: Action
    risk_score: int
    flags: list[Flag]
    reasons: list[str]
    transaction_id: str | None = None
    event_id: str | None = None
    amount: float | None = None
    currency: str | None = None
    merchant_id: str | None = None
    user_country: str | None = None


class Duplicate(msgspec.Struct, tag_field="type", tag="duplicate", kw_only=True, gc=False):
    """The same transaction again: it names the decision already made and changes nothing."""

    decision_id: str
    transaction_id: str
    user_id: str
    event_time_ms: int


class DeadLetter(msgspec.Struct, tag_field="type", tag="dead_letter", kw_only=True, gc=False):
    """A record that is no event, as JSON (files): its bytes in base64, why, and where it came from."""

    reason: str
    payload_base64: str
    payload_sha256: str
    origin: Origin

"""What one record can turn into: typed variants inside, and the bytes that leave the operator."""

from __future__ import annotations

from typing import Literal

import msgspec

Destination = Literal["decisions", "alerts", "flags", "dead-letters"]
DESTINATIONS: tuple[Destination, ...] = ("decisions", "alerts", "flags", "dead-letters")
Action = Literal["allow", "refer_to_analyst", "soft_challenge", "hard_block"]
ACTIONS: tuple[Action, ...] = ("allow", "refer_to_analyst", "soft_challenge", "hard_block")
Flag = Literal["AML", "KYC", "PCI", "AUDIT"]
EnrichmentStatus = Literal["ok", "stale", "degraded"]
Tag = Literal["low_coverage", "unusual", "cautious_rules"]
TAGS: tuple[Tag, ...] = ("low_coverage", "unusual", "cautious_rules")
RuleMapKind = Literal["calibrated", "cautious", "none"]


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a record came from: a file's path, or topic, partition and offset where the source has them."""

    source: str
    partition: str | None = None
    offset: int | None = None


class Output(msgspec.Struct, gc=False):
    """One record to a sink. `value` is the record's bytes; `headers` travel beside it where the sink has headers.

    `action` is that of a decision, an alert or a flag's payment.
    """

    destination: Destination
    key: str
    value: bytes
    headers: dict[str, bytes] | None = None
    action: Action | None = None


class Reason(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One reason in words. `weight` is what it contributes to the risk score, on the same 0 to 1000 for every source.

    `value` is what was found, in the feature's unit; `usual` says in words what is usual for this user or for the
    population.
    """

    source: Literal["rule", "trees", "autoencoder", "block_list", "flag"]
    name: str
    text: str
    weight: float
    value: float | None = None
    usual: str | None = None


class ModelScore(msgspec.Struct, frozen=True, gc=False):
    """What the bundle said: calibrated probability, the trees' margin (log-odds) and the reconstruction error."""

    bundle: str
    probability: float
    xgboost: float
    anomaly: float


class RuleScore(msgspec.Struct, frozen=True, gc=False):
    """What the rule set said: the hits' ids and points, and their sum on the pack's 0 to 1000 scale.

    `map` is how the points became part of the probability: by what such points meant in history ("calibrated"), by the
    pack's scale because the bundle holds no map of this rule set ("cautious"), or not at all, as there were none ("none").
    """

    version: int
    score: int
    points: int
    hits: list[str]
    map: RuleMapKind = "none"


class Decision(msgspec.Struct, tag_field="type", tag="decision", gc=False):
    """The record of one scored transaction. Deterministic: the same state and input give the same bytes.

    `probability` of fraud is that of model and rules together, `risk_score` 1000 times it, rounded half up. `coverage`
    is the share of the model's importance that was known, 0 to 1. `tags`: low_coverage, where so little was known that
    the score alone refers at most; unusual, where the anomaly detectors alone call for an analyst; cautious_rules, where
    points counted that history has not been asked about. `summary` is why in one sentence (None: allowed).

    The scorer makes it by position: by keyword it would take three times as long.
    """

    decision_id: str
    transaction_id: str
    user_id: str
    event_time_ms: int
    amount: float
    currency: str
    risk_score: int
    probability: float
    coverage: float
    action: Action
    tags: list[Tag]
    flags: list[Flag]
    summary: str | None
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
    """What an analyst is told: any decision but allow; by `flag_alerts` also what is flagged only.

    `summary` is why in one sentence; `user_country` is the home country of the user's profile.
    """

    alert_id: str
    user_id: str
    event_time_ms: int
    action: Action
    risk_score: int
    flags: list[Flag]
    reasons: list[str]
    summary: str | None = None
    tags: list[Tag] = []
    transaction_id: str | None = None
    event_id: str | None = None
    amount: float | None = None
    currency: str | None = None
    merchant_id: str | None = None
    user_country: str | None = None


class FlagNotice(msgspec.Struct, tag_field="type", tag="flag", omit_defaults=True, kw_only=True, gc=False):
    """Compliance flags of a payment that is allowed, or of an account's change, for whoever handles such flags.

    Of one user each flag comes at most once on a day of event time (UTC); decisions carry all of them.
    """

    flag_id: str
    user_id: str
    event_time_ms: int
    flags: list[Flag]
    reasons: list[str]
    risk_score: int = 0
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

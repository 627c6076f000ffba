"""The part of a decision that a report needs: the rest of the line, logged features above all, is skipped undecoded."""

from __future__ import annotations

from typing import Annotated

import msgspec

from udfs.codec import MAX_TIMESTAMP_MS
from udfs.outputs import Action, EnrichmentStatus, Flag, Tag

TimeMs = Annotated[int, msgspec.Meta(ge=0, le=MAX_TIMESTAMP_MS)]
Score = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class ModelLine(msgspec.Struct, gc=False):
    bundle: str
    probability: Share


class RulesLine(msgspec.Struct, gc=False):
    version: int
    score: Score
    hits: list[str]
    points: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 0


class ReasonLine(msgspec.Struct, gc=False):
    source: str
    name: str
    text: str


class BaseAmountLine(msgspec.Struct, gc=False):
    """Of the features only the amount in the base currency."""

    amount: float | None = None


class DecisionLine(msgspec.Struct, tag_field="type", tag="decision", kw_only=True, gc=False):
    """Lines of earlier versions have no probability of their own, coverage or tags."""

    transaction_id: str
    user_id: str
    event_time_ms: TimeMs
    amount: float
    currency: str
    risk_score: Score
    probability: Share | None = None
    coverage: Share | None = None
    action: Action
    tags: list[Tag] = []
    flags: list[Flag]
    reasons: list[ReasonLine]
    model: ModelLine
    rules: RulesLine
    enrichment: EnrichmentStatus
    late: bool = False
    stale_history: bool = False
    features: BaseAmountLine | None = None


class DuplicateLine(msgspec.Struct, tag_field="type", tag="duplicate", gc=False):
    transaction_id: str


line_decoder: msgspec.json.Decoder[DecisionLine | DuplicateLine] = msgspec.json.Decoder(DecisionLine | DuplicateLine)

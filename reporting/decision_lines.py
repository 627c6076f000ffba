"""Typed structs for the fields of a decision that a report needs; msgspec skips all others, e.g. logged features."""

from __future__ import annotations

from math import isnan
from typing import Annotated

import msgspec

from udfs.records.codec import MAX_TIMESTAMP_MS
from udfs.records.logged_features import FeatureSets, packed_feature
from udfs.records.outputs import Action, EnrichmentStatus, Flag, Tag

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
    """Decodes only the amount in the base currency of features by name."""

    amount: float | None = None


class DecisionLine(msgspec.Struct, tag_field="type", tag="decision", kw_only=True, gc=False):
    """A decision. Lines of earlier versions have no `probability`, `coverage` or `tags`."""

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
    feature_set: str | None = None
    features_packed: bytes | None = None

    def base_amount(self, feature_sets: FeatureSets) -> float | None:
        """The amount in the base currency; None without it. Raises FeaturesError if `feature_sets` lacks the packed set."""
        if self.features_packed is not None:
            amount = packed_feature(self.features_packed, self.feature_set, "amount", feature_sets)
            return None if isnan(amount) else amount
        return self.features.amount if self.features is not None else None


class DuplicateLine(msgspec.Struct, tag_field="type", tag="duplicate", gc=False):
    transaction_id: str


line_decoder: msgspec.json.Decoder[DecisionLine | DuplicateLine] = msgspec.json.Decoder(DecisionLine | DuplicateLine)

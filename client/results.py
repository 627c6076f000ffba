"""What a call returns: typed, frozen records, the same by HTTP and embedded.

Texts that a later version of the API may add to (tags, flags, sources of reasons) are plain texts here. An unknown action is
refused instead: no caller knows what to do with it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Action = Literal["allow", "refer_to_analyst", "soft_challenge", "hard_block"]


class Reason(msgspec.Struct, frozen=True):
    """One reason. `weight`: its part of the risk score. `value`: in the feature's unit. `usual`: what is usual, in words."""

    source: str
    name: str
    text: str
    weight: float
    value: float | None = None
    usual: str | None = None


class ModelScore(msgspec.Struct, frozen=True):
    """The model's part: calibrated probability, the trees' margin (log-odds) and the anomaly (1 is usual)."""

    bundle: str
    probability: float
    xgboost: float
    anomaly: float


class RuleScore(msgspec.Struct, frozen=True):
    """The rules' part: version of the rule set, ids of the hits, their points, and these on the scale of 0 to 1000.
    `lists`: the versions of the named lists that the rules refer to."""

    version: int
    score: int
    points: int
    hits: tuple[str, ...]
    map: str = "none"
    lists: dict[str, int] = {}


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with a payment, and why. Fields are those of a decision in docs/events.md.

    `risk_score`: 0 to 1000, 1000 times `probability`, rounded half up. `repeated`: the payment had been decided before, and
    this was decided then. `degraded`: the answer is the API's configured fallback, because the decision did not come in
    time. Of a repeat whose decision is no longer at hand, only action and score are known besides the ids; of a fallback
    only the action.
    """

    transaction_id: str
    user_id: str
    action: Action
    decision_id: str
    risk_score: int | None = None
    probability: float | None = None
    coverage: float | None = None
    tags: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    summary: str | None = None
    reasons: tuple[Reason, ...] = ()
    model: ModelScore | None = None
    rules: RuleScore | None = None
    enrichment: str | None = None
    late: bool | None = None
    repeated: bool = False
    degraded: str | None = None

    @property
    def is_fraud(self) -> bool:
        """Must the payment not go through as it is: is its action soft_challenge or hard_block?"""
        return self.action in ("soft_challenge", "hard_block")


class Held(msgspec.Struct, frozen=True):
    """A place that may still hold records of an erased user. `until_ms`: epoch milliseconds; None: until someone removes
    them."""

    where: str
    what: str
    until_ms: int | None = None


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an erasure. `event_id`: as the API's audit log has it. `is_forgotten`: whether what decides has
    forgotten the user, or was told to; False of an API that decides nothing. `removed`: rows of the API's store by table;
    embedded there is no store. `held`: what else may hold records of the user."""

    event_id: str
    is_forgotten: bool
    removed: dict[str, int] = {}
    held: tuple[Held, ...] = ()

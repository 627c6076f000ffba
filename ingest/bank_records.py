"""Records of a bank's case management and model logs. They are kept beside the events; the job does not read them."""

from __future__ import annotations

import msgspec

from udfs.records.events import Attributes


class AlertCase(msgspec.Struct, kw_only=True, gc=False):
    """An analyst's case. Times are epoch milliseconds UTC. Map the same table as kind `label` for its outcomes."""

    case_id: str
    alert_id: str | None = None
    transaction_id: str | None = None
    user_id: str | None = None
    status: str | None = None
    resolution: str | None = None
    opened_at: int | None = None
    closed_at: int | None = None
    analyst: str | None = None
    notes: str | None = None


class ModelLog(msgspec.Struct, kw_only=True, gc=False):
    """What another model said of a transaction, with the features that it saw."""

    transaction_id: str
    user_id: str | None = None
    scored_at: int | None = None
    model_version: str | None = None
    score: float | None = None
    decision: str | None = None
    feature_vector: tuple[float, ...] = ()


class FeatureRow(msgspec.Struct, kw_only=True, gc=False):
    """Features of one transaction computed elsewhere; they become attributes of the transaction with this id."""

    transaction_id: str
    attributes: Attributes | None = None

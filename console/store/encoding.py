"""A decision as columns, and back."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import RowMapping

from console.store.marks import Facts, action_number, flag_bits, tag_bits, words_of
from console.store.rows import DecisionRecord, DecisionRow
from console.store.tables import decisions
from udfs.records.outputs import ModelScore, Origin, Reason, RuleScore, ShadowScore

COLUMNS = tuple(column.name for column in decisions.columns)
LIST_COLUMNS = tuple(name for name in COLUMNS if name != "features")
_VALUE_BYTES = 8


class Body(msgspec.Struct, omit_defaults=True, gc=False):
    """What is read together with a decision, and never searched."""

    action: str
    model: ModelScore
    rules: RuleScore
    tags: list[str] = []
    flags: list[str] = []
    summary: str | None = None
    reasons: list[Reason] = []
    origin: Origin | None = None
    control_versions: dict[str, int] = {}
    shadow: list[ShadowScore] = []


_encode = msgspec.json.Encoder().encode
_decode_body = msgspec.json.Decoder(Body).decode


def facts_of(record: DecisionRow, bundle: int) -> Facts:
    return Facts(
        record.risk_score, action_number(record.action), flag_bits(record.flags), tag_bits(record.tags), bundle
    )


def row_of(record: DecisionRecord, facts: Facts) -> tuple[Any, ...]:
    """In the order of COLUMNS. Raises ValueError for packed features of a length that cannot be."""
    feature_set, features = packed_features(record)
    body = Body(
        record.action, record.model, record.rules, record.tags, record.flags, record.summary, record.reasons,
        record.origin, record.control_versions, record.shadow,
    )  # fmt: skip
    return (
        record.event_time_ms, record.decision_id, record.user_id, record.transaction_id, *facts, record.amount,
        record.currency, record.probability, record.coverage, record.enrichment, record.late, record.stale_history,
        record.merchant_id, _encode(body).decode(), feature_set, features,
    )  # fmt: skip


def decision_of(columns: Mapping[str, Any] | RowMapping, names: Sequence[str] | None = None) -> DecisionRow:
    """Of a row of the table, with or without its features. `names`: of its feature set, if they are known."""
    body = _decode_body(columns["body"])
    packed = columns.get("features")
    return DecisionRow(
        decision_id=columns["decision_id"], transaction_id=columns["transaction_id"], user_id=columns["user_id"],
        event_time_ms=columns["event_time_ms"], amount=columns["amount"], currency=columns["currency"],
        risk_score=columns["risk_score"], probability=columns["probability"], coverage=columns["coverage"],
        action=body.action, tags=body.tags, flags=body.flags, summary=body.summary, reasons=body.reasons,
        model=body.model, rules=body.rules, enrichment=columns["enrichment"],
        late=bool(columns["late"]), stale_history=bool(columns["stale_history"]), merchant_id=columns["merchant_id"],
        origin=body.origin, control_versions=body.control_versions, shadow=body.shadow,
        feature_set=columns["feature_set"],
        features=None if packed is None or names is None else named_features(packed, names),
    )  # fmt: skip


def words_of_reasons(record: DecisionRow) -> list[str]:
    """What free text finds; none for a decision without reasons."""
    if not record.reasons and not record.summary:
        return []
    return words_of(record.summary, *(reason.text for reason in record.reasons))


def feature_set_of(record: DecisionRecord) -> str | None:
    """The version of the feature set; of earlier decisions by name, which have none, one that is made of the names."""
    if record.feature_set is None and record.features is not None:
        return _version_of(tuple(record.features))
    return record.feature_set


def packed_features(record: DecisionRecord) -> tuple[str | None, bytes | None]:
    """Version of the feature set and values. Raises ValueError for packed features of a length that cannot be."""
    packed = record.features_packed
    if packed is None and record.features is not None:
        values = [math.nan if value is None else value for value in record.features.values()]
        packed = struct.pack(f"<{len(values)}d", *values)
    elif packed is not None and len(packed) % _VALUE_BYTES:
        raise ValueError(f"features_packed: {len(packed)} bytes are not a whole number of float64")
    return feature_set_of(record), packed


def named_features(packed: bytes, names: Sequence[str]) -> dict[str, float | None] | None:
    """None is not known; None instead of all of them if the names are those of another feature set."""
    if len(packed) != len(names) * _VALUE_BYTES:
        return None
    values = struct.unpack(f"<{len(names)}d", packed)
    return {name: value if math.isfinite(value) else None for name, value in zip(names, values, strict=True)}


@lru_cache(maxsize=64)
def _version_of(names: tuple[str, ...]) -> str:
    return "names-" + sha256("\0".join(names).encode()).hexdigest()[:16]

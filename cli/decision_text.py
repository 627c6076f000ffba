"""Formats one decision as text, or as JSON with features by name."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

import msgspec

from cli.decision_input import DecisionLine
from cli.errors import UserError
from udfs.features.catalogue import FEATURES
from udfs.records.console_line import console_line, printable
from udfs.records.logged_features import FeatureSets, LoggedFeatures, features_of

_UNITS = {feature.name: feature.unit for feature in FEATURES}
_encode = msgspec.json.Encoder().encode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NULL = msgspec.Raw(b"null")


class _Reason(msgspec.Struct):
    source: str
    name: str
    text: str
    weight: float | None = None


class _Model(msgspec.Struct):
    bundle: str
    probability: float


class _Rules(msgspec.Struct):
    version: int
    score: int
    hits: list[str]
    points: int | None = None


class _Shadow(msgspec.Struct):
    set: str
    version: int
    hits: list[str]
    points: int
    action: str | None


class Shown(LoggedFeatures, tag_field="type", tag="decision", kw_only=True):
    """The fields of a decision that are shown; decisions of earlier versions lack those with a default."""

    decision_id: str
    transaction_id: str
    user_id: str
    event_time_ms: int
    action: str
    risk_score: int | None = None
    amount: float | None = None
    currency: str | None = None
    merchant_id: str | None = None
    flags: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    summary: str | None = None
    probability: float | None = None
    coverage: float | None = None
    reasons: tuple[_Reason, ...] = ()
    model: _Model
    rules: _Rules
    enrichment: str = "ok"
    late: bool = False
    stale_history: bool = False
    shadow: tuple[_Shadow, ...] = ()


class Duplicate(msgspec.Struct, tag_field="type", tag="duplicate"):
    """The output for a transaction that was received again."""


_decode = msgspec.json.Decoder(Shown | Duplicate).decode


def decode_decision(line: DecisionLine) -> Shown | Duplicate:
    """Decode a line. Raises UserError if it is neither a decision nor a duplicate."""
    try:
        decision: Shown | Duplicate = _decode(line.value)
        return decision
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{line.place}: not a decision: {' '.join(str(error).split())}") from None


def with_features_by_name(line: bytes, decision: Shown, feature_sets: FeatureSets, features: bool) -> str:
    """The decision's JSON as written with `log_features: names`, or with `none` if not `features`. Raises FeaturesError."""
    fields = _decode_object(line)
    fields.pop("features_packed", None)
    if not features:
        fields.pop("feature_set", None)
        fields["features"] = _NULL
    elif decision.features_packed is not None:
        fields["features"] = msgspec.Raw(_encode(features_of(decision, feature_sets)))
    return _encode(fields).decode()


def as_text(decision: Shown, feature_sets: FeatureSets, shown: str) -> str:
    """The decision as lines of text; `shown`: list the known features, all or none. Raises FeaturesError."""
    lines = [console_line(decision), *_facts(decision), *_reasons(decision)]
    if shown != "none":
        lines += _features(decision, feature_sets, shown == "all")
    return "\n".join(map(printable, lines))


def _facts(decision: Shown) -> Iterator[str]:
    model, rules = decision.model, decision.rules
    yield f"  transaction  {decision.transaction_id}, decision {decision.decision_id}"
    if decision.probability is not None:
        yield f"  probability  {decision.probability:.6g}"
    if decision.coverage is not None:
        yield f"  coverage     {decision.coverage:.0%}"
    yield f"  model        probability {model.probability:.6g}, bundle {model.bundle}"
    points = "" if rules.points is None else f"{rules.points} points, "
    yield f"  rules        {points}score {rules.score}, version {rules.version}: {', '.join(rules.hits) or 'no hits'}"
    for shadow in decision.shadow:
        action = "failed" if shadow.action is None else f"{shadow.action}, {shadow.points} points"
        yield f"  in shadow    {action}, {shadow.set} version {shadow.version}: {', '.join(shadow.hits) or 'no hits'}"
    states = [name for name, is_set in (("late", decision.late), ("stale history", decision.stale_history)) if is_set]
    yield f"  enrichment   {', '.join([decision.enrichment, *states])}"


def _reasons(decision: Shown) -> Iterator[str]:
    if decision.reasons:
        yield "  reasons"
    for reason in decision.reasons:
        weight = "" if reason.weight is None else f"{reason.weight:.0f}"
        yield f"    {weight:>4}  {reason.source} {reason.name}: {reason.text}"


def _features(decision: Shown, feature_sets: FeatureSets, with_unknown: bool) -> Iterator[str]:
    if decision.features is None and decision.features_packed is None:
        yield "  features     not in the decision"
        return
    values = features_of(decision, feature_sets)
    known = sum(not isnan(value) for value in values.values())
    feature_set = f" of feature set {decision.feature_set}" if decision.feature_set else ""
    yield f"  features     {known} of {len(values)} known{feature_set}"
    width = max(map(len, values), default=0)
    for name, value in values.items():
        if not isnan(value):
            yield f"    {name:<{width}}  {value!r} {_UNITS.get(name, '')}".rstrip()
        elif with_unknown:
            yield f"    {name:<{width}}  not known"

"""The reasons of an alert, from rules, trees and autoencoder together, strongest first."""

from __future__ import annotations

from collections.abc import Sequence

from udfs.ensemble import ReasonKind
from udfs.features.values import NamedValues
from udfs.features.words import in_words
from udfs.outputs import Reason
from udfs.profiles import BlockEntry
from udfs.rules.rule_set import Rule

BLOCK_LIST_WEIGHT = 1000.0
ANOMALY_SHARE = 0.25

Explained = tuple[str, float, ReasonKind]
"""A feature's name, how much it counts, and whether the trees or the autoencoder say so."""


def block_list_reasons(blocked: list[BlockEntry]) -> list[Reason]:
    return [
        Reason(
            "block_list",
            f"{entry.type}:{entry.value}",
            f"{entry.type} {entry.value} is on the block list"
            + (f" ({entry.reason_code})" if entry.reason_code else ""),
            BLOCK_LIST_WEIGHT,
        )
        for entry in blocked
    ]


def rule_reasons(hits: Sequence[Rule], texts: Sequence[str], points: int, score: int) -> list[Reason]:
    """Each hit's share of the rule score by its points."""
    return [
        Reason("rule", rule.id, text, round(score * rule.points / points, 1) if points else 0.0)
        for rule, text in zip(hits, texts, strict=True)
    ]


def model_reasons(explained: Sequence[Explained], features: NamedValues, score: int) -> list[Reason]:
    """Shares of the model score: a feature's contribution against all that push towards fraud, and a quarter of it
    among the features that the autoencoder finds unusual, which say how this differs from what is legitimate.
    """
    totals = {kind: sum(value for _, value, other in explained if other == kind) for kind in ("tree", "anomaly")}
    reasons = []
    for name, value, kind in explained:
        words = in_words(name, features[name])
        share = value / totals[kind]
        if kind == "tree":
            reasons.append(Reason("trees", name, words, round(score * share, 1)))
        else:
            reasons.append(Reason("autoencoder", name, f"unusual: {words}", round(ANOMALY_SHARE * score * share, 1)))
    return reasons


def strongest(reasons: list[Reason], limit: int) -> list[Reason]:
    """By weight, then by source and name; never two with the same text."""
    ordered = sorted(reasons, key=lambda reason: (-reason.weight, reason.source, reason.name))
    unique = {reason.text: reason for reason in reversed(ordered)}
    return [reason for reason in ordered if unique[reason.text] is reason][:limit]

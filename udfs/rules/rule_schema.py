"""The JSON schema of rule files, for editors: structure, ranges and meanings. Conditions are texts to it."""

from __future__ import annotations

from typing import Any, get_args

from udfs.records.outputs import ACTIONS, Flag
from udfs.rules.rule_set import (
    MAX_ID_LENGTH,
    MAX_OVER_PAYMENTS,
    MAX_POINTS,
    MAX_RULES,
    MAX_SCORE,
    MAX_VERSION,
    RULE_STATES,
)

MAX_CONDITION_LENGTH = 1000
MAX_REASON_LENGTH = 500
MAX_NAME_LENGTH = 100
MAX_DESCRIPTION_LENGTH = 1000
MAX_SCALE_POINTS = 10_000


def _guardrails() -> dict[str, Any]:
    rate = {"type": "number", "minimum": 0, "maximum": 1}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["over_payments"],
        "properties": {
            "over_payments": {"type": "integer", "minimum": 1, "maximum": MAX_OVER_PAYMENTS},
            "hit_rate_max": rate, "alert_rate_max": rate, "block_rate_max": rate,
        },
    }  # fmt: skip


def rule_file_schema() -> dict[str, Any]:
    """The schema, of draft 2020-12."""
    identifier = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]*$", "maxLength": MAX_ID_LENGTH}
    rule = {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "points", "when", "reason"],
        "properties": {
            "id": identifier | {"description": "Unique; it appears in decisions, so do not change it later."},
            "points": {
                "type": "integer", "minimum": 0, "maximum": MAX_POINTS, "description": "Added to the score for a hit.",
            },
            "when": {
                "type": "string", "minLength": 1, "maxLength": MAX_CONDITION_LENGTH,
                "description": "The condition; the rule hits only if it is true, not if it is unknown.",
            },
            "reason": {
                "type": "string", "minLength": 1, "maxLength": MAX_REASON_LENGTH,
                "description": "Text for analysts; {name}, {name:.1f} and {name:,.2f} insert values.",
            },
            "tier": {
                "anyOf": [identifier, {"type": "null"}],
                "description": "Of the rules that share a tier only the first hit in file order counts.",
            },
            "action": {
                "enum": [*ACTIONS, None], "description": "The minimum action of a hit.",
            },
            "enabled": {
                "type": "boolean", "default": True, "description": "A disabled rule is checked but never hits.",
            },
            "flag": {"enum": [*get_args(Flag), None], "description": "The compliance flag that a hit raises."},
            "event": {
                "enum": ["transaction", "account_change"], "default": "transaction",
                "description": "A rule on account changes raises a flag and nothing else.",
            },
            "state": {
                "enum": list(RULE_STATES), "default": "live",
                "description": "Drafts and retired rules are not evaluated; what is in shadow is only reported.",
            },
            "rollout": {
                "type": "integer", "minimum": 0, "maximum": 100, "default": 100,
                "description": "The share of the customers, in percent, for whom a live rule counts.",
            },
            "guardrails": {
                "anyOf": [_guardrails(), {"type": "null"}], "description": "Limits that put a live rule back to shadow.",
            },
        },
    }  # fmt: skip
    points, score = ({"type": "integer", "minimum": 0, "maximum": most} for most in (MAX_SCALE_POINTS, MAX_SCORE))
    pair = {"type": "array", "prefixItems": [points, score], "minItems": 2, "maxItems": 2, "items": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rule set",
        "description": "Rules of the fraud detector (docs/rules.md).",
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "version", "scale", "rules"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH},
            "version": {
                "type": "integer", "minimum": 1, "maximum": MAX_VERSION,
                "description": "Increase it with each change: older and equal versions are ignored.",
            },
            "description": {"type": "string", "maxLength": MAX_DESCRIPTION_LENGTH},
            "scale": {
                "type": "array", "minItems": 2, "items": pair,
                "description": "[points, score] pairs, the first [0, 0]; linear between them, constant after the last.",
            },
            "rules": {"type": "array", "minItems": 1, "maxItems": MAX_RULES, "items": rule},
        },
    }  # fmt: skip

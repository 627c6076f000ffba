"""Checks the alerts of a run for forbidden texts in reasons.

    python -m tests.udfs.reasons.forbidden_reasons out/demo/decisions.jsonl [HOW_MANY_OF_THE_STRONGEST]

Independent of the code that makes reasons: it uses patterns of forbidden texts, and the decision's logged features.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BASE_RATE = 0.01
FORBIDDEN = {
    "unknown value": re.compile(r"\b(?:not known|unknown|unavailable)\b|\b(?:nan|none|null|inf)\b", re.IGNORECASE),
    "zero distance or speed": re.compile(r"(?<![\d.,])0 km"),
    "count of one": re.compile(
        r"^(?:payments (?:at|on|in) )?1 (?:transaction|payment|merchant|device|countr|user|cit)\w*"
    ),
    "lowered risk": re.compile(
        r"\b(?:same (?:device|country|city|IP address)|known for this user|matches|not changed|in the home country"
        r"|not (?:an? |at )|no magnetic|of no VPN|on no block list|one-time password used|on a working day)",
        re.IGNORECASE,
    ),
    "number of no meaning": re.compile(r"\b(?:sin|cos|sine|log|ln|velocity score|major unit|size of the amount)\b"),
    "ordinary multiple": re.compile(r"(?<![\d.,])(?<!only )(?:0\.\d+|1(?:\.[01])?)x this user's (?!average monthly)"),
    "bare feature name": re.compile(r"\b[a-z]+\d*(?:_[a-z0-9]+)+\b"),
    "template left over": re.compile(r"[{}]"),
}
_FAMILIES = (
    ("amount against the user", re.compile(r"\bamount\b.*\b(?:this user's|the last one)")),
    ("place of payment", re.compile(r"\bfirst (?:payment|transaction) in this (?:city|country)|km from home")),
    ("frequency", re.compile(r"\b\d+ (?:payments|transactions) in \d")),
    ("device", re.compile(r"\b(?:first (?:payment|transaction) on|device first seen|another device than)")),
    ("merchant's fraud rate", re.compile(r"fraud rate of this merchant (?!category)")),
    ("device's fraud rate", re.compile(r"fraud rate of this device ")),
    ("time of day", re.compile(r"local time|at night")),
    ("cash", re.compile(r"\bcash\b")),
    ("entry by hand", re.compile(r"by hand")),
)
_NOT_OF_THE_SCORE = ("flag", "block_list")


def forbidden_reasons(lines: Iterable[str | bytes], strongest: int | None = 200) -> list[str]:
    """Faults in the reasons of the `strongest` alerts (None: all) of a decisions.jsonl, one text a fault.

    Alerts are decisions whose action is not `allow`.
    """
    alerts = [
        decision
        for decision in map(json.loads, lines)
        if decision.get("type") == "decision" and decision["action"] != "allow"
    ]
    alerts.sort(key=lambda decision: (-decision["risk_score"], decision["decision_id"]))
    return [
        f"{alert['transaction_id']}: {fault}"
        for alert in (alerts if strongest is None else alerts[:strongest])
        for fault in faults_of(alert)
    ]


def faults_of(alert: dict[str, Any]) -> list[str]:
    """Faults in one alert's reasons and summary."""
    faults: list[str] = []
    reasons = alert["reasons"]
    if not reasons:
        faults.append("no reason at all")
    summary = alert.get("summary") or ""
    if not summary.strip() or not summary.endswith("."):
        faults.append(f"no summary: {summary!r}")
    features = alert.get("features") or {}
    ids = {str(value) for key, value in alert.items() if isinstance(value, str) and key != "summary"}
    for text in [reason["text"] for reason in reasons] + ([summary] if summary else []):
        faults += _faults_of_text(text, ids)
    seen: dict[str, str] = {}
    for reason in reasons:
        if reason["name"] not in alert["rules"]["hits"]:
            faults += _faults_of_value(reason, features)
        if reason["source"] in _NOT_OF_THE_SCORE:
            continue
        for family in _families_of(reason["text"]):
            if family in seen:
                faults.append(f"said twice ({family}): {seen[family]!r} and {reason['text']!r}")
            seen[family] = reason["text"]
    return faults


def _faults_of_text(text: str, ids: set[str]) -> list[str]:
    if not text.strip():
        return ["an empty reason"]
    faults = []
    for kind, pattern in FORBIDDEN.items():
        found = [match for match in pattern.findall(text) if match not in ids]
        if found:
            faults.append(f"{kind}: {text!r}")
    return faults


def _faults_of_value(reason: dict[str, Any], features: dict[str, float | None]) -> list[str]:
    name, text = reason["name"], reason["text"]
    faults = []
    if not reason["weight"] >= 0.0:
        faults.append(f"weight {reason['weight']}: {text!r}")
    if reason["source"] in ("trees", "autoencoder") and name in features:
        value = features[name]
        if value is None:
            faults.append(f"evidence of a value that was not there ({name}): {text!r}")
        elif reason.get("value") != value:
            faults.append(f"value {reason.get('value')} where the feature is {value}: {text!r}")
        elif "fraud_rate" in name and value < 2.0 * BASE_RATE:
            faults.append(f"a prior, or close to it: {text!r}")
    return faults


def _families_of(text: str) -> list[str]:
    """Subjects of a text; two texts with a common subject are near-duplicates."""
    about = [family for family, pattern in _FAMILIES if pattern.search(text)]
    return [*about, re.sub(r"[\d.,]+", "#", text.lower())]


def main() -> None:
    path = Path(sys.argv[1])
    strongest = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    with path.open("rb") as lines:
        faults = forbidden_reasons(lines, strongest)
    print("\n".join(faults) or f"nothing forbidden in the {strongest} strongest alerts of {path}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()

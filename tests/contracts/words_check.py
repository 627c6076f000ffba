"""What is wrong with the words and the signal of a feature, by rules that share no code with what writes reasons."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from math import inf, nan

from udfs.features.feature import Feature
from udfs.records.events import Transaction

WRITTEN: Mapping[str, Mapping[float, str]] = {
    "money": {0.0: "0.00 USD", 1.0: "1.00 USD", 123_456_789.125: "123,456,789.12 USD", -1.5: "-1.50 USD"},
    "times": {0.0: "0x", 0.05: "0.05x", 1.0: "1.0x", 8.44: "8.4x", 1234.5: "1,234x"},
    "deviations": {
        0.0: "0.0 standard deviations",
        -1.25: "-1.2 standard deviations",
        15.16: "15.2 standard deviations",
    },
    "count": {0.0: "0", 1.0: "1", 2.0: "2", 12_345.0: "12,345"},
    "percent": {0.0: "0 %", 0.015: "1.5 %", 0.5: "50 %", 1.0: "100 %"},
    "days": {0.0: "0 seconds", 1.0: "24 hours", 2.0: "2 days", 400.0: "400 days"},
    "minutes": {0.5: "30 seconds", 45.0: "45 minutes", 600.0: "10 hours", 5760.0: "4 days"},
    "seconds": {1.0: "1 second", 30.0: "30 seconds", 3600.0: "60 minutes", 86_400.0: "24 hours"},
    "km": {0.0: "0 km", 1500.4: "1,500 km"},
    "kmh": {0.0: "0 km/h", 900.0: "900 km/h"},
    "number": {0.5: "0.5", 2.0: "2", 1234.5: "1,234"},
    "hour": {0.0: "00:00", 14.0: "14:00"},
    "weekday": {0.0: "Monday", 6.0: "Sunday"},
    "flag": {0.0: "", 1.0: ""},
}
"""What a value reads like in each form; the currency is USD."""
WITHOUT_VALUE = frozenset({"hour_sin", "hour_cos"})
"""Numbers that mean nothing to a reader."""
EXTREMES = (-1.0, 1e300, inf, -inf)
_NOUNS = "payments|devices|merchants|countries|users|frauds|logins|years|refunds|transfers|cities|senders|beneficiaries"
_PLURAL_OF_ONE = re.compile(rf"(?<![\d.,])1 (?:[a-z]+ )*?(?:{_NOUNS})\b")
_PLACEHOLDER = re.compile(r"\{[^}]*\}?|\}")


def faults_of(feature: Feature, names: Collection[str], concepts: Collection[str]) -> list[str]:
    """One text a fault; `names` and `concepts` are those of the feature's set."""
    faults = _faults_of_templates(feature)
    return [*faults, *(_faults_of_values(feature) if not faults else ()), *_faults_of_signal(feature, names, concepts)]


def _faults_of_templates(feature: Feature) -> list[str]:
    words, faults = feature.words, []
    if not words.raised:
        faults.append("no words")
    for text in (words.raised, words.lowered, words.unknown):
        if text != text.strip() or "_" in text or not text.isprintable():
            faults.append(f"not plain: {text!r}")
    has_value = words.form != "flag" and feature.name not in WITHOUT_VALUE
    told = [words.raised, *([words.lowered] if words.lowered else [])]
    if any(_PLACEHOLDER.findall(text) != (["{}"] if has_value else []) for text in told):
        faults.append("the value does not stand once in the words")
    if _PLACEHOLDER.search(words.unknown):
        faults.append("a value that is not known is told")
    texts = [text for text in (words.raised, words.lowered, words.unknown) if text]
    if len(set(texts)) != len(texts):
        faults.append("two states have the same words")
    if not words.lowered and (words.form == "flag" or feature.signal.direction in ("amount", "either")):
        faults.append("no words for the lowered state")
    if (words.form == "flag") != (feature.unit == "flag"):
        faults.append(f"the form {words.form} for the unit {feature.unit}")
    if words.field and words.field not in Transaction.__struct_fields__:
        faults.append(f"named by {words.field}, which no transaction has")
    return faults


def _faults_of_values(feature: Feature) -> list[str]:
    """What `in_words` makes of values, against the templates with the value put in by hand."""
    words, faults = feature.words, []
    for value, written in WRITTEN[words.form].items():
        for is_low in (False, True):
            template = words.lowered if is_low and words.lowered else words.raised
            if words.form == "flag":
                is_raised = value == (0.0 if feature.signal.direction == "false" else 1.0)
                template = words.raised if is_raised else words.lowered
            text = feature.in_words(value, "USD", is_low)
            if words.form == "count" and value == 1.0:
                if text[: template.find("{}") + 1] != template.replace("{}", "1")[: template.find("{}") + 1]:
                    faults.append(f"1 reads {text!r}")
                if _PLURAL_OF_ONE.search(text):
                    faults.append(f"more than one: {text!r}")
            elif text != template.replace("{}", written):
                faults.append(f"{value} reads {text!r}")
    faults += [f"{value} reads {text!r}" for value in EXTREMES if not (text := feature.in_words(value, "USD")).strip()]
    faults += [f"{value} leaves a brace" for value in EXTREMES if "{" in feature.in_words(value, "USD")]
    if feature.in_words(nan, "USD") != feature.words.unknown:
        faults.append("an unknown value is told")
    return faults


def _faults_of_signal(feature: Feature, names: Collection[str], concepts: Collection[str]) -> list[str]:
    signal, is_flag, faults = feature.signal, feature.words.form == "flag", []
    if not signal.concept or signal.concept[0] == "_":
        faults.append("no concept")
    if signal.direction in ("true", "false") and not is_flag:
        faults.append(f"a number is risky where it is {signal.direction}")
    if is_flag and signal.direction not in ("true", "false", "night", "never"):
        faults.append(f"a flag is risky where it is {signal.direction}")
    if signal.direction == "high" and not signal.least <= signal.clear:
        faults.append("clearly high before it is high")
    if signal.direction == "low" and not signal.certain <= signal.most:
        faults.append("clearly low before it is low")
    if signal.needs and signal.needs not in names:
        faults.append(f"needs {signal.needs}, which is no feature")
    if signal.joins and signal.joins not in concepts:
        faults.append(f"joins {signal.joins}, which no feature is about")
    if signal.read_from and (not is_flag or signal.read_from not in Transaction.__struct_fields__):
        faults.append(f"read from {signal.read_from}")
    return faults

"""What speaks for fraud, by concept: trees, anomaly detectors and rules about the same thing are one finding."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from udfs.reasoning.evidence import Evidence, Examiner
from udfs.reasoning.inputs import AlertInputs, RuleHit
from udfs.reasoning.signals import EVENT_FEATURES, concept_of, is_feature, signal_of

SLIGHT_SHOWN = 3
LEAST_CONTRIBUTION = 0.005
"""A feature with less of its source's sum is not looked at."""
_UNFIT = re.compile(r"\b(?:unknown|not known)\b|(?<![\d.,])0 km\b", re.IGNORECASE)


class Finding(msgspec.Struct):
    """One concept with what it contributes by source, in log-odds, the most telling feature and the strongest rule."""

    concept: str
    trees: float = 0.0
    autoencoder: float = 0.0
    rules: float = 0.0
    evidence: Evidence | None = None
    hits: list[RuleHit] = []

    @property
    def contribution(self) -> float:
        return self.trees + self.autoencoder + self.rules

    @property
    def forces(self) -> bool:
        """Is the action forced by one of its rules?"""
        return any(hit.forces for hit in self.hits) if self.hits else False


def gather(inputs: AlertInputs, examiner: Examiner, trees: float, autoencoder: float, rules: float) -> list[Finding]:
    """Findings with the log-odds of each source shared out by contributions, deviations and points."""
    findings: dict[str, Finding] = {}
    if trees > 0.0:
        _take(inputs.contributions, trees, False, inputs, examiner, findings)
    if autoencoder > 0.0:
        _take(inputs.deviations, autoencoder, True, inputs, examiner, findings)
    for hit in sorted(inputs.hits, key=_by_share) if len(inputs.hits) > 1 else inputs.hits:
        concept = _concept_of_rule(hit, findings)
        finding = findings.get(concept)
        if finding is None:
            finding = findings[concept] = Finding(concept)
        finding.rules += rules * hit.share
        finding.hits.append(hit)
    _join(findings)
    return list(findings.values())


def _join(findings: dict[str, Finding]) -> None:
    """Merge what says nearly the same as another finding, but for rules, which have words of their own."""
    for finding in list(findings.values()):
        if finding.evidence is None or finding.hits:
            continue
        other = findings.get(signal_of(finding.evidence.name).joins)
        if other is not None:
            other.trees += finding.trees
            other.autoencoder += finding.autoencoder
            del findings[finding.concept]


def slight_values(inputs: AlertInputs, examiner: Examiner, told: set[str]) -> list[tuple[str, float]]:
    """The strongest features that lean towards a risk without being unusual, one of a concept that is not `told`."""
    slight: dict[str, tuple[str, float]] = {}
    for name, _ in (*inputs.contributions, *inputs.deviations):
        signal, value = signal_of(name), inputs.features[name]
        if signal.concept not in slight and signal.concept not in told and examiner.is_slightly(name, value, signal):
            slight[signal.concept] = (name, value)
            if len(slight) == SLIGHT_SHOWN:
                break
    return list(slight.values())


def _take(
    contributions: Sequence[tuple[str, float]],
    log_odds: float,
    is_anomaly: bool,
    inputs: AlertInputs,
    examiner: Examiner,
    findings: dict[str, Finding],
) -> None:
    """Share out one source's log-odds; what belongs to values that are no reason is nobody's."""
    whole = sum([value for _, value in contributions])
    if not whole > 0.0:
        return
    features, scale, least = inputs.features, log_odds / whole, LEAST_CONTRIBUTION * whole
    companions: list[tuple[str, float]] = []
    for name, contribution in contributions:
        if contribution < least:
            break
        value = features[name]
        if value != value:
            continue
        signal = signal_of(name)
        if signal.risky == "never":
            companions.append((signal.concept, scale * contribution))
            continue
        evidence = examiner.examine(name, value, signal)
        if evidence is None:
            continue
        finding = findings.get(signal.concept)
        if finding is None:
            finding = findings[signal.concept] = Finding(signal.concept)
        _add(finding, scale * contribution, is_anomaly)
        best = finding.evidence
        if best is None or (evidence.rank, -evidence.strength) < (best.rank, -best.strength):
            finding.evidence = evidence
    for concept, part in companions:
        finding = findings.get(concept)
        if finding is not None:
            _add(finding, part, is_anomaly)


def _add(finding: Finding, part: float, is_anomaly: bool) -> None:
    if is_anomaly:
        finding.autoencoder += part
    else:
        finding.trees += part


def _by_share(hit: RuleHit) -> float:
    return -hit.share


def _concept_of_rule(hit: RuleHit, findings: dict[str, Finding]) -> str:
    """The concept that the features found speak of most among those that the condition reads; else the first of them."""
    chosen, most = "", -1.0
    for name in hit.names:
        concept = concept_of(name)
        if concept is not None:
            finding = findings.get(concept)
            contribution = finding.contribution if finding is not None else 0.0
            if contribution > most:
                chosen, most = concept, contribution
    return chosen or f"rule:{hit.id}"


def fit_to_read(text: str) -> bool:
    """May a rule's words stand as they are? Not where they tell a value that is not known, or a distance of 0 km."""
    return _UNFIT.search(text) is None


def evidence_of_rule(hit: RuleHit, concept: str, examiner: Examiner) -> Evidence | None:
    """The feature of the concept that a rule's condition reads, where it is known, and of several the one that is most
    unusual; of no strength where its value is no reason but for the rule.
    """
    found: Evidence | None = None
    for name in hit.names:
        if is_feature(name):
            if signal_of(name).concept == concept:
                found = _more_unusual(found, examiner.as_it_is(name))
        elif concept_of(name) == concept:
            for flag in EVENT_FEATURES.get(name, ()):
                evidence = examiner.as_it_is(flag)
                if evidence is not None and evidence.value == 1.0:
                    found = _more_unusual(found, evidence)
    return found


def _more_unusual(one: Evidence | None, other: Evidence | None) -> Evidence | None:
    if one is None or other is None:
        return one if other is None else other
    return other if (-other.strength, other.rank) < (-one.strength, one.rank) else one


def is_unusual(finding: Finding, examiner: Examiner) -> bool:
    """Is there more to it than a rule about a usual value? What a rule forces, and a rule about no feature, counts."""
    if finding.evidence is not None or finding.forces:
        return True
    for hit in finding.hits:
        of_rule = evidence_of_rule(hit, finding.concept, examiner)
        if of_rule is None or of_rule.strength > 0.0:
            return True
    return False

"""The reasons of an alert: what raised the risk and is unusual, from model, rules, anomaly and lists together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from udfs.flags import flag_reasons
from udfs.outputs import Reason
from udfs.profiles import BlockEntry
from udfs.reasoning.evidence import Examiner
from udfs.reasoning.findings import Finding, evidence_of_rule, fit_to_read, gather, is_unusual, slight_values
from udfs.reasoning.inputs import AlertInputs, RuleHit
from udfs.reasoning.summary import COMBINED, COMBINED_WITH_ONE, NOTHING_STANDS_OUT, Told, sentence
from udfs.reasoning.wording import Wording

Source = Literal["rule", "trees", "autoencoder", "block_list", "flag"]
BLOCK_LIST_WEIGHT = 1000.0
BLOCK_LIST = "block_list"
COMBINATION = "combination"
LEAST_SHARE = 0.02
"""What adds less than this share of what all together add is not told, unless there is nothing else."""
LEAST_BESIDE_BLOCK_LIST = 5.0
MOSTLY_COMBINED = 0.85
"""From this share of the score on that no single finding explains, the combination is told first."""
ENOUGH_SHARE = 0.5
"""What is unusual must explain this share of all findings to be told alone."""


def alert_reasons(inputs: AlertInputs) -> tuple[list[Reason], str]:
    """The reasons, strongest first, and why in one sentence.

    Block list entries and rules that force the action come first, flags last. A weight is the part of the risk score
    that the reason explains; what the model saw in values that are no reason is left out, so that the weights sum to
    the risk score at most. There is always a reason.
    """
    parts = inputs.parts
    trees, rules, autoencoder = max(parts.model, 0.0), max(parts.rules, 0.0), max(parts.anomaly, 0.0)
    if not trees + rules + autoencoder > 0.0:
        trees = 1.0 if inputs.contributions else 0.0
        rules = 1.0 if inputs.hits else 0.0
    if inputs.unusual:
        autoencoder = max(autoencoder, 2.0 * (trees + rules), 1.0)
    examiner = Examiner(inputs)
    wording = Wording(inputs, examiner)
    findings = gather(inputs, examiner, trees, autoencoder, rules)
    score_per_log_odds = 1000.0 * inputs.probability / max(trees + rules + autoencoder, 1e-9)
    found = _in_order(findings, score_per_log_odds, examiner, wording)
    blocked = [_block_list_reason(entry) for entry in inputs.blocked]
    if blocked:
        listed_device = any(entry.type == "device" for entry in inputs.blocked)
        found = [
            item
            for item in found
            if item.reason.weight >= LEAST_BESIDE_BLOCK_LIST and not (listed_device and item.concept == BLOCK_LIST)
        ]
    elif found and not any(hit.forces for hit in inputs.hits):
        rest = 1000.0 * inputs.probability - sum([item.reason.weight for item in found])
        if rest > MOSTLY_COMBINED * 1000.0 * inputs.probability:
            found = [_combination(inputs, examiner, wording, rest, {item.concept for item in found}), *found]
    told = [Told(reason, reason.text, BLOCK_LIST) for reason in blocked] + found
    if not told and (inputs.contributions or inputs.deviations or not inputs.flags):
        told = [_combination(inputs, examiner, wording, 1000.0 * inputs.probability, set())]
    flags = flag_reasons(inputs.flags)
    told = _without_repetition(told)[: max(1, inputs.limit - len(flags))]
    reasons = [item.reason for item in told] + flags
    return reasons, sentence(told or [Told(flag, flag.text, "flag") for flag in flags], inputs.unusual)


def _in_order(findings: list[Finding], score_per_log_odds: float, examiner: Examiner, wording: Wording) -> list[Told]:
    """The findings worth telling, those that force the action first, then by contribution.

    A rule about a value that is usual for this user and the population is told only where the others explain less than
    half of the score without it.
    """
    ordered = sorted(findings, key=lambda finding: (not finding.forces, -finding.contribution, finding.concept))
    unusual = [finding for finding in ordered if is_unusual(finding, examiner)]
    whole = sum([finding.contribution for finding in ordered])
    if unusual and sum([finding.contribution for finding in unusual]) >= ENOUGH_SHARE * whole:
        ordered = unusual
    return [
        _told(finding, score_per_log_odds, examiner, wording)
        for number, finding in enumerate(ordered)
        if number == 0 or finding.contribution >= LEAST_SHARE * whole or finding.forces
    ]


def _told(finding: Finding, score_per_log_odds: float, examiner: Examiner, wording: Wording) -> Told:
    """One finding by its most telling words: a feature's, or those that the bank gave a rule about it."""
    weight = round(score_per_log_odds * finding.contribution, 1)
    evidence = finding.evidence
    source: Source = "trees" if finding.trees >= finding.autoencoder else "autoencoder"
    if finding.hits and finding.rules >= max(finding.trees, finding.autoencoder):
        source = "rule"
    if not finding.hits:
        assert evidence is not None
        text = wording.text(evidence.name, evidence.value)
        usual = wording.usual(evidence.name, evidence.value)
        return Told(Reason(source, evidence.name, text, weight, evidence.value, usual), text, finding.concept)
    hit, is_fit = _hit_to_tell(finding)
    of_rule = evidence_of_rule(hit, finding.concept, examiner)
    if evidence is not None and (not is_fit or evidence.rank < (of_rule.rank if of_rule is not None else 1)):
        text = phrase = wording.text(evidence.name, evidence.value)
    else:
        evidence = of_rule if of_rule is not None else evidence
        text = hit.text if is_fit else f"rule {hit.id.replace('_', ' ')}"
        phrase = wording.text(evidence.name, evidence.value) if evidence is not None and evidence.strength else text
    if evidence is None:
        return Told(Reason(source, hit.id, text, weight), phrase, finding.concept)
    usual = wording.usual(evidence.name, evidence.value)
    return Told(Reason(source, hit.id, text, weight, evidence.value, usual), phrase, finding.concept)


def _hit_to_tell(finding: Finding) -> tuple[RuleHit, bool]:
    """The rule that forces the action, or the strongest of those whose words can be read; and whether its can."""
    hits = finding.hits
    for hit in hits:
        if hit.forces:
            return hit, fit_to_read(hit.text)
    for hit in hits:
        if fit_to_read(hit.text):
            return hit, True
    return hits[0], False


def _combination(
    inputs: AlertInputs, examiner: Examiner, wording: Wording, weight: float, told_already: set[str]
) -> Told:
    """Where no single value explains the score: the strongest of those that lean towards a risk, said to be only that."""
    words = [wording.text(name, value) for name, value in slight_values(inputs, examiner, told_already)]
    text = NOTHING_STANDS_OUT
    if words:
        text = f"{COMBINED if len(words) > 1 else COMBINED_WITH_ONE}: {', '.join(words)}"
    source: Source = "autoencoder" if inputs.unusual else "trees"
    return Told(Reason(source, COMBINATION, text, round(weight, 1)), text, COMBINATION)


def _without_repetition(told: Sequence[Told]) -> list[Told]:
    """The first of those with the same text."""
    seen: dict[str, Told] = {}
    for item in told:
        seen.setdefault(item.reason.text.lower(), item)
    return list(seen.values())


def _block_list_reason(entry: BlockEntry) -> Reason:
    why = f" ({entry.reason_code})" if entry.reason_code else ""
    return Reason(
        "block_list",
        f"{entry.type}:{entry.value}",
        f"{entry.type} {entry.value} is on the block list{why}",
        BLOCK_LIST_WEIGHT,
    )

"""What a running job has in force, by its configuration and its control stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from console.rules.in_force import InForceRules
from jobs.config.job import JobConfig
from jobs.config.scoring import scorer_config
from jobs.control.channel import Published, recorded
from jobs.control.in_force import InForce
from udfs.control.authority import Authority
from udfs.control.elements import (
    BUNDLE,
    RULES,
    THRESHOLDS,
    BundleControl,
    CandidateControl,
    ControlElement,
    GuardrailControl,
    ThresholdsControl,
)
from udfs.control.guardrails import with_guardrails
from udfs.control.history import history_of, in_force
from udfs.rules.rule_set import RuleSet
from udfs.scoring.bundle import BundleError, read_manifest
from udfs.scoring.decision_settings import DecisionSettings


def of_job(
    job: JobConfig, published: Sequence[Published], authority: Authority, starts: Mapping[str, int], now_ms: int
) -> InForceRules:
    """What is in force at a moment: refused elements, and emergencies that ran out, are not.

    Raises RuleFileError and ListFileError for start-up files that cannot be used.
    """
    entries = in_force(history_of(recorded(list(published)), authority, starts), now_ms)
    current = [published[entry.position - 1] for entry in entries.values()]
    elements = {one.element.key: one.element for one in current if one.element is not None}
    known = InForce.of(job, current)
    return InForceRules(
        rule_set=known.rule_set, lists=known.lists, bundle_path=_bundle(job, elements.get(BUNDLE)),
        settings=_settings(job, elements.get(THRESHOLDS)), statistics=job.scoring.statistics,
        candidates={
            one.set: one.rule_set
            for one in elements.values()
            if isinstance(one, CandidateControl) and one.rule_set is not None
        },
        tripped=_tripped(known.rule_set, elements),
        next_version=1 + max([known.rule_set.version, starts.get(RULES, 0), *_versions(published)]),
    )  # fmt: skip


def _versions(published: Sequence[Published]) -> list[int]:
    return [one.element.version for one in published if one.element is not None and one.element.key == RULES]


def _bundle(job: JobConfig, published: ControlElement | None) -> Path | None:
    """The newest bundle that can be read from here."""
    paths = [published.path] if isinstance(published, BundleControl) else []
    for path in (*paths, job.scoring.bundle):
        try:
            read_manifest(path)
        except BundleError:
            continue
        return Path(path)
    return None


def _settings(job: JobConfig, published: ControlElement | None) -> DecisionSettings:
    settings = scorer_config(job).decision
    if not isinstance(published, ThresholdsControl):
        return settings
    return msgspec.structs.replace(
        settings, refer_above=published.refer_to_analyst, soft_challenge_above=published.soft_challenge,
        hard_block_above=published.hard_block,
    )  # fmt: skip


def _tripped(rule_set: RuleSet, elements: Mapping[str, ControlElement]) -> dict[str, str]:
    told = {one.rule: one for one in elements.values() if isinstance(one, GuardrailControl)}
    back = with_guardrails(rule_set, told)
    return {
        before.id: told[before.id].in_words
        for before, after in zip(rule_set.rules, back.rules, strict=True)
        if before != after
    }

"""What the rules of a job read that its configuration gives nowhere: no store, no reference folder, no entity histories."""

from __future__ import annotations

from jobs.config.job import JobConfig
from jobs.config.stores import MemoryStoreSection
from jobs.config.value_types import is_remote
from udfs.features.feature_set import feature_set_of
from udfs.features.groups import ELSEWHERE
from udfs.rules.pack_files import RuleFileError, rulebook_of
from udfs.scoring.bundle import BundleError, read_manifest

FROM_REFERENCE = ("profile", "device_profile", "feeds", "entity_history")


def rules_without_input(config: JobConfig) -> list[str]:
    """A line for each input that is not configured and that enabled rules read, with their ids.

    A comparison with a value that is not known is never true, so that these rules hit only by their other parts, or never.

    Empty if there is a store or a reference folder, or if bundle or rules cannot be read from this machine.
    """
    scoring = config.scoring
    if scoring.reference is not None or not isinstance(config.store, MemoryStoreSection):
        return []
    if is_remote(scoring.bundle) or is_remote(scoring.rules):
        return []
    try:
        features = feature_set_of(read_manifest(scoring.bundle).attributes)
        rulebook = rulebook_of(scoring.rules, features.names)
    except (BundleError, RuleFileError):  # refused elsewhere
        return []
    needs = {group: {features.names[place] for place in places} for group, places in features.groups.items()}
    lines = []
    for group in FROM_REFERENCE:
        if group == "entity_history" and scoring.histories is not None:
            continue
        rules = [
            rule.id
            for rule in rulebook.rule_set.rules
            if rule.enabled and not needs.get(group, set()).isdisjoint(rulebook.names_read(rule.id))
        ]
        if rules:
            lines.append(
                f"warning: not configured: {ELSEWHERE[group]}; {len(rules)} rules need it and cannot hit by it: "
                f"{', '.join(rules)}"
            )
    return lines

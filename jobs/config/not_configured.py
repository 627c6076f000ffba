"""What the rules of a job read that its configuration gives nowhere: no store, reference, entity histories or statistics."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.config.job import JobConfig
from jobs.config.stores import MemoryStoreSection
from jobs.config.value_types import is_remote
from udfs.features.feature_set import FeatureSet, feature_set_of
from udfs.features.groups import ELSEWHERE
from udfs.rules.list_files import ListFileError, lists_of
from udfs.rules.names import POPULATION_NAMES
from udfs.rules.pack_files import RuleFileError, rulebook_of
from udfs.scoring.bundle import BundleError, read_manifest

FROM_REFERENCE = ("profile", "device_profile", "feeds", "entity_history")
STATISTICS = "population statistics (`fraud stats`, scoring.statistics)"


def rules_without_input(config: JobConfig) -> list[str]:
    """A line for each input that is not configured and that enabled rules read, with their ids.

    A comparison with a value that is not known is never true, so that these rules hit only by their other parts, or never.

    Empty if bundle or rules cannot be read from this machine.
    """
    scoring = config.scoring
    if any(map(is_remote, (scoring.bundle, scoring.rules, scoring.lists or ""))):
        return []
    try:
        features = feature_set_of(read_manifest(scoring.bundle).attributes)
        rulebook = rulebook_of(scoring.rules, features.names, lists_of(scoring.lists))
    except (BundleError, RuleFileError, ListFileError):  # refused elsewhere
        return []
    read = {rule.id: set(rulebook.names_read(rule.id)) for rule in rulebook.rule_set.rules if rule.enabled}
    lines = []
    for source, names in _not_configured(config, features):
        rules = [rule for rule, names_read in read.items() if not names.isdisjoint(names_read)]
        if rules:
            lines.append(
                f"warning: not configured: {source}; {len(rules)} rules need it and cannot hit by it: {', '.join(rules)}"
            )
    return lines


def _not_configured(config: JobConfig, features: FeatureSet) -> Iterator[tuple[str, set[str]]]:
    """(source in words, names that it alone gives) of each input that the configuration lacks."""
    scoring = config.scoring
    if scoring.reference is None and isinstance(config.store, MemoryStoreSection):
        for group in FROM_REFERENCE:
            if group != "entity_history" or scoring.histories is None:
                yield ELSEWHERE[group], {features.names[place] for place in features.groups.get(group, ())}
    if scoring.statistics is None:
        yield STATISTICS, set(POPULATION_NAMES)

"""What a running job has in force at a moment, by its start-up values and the published elements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jobs.config.control import authority_settings
from jobs.config.job import JobConfig
from jobs.config.running_job import RunningJobConfig
from jobs.control.channel import Published, recorded
from udfs.control.authority import Authority
from udfs.control.elements import (
    BUNDLE,
    LIST,
    RULES,
    THRESHOLDS,
    ControlElement,
    ControlError,
    ListControl,
    RulesControl,
)
from udfs.control.history import history_of, in_force
from udfs.control.live_lists import lists_after, require_lists, require_unused, rulebook_after
from udfs.rules.errors import RuleError
from udfs.rules.list_files import lists_of
from udfs.rules.named_lists import Lists
from udfs.rules.pack_files import rule_set_of
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook

Config = RunningJobConfig | JobConfig


class InForce(NamedTuple):
    """Rules and lists. `missing`: the path of the start-up lists if it is not on this machine."""

    rule_set: RuleSet
    lists: Lists
    missing: str | None

    @classmethod
    def of(cls, config: Config, published: list[Published], at_ms: int) -> InForce:
        """Raises RuleFileError and ListFileError for start-up files that cannot be used."""
        elements = elements_in_force(config, published, at_ms)
        lists = start_lists(config)
        for element in elements.values():
            if isinstance(element, ListControl):
                lists = lists_after(lists, element)
        path = config.scoring.lists
        missing = None if path is None or Path(path).exists() else path
        return cls(rule_set_in_force(config, elements.get(RULES)), lists, missing)

    def after(self, element: ControlElement) -> InForce:
        """What is in force after one more element."""
        if isinstance(element, RulesControl):
            return self._replace(rule_set=element.rule_set)
        return self._replace(lists=lists_after(self.lists, element)) if isinstance(element, ListControl) else self

    def require_lists(self, element: RulesControl) -> None:
        """Raise ControlError if a rule refers to a list that is not there."""
        try:
            require_lists(element.rule_set, self.lists)
        except ControlError as error:
            raise ControlError(f"{error}{self._unless_here()}") from None

    def require_fits(self, element: ListControl, feature_names: Sequence[str]) -> None:
        """Raise ControlError for a deleted list that the rules in force refer to, and for one that does not suit them."""
        if self.missing is not None:
            raise ControlError(f"list {element.name}: its version at the start is not known{self._unless_here()}")
        if element.deleted:
            require_unused(element.name, self.rule_set)
        try:
            rulebook = Rulebook(self.rule_set, feature_names, self.lists)
        except RuleError as error:
            raise ControlError(f"the rules in force cannot be checked with the list: {error}") from None
        rulebook_after(rulebook, element, lists_after(self.lists, element))

    def _unless_here(self) -> str:
        if self.missing is None:
            return ""
        return f" (scoring.lists, {self.missing}, is not on this machine: name a copy by FRAUD__SCORING__LISTS)"


def elements_in_force(config: Config, published: list[Published], at_ms: int) -> dict[str, ControlElement]:
    """By key the published elements in force at a moment; a key without one has the job's start-up value. After the end of
    an emergency without an approval, that is what was in force before it.

    Raises RuleFileError and ListFileError for start-up files that cannot be used.
    """
    entries = history_of(recorded(published), Authority(authority_settings(config.control)), versions_at_start(config))
    found = {key: published[entry.position - 1].element for key, entry in in_force(entries, at_ms).items()}
    return {key: element for key, element in found.items() if element is not None}


def newest_version(config: Config, published: list[Published], key: str) -> int:
    """The highest version of a key that was published or that the job starts with, in force or not; 0 without any. Raises
    RuleFileError and ListFileError."""
    versions = (one.element.version for one in published if one.element is not None and one.element.key == key)
    return max([versions_at_start(config).get(key, 0), *versions])


def versions_at_start(config: Config) -> dict[str, int]:
    """The versions that the job starts with, by key. Raises RuleFileError and ListFileError."""
    lists = {f"{LIST}/{name}": known.named_list.version for name, known in start_lists(config).items()}
    return {
        RULES: rule_set_of(config.scoring.rules).version,
        THRESHOLDS: config.scoring.thresholds.version,
        BUNDLE: config.scoring.bundle_version,
        **lists,
    }


def start_lists(config: Config) -> Lists:
    """The lists that the job starts with; none if they are not on this machine. Raises ListFileError."""
    path = config.scoring.lists
    return lists_of(path if path is not None and Path(path).exists() else None)


def rule_set_in_force(config: Config, published: ControlElement | None) -> RuleSet:
    """The published rules in force, or those of the start-up. Raises RuleFileError."""
    return published.rule_set if isinstance(published, RulesControl) else rule_set_of(config.scoring.rules)

"""What a running job has in force of rules and lists, by its start-up values and the published elements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jobs.config.job import JobConfig
from jobs.config.running_job import RunningJobConfig
from jobs.control.channel import Published, newest
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
from udfs.control.live_lists import lists_after, require_lists, require_unused, rulebook_after
from udfs.rules.errors import RuleError
from udfs.rules.list_files import lists_of
from udfs.rules.named_lists import Lists
from udfs.rules.pack_files import rule_set_of
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook

Config = RunningJobConfig | JobConfig


class InForce(NamedTuple):
    """`missing`: the path of the start-up lists if it is not on this machine."""

    rule_set: RuleSet
    lists: Lists
    missing: str | None

    @classmethod
    def of(cls, config: Config, published: list[Published]) -> InForce:
        """Raises RuleFileError and ListFileError for start-up files that cannot be used."""
        before = {key: record.element for key, record in newest(published).items() if record.element is not None}
        lists = start_lists(config)
        for key, element in before.items():
            start = lists.get(key.removeprefix(f"{LIST}/"))
            if isinstance(element, ListControl) and (start is None or element.version > start.named_list.version):
                lists = lists_after(lists, element)
        path = config.scoring.lists
        missing = None if path is None or Path(path).exists() else path
        return cls(rule_set_in_force(config, before.get(RULES)), lists, missing)

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
    """The newer of the start-up rules and the newest published ones. Raises RuleFileError."""
    start = rule_set_of(config.scoring.rules)
    is_newer = isinstance(published, RulesControl) and published.version > start.version
    return published.rule_set if is_newer and isinstance(published, RulesControl) else start

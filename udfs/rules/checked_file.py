"""A rule file with all that is wrong, or odd, about it, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from udfs.rules.errors import RuleError
from udfs.rules.named_lists import NO_LISTS, Lists
from udfs.rules.pack_files import decode_rule_file
from udfs.rules.positions import RuleFilePositions
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import RuleProblem, rule_problems


class LocatedProblem(msgspec.Struct, frozen=True):
    """A problem for editors: line and columns are 1-based, in characters; the end is the first column behind it."""

    severity: Literal["error", "warning"]
    rule: str | None
    field: str | None
    message: str
    hint: str | None
    line: int
    column: int
    end_line: int
    end_column: int


class CheckedFile(NamedTuple):
    """`rule_set`: None for a file that is none."""

    content: bytes
    rule_set: RuleSet | None
    problems: list[RuleProblem]

    @property
    def is_valid(self) -> bool:
        """Whether there are no errors; warnings are of what may be intended."""
        return self.rule_set is not None and all(severity != "error" for severity, _ in self.problems)

    def located(self, most: int | None = None) -> list[LocatedProblem]:
        """The problems, or the first so many of them, with their places in the file."""
        positions = RuleFilePositions(self.content)
        return [
            LocatedProblem(
                severity, problem.rule_id, problem.field, problem.message, problem.hint, *positions.span_of(problem)
            )
            for severity, problem in self.problems[:most]
        ]


def check_rule_file(content: bytes, feature_names: Sequence[str], lists: Lists = NO_LISTS) -> CheckedFile:
    """Check structure, conditions and reason texts of a rule file, YAML or JSON."""
    try:
        rule_set = decode_rule_file(content)
    except RuleError as error:
        return CheckedFile(content, None, [RuleProblem("error", one) for one in error.errors])
    return CheckedFile(content, rule_set, rule_problems(rule_set, feature_names, lists))

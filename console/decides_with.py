"""The rules and the bundle that decide, as far as a console knows them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from udfs.rules.rule_set import RuleSet


class DecidesWith(NamedTuple):
    """`rules`: the rule set in force, or that decided the run which is read; None where it is not known. `bundle_path`: the
    folder of the bundle, likewise. `by_version`: rule sets that are known from before. `trouble`: why it is not known what
    is in force now; what is told then is what was known last."""

    rules: RuleSet | None = None
    bundle_path: Path | None = None
    by_version: Mapping[int, RuleSet] = MappingProxyType({})
    trouble: str | None = None

    def rule_set_of(self, version: int) -> RuleSet | None:
        """The rule set by which a decision of this version was made; that in force if it is not known."""
        if self.rules is not None and self.rules.version == version:
            return self.rules
        return self.by_version.get(version, self.rules)


NOT_KNOWN = DecidesWith()

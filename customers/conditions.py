"""Which customers meet which conditions: the rule language, evaluated by the core over the numbers of a profile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from customers.errors import SettingsError
from customers.numbers import NUMBERS
from customers.settings import Condition
from customers.totals import Totals
from udfs.rules.errors import RuleError, RuleErrors
from udfs.rules.rule_set import Rule, RuleSet, check_rule_set
from udfs.rules.rulebook import Rulebook

NAMES = tuple(NUMBERS)
_SCALE = ((0, 0), (1, 1))
_MOST_CHARACTERS = 240  # of a condition as its own reason


class Met(NamedTuple):
    """The ids of the conditions that one customer meets, and their reasons, in the order of the settings."""

    conditions: tuple[str, ...]
    reasons: tuple[str, ...]


class Conditions:
    """Conditions over the numbers of a profile, compiled."""

    def __init__(self, conditions: tuple[Condition, ...]) -> None:
        """Raises SettingsError with all that is wrong."""
        rules = tuple(Rule(one.id, 1, one.when, one.reason or _as_reason(one.when)) for one in conditions)
        rule_set = RuleSet("conditions", 1, _SCALE, rules)
        try:
            check_rule_set(rule_set)
            self._rulebook = Rulebook.of(rule_set, NAMES)
        except RuleErrors as error:
            raise SettingsError("; ".join(map(str, error.errors))) from None
        except RuleError as error:
            raise SettingsError(str(error)) from None
        for condition in conditions:
            of_payments = [name for name in self._rulebook.names_read(condition.id) if name not in NUMBERS]
            if of_payments:
                raise SettingsError(f"rule {condition.id}: {of_payments[0]} is of a payment, not of a customer")
        self.conditions = conditions

    def met(self, totals: Totals) -> Iterator[Met]:
        """What each customer meets, in their order."""
        rows = np.column_stack([totals.numbers[name] for name in NAMES]).tolist() if totals.ids else []
        evaluate, reasons = self._rulebook.core.evaluate, self._rulebook.core.reasons
        ids = [condition.id for condition in self.conditions]
        for row in rows:
            _, _, hits = evaluate(row, None, {})
            yield Met(tuple(ids[hit] for hit in hits), tuple(reasons(hits, row, None, {})) if hits else ())


def _as_reason(when: str) -> str:
    return " ".join(when.split())[:_MOST_CHARACTERS].replace("{", "{{").replace("}", "}}")

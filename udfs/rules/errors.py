"""The error of an invalid rule: one line with rule, cause, column and hint."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_TOLD = 20


class RuleError(ValueError):
    """A rule or a rule set is not valid.

    `position` is the 1-based column in the condition or reason text, or None. `field`: the part of the rule or rule set
    that is invalid, if it is one. `errors` are all that are told: this one.
    """

    def __init__(
        self,
        message: str,
        position: int | None = None,
        *,
        hint: str | None = None,
        rule_id: str | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.hint = hint
        self.rule_id = rule_id
        self.field = field

    @property
    def errors(self) -> tuple[RuleError, ...]:
        return (self,)

    def of_rule(self, rule_id: str) -> RuleError:
        """A copy of the error that names the rule."""
        return RuleError(self.message, self.position, hint=self.hint, rule_id=rule_id, field=self.field)

    def __str__(self) -> str:
        rule = "" if self.rule_id is None else f"rule {self.rule_id}: "
        column = "" if self.position is None else f" at column {self.position}"
        hint = "" if self.hint is None else f" ({self.hint})"
        return f"{rule}{self.message}{column}{hint}"


class RuleErrors(RuleError):
    """Several errors of one rule set; as a text the first 20 of them on one line."""

    def __init__(self, errors: Sequence[RuleError]) -> None:
        first = errors[0]
        super().__init__(first.message, first.position, hint=first.hint, rule_id=first.rule_id, field=first.field)
        self._errors = tuple(errors)

    def __reduce__(self) -> tuple[type[RuleErrors], tuple[tuple[RuleError, ...]]]:
        return RuleErrors, (self._errors,)

    @property
    def errors(self) -> tuple[RuleError, ...]:
        return self._errors

    def __str__(self) -> str:
        told = "; ".join(map(str, self._errors[:_MOST_TOLD]))
        more = len(self._errors) - _MOST_TOLD
        return told if more <= 0 else f"{told}; and {more} more: `fraud rules check` lists them"


def require_no_errors(errors: Sequence[RuleError]) -> None:
    """Raise the only error as it is, several as RuleErrors."""
    if errors:
        raise errors[0] if len(errors) == 1 else RuleErrors(errors)


def one_line(error: Exception | str) -> str:
    """Make a library's message safe to print: one line, printable characters only, at most 200 of them."""
    text = " ".join(str(error).split())
    return "".join(character if character.isprintable() else "?" for character in text[:200])


def quoted(text: str) -> str:
    """Quote a part of a rule file for an error message: one line, at most 40 characters."""
    return repr(text if len(text) <= 40 else text[:40] + "…")

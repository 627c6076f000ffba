"""What a faulty rule ends in: one line that its author can act on."""

from __future__ import annotations


class RuleError(ValueError):
    """A rule or a rule set is not valid.

    `position` is the 1-based column in the condition or reason text, where there is one.
    """

    def __init__(
        self, message: str, position: int | None = None, *, hint: str | None = None, rule_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.hint = hint
        self.rule_id = rule_id

    def of_rule(self, rule_id: str) -> RuleError:
        """The same error, naming the rule it is in."""
        return RuleError(self.message, self.position, hint=self.hint, rule_id=rule_id)

    def __str__(self) -> str:
        rule = "" if self.rule_id is None else f"rule {self.rule_id}: "
        column = "" if self.position is None else f" at column {self.position}"
        hint = "" if self.hint is None else f" ({self.hint})"
        return f"{rule}{self.message}{column}{hint}"


def one_line(error: Exception | str) -> str:
    """Somebody else's message, which may quote hostile text: one printable line, not too long."""
    text = " ".join(str(error).split())
    return "".join(character if character.isprintable() else "?" for character in text[:200])

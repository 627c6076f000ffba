"""Where in its file a problem of a rule set is: line and columns, for editors."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from udfs.rules.errors import RuleError

_WORD = re.compile(r"@?\w+|\"[^\"]*\"?|'[^']*'?|[<>=!]=|\S")


class Span(NamedTuple):
    """A piece of a file. Lines and columns are 1-based and counted in characters; the end is the first column behind it."""

    line: int
    column: int
    end_line: int
    end_column: int


class RuleFilePositions:
    """Finds rules and the texts in them in a rule file, YAML or JSON."""

    def __init__(self, content: bytes) -> None:
        """Files that are no YAML have no positions beside that of the mistake."""
        self._text = content.decode("utf-8", "replace").removeprefix("\ufeff")
        self._mistake: tuple[int, int] | None = None
        self._root: yaml.Node | None = None
        try:
            self._root = yaml.compose(self._text, yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            if error.problem_mark is not None:
                self._mistake = (error.problem_mark.line + 1, error.problem_mark.column + 1)
        except Exception:  # PyYAML raises many kinds of errors for malformed files; the check tells them
            self._root = None

    def span_of(self, error: RuleError) -> Span:
        """The place of an error: the word in a condition or reason, its whole text, the rule's id, or the file's start."""
        if self._mistake is not None:
            line, column = self._mistake
            return Span(line, column, line, column + 1)
        rule = self._rule(error.rule_id)
        if rule is None:
            return self._of_field(self._root, error.field) or Span(1, 1, 1, 1)
        node = _value(rule, error.field) if error.field is not None else None
        if not isinstance(node, yaml.ScalarNode):
            return self._of_field(rule, "id") or _span(rule)
        if error.position is None:
            return _span(node)
        first = error.position - 1
        word = _WORD.match(node.value, first)
        places = self._places(node)
        start = places[min(first, len(places) - 1)]
        end = places[word.end() - 1] if word is not None else start
        return Span(*self._line_and_column(start), *self._line_and_column(end + 1))

    def _rule(self, rule_id: str | None) -> yaml.Node | None:
        """The rule of an id, or of a number as rule_set_from writes it. Of two of one id the second."""
        rules = _value(self._root, "rules") if rule_id is not None else None
        if not isinstance(rules, yaml.SequenceNode) or rule_id is None:
            return None
        number = re.fullmatch(r"number (\d+)", rule_id)
        if number is not None and int(number[1]) <= len(rules.value):
            node: yaml.Node = rules.value[int(number[1]) - 1]
            return node
        named = [rule for rule in rules.value if getattr(_value(rule, "id"), "value", None) == rule_id]
        return named[-1] if named else None

    def _of_field(self, node: yaml.Node | None, field: str | None) -> Span | None:
        found = _value(node, field) if field is not None else None
        return None if found is None else _span(found)

    def _places(self, node: yaml.ScalarNode) -> list[int]:
        """The index in the file's text of each character of a scalar's value: line breaks and escapes are written in
        several ways, all else stands there as it is."""
        text, at, end = self._text, node.start_mark.index, node.end_mark.index
        if node.style in ("|", ">"):
            at = text.index("\n", at) + 1
        elif node.style in ("'", '"'):
            at, end = at + 1, end - 1
        places = []
        for character in node.value:
            if character.isspace():
                places.append(min(at, end))
                if at < end and (text[at] == character or (node.style == '"' and text[at] == "\\")):
                    at += _width(text[at : at + 10], node.style)
                continue
            while at < end and text[at].isspace():
                at += 1
            places.append(min(at, end))
            at += _width(text[at : at + 10], node.style)
        return places or [at]

    def _line_and_column(self, index: int) -> tuple[int, int]:
        before = self._text[:index]
        return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1


def _width(text: str, style: str | None) -> int:
    """How many characters of a file make the next one of a value."""
    if style == "'" and text.startswith("''"):
        return 2
    if style == '"' and text.startswith("\\"):
        return 2 + {"x": 2, "u": 4, "U": 8}.get(text[1:2], 0)
    return 1


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if getattr(name, "value", None) == key), None)


def _span(node: yaml.Node) -> Span:
    start, end = node.start_mark, node.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)

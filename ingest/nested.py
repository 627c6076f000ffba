"""Extracts typed columns from JSON or Python literals nested in a text column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ingest.errors import UnreadableValue
from ingest.literals import parse_literal
from ingest.paths import Path, follow
from ingest.readers.blank import BlankTexts, is_blank
from ingest.readers.number import NumberRange, number_reader
from ingest.readers.sequence import sequence_reader

MAX_TEXT_LENGTH = 100_000


def _read_text(value: object) -> str:
    if isinstance(value, str) and len(value) <= MAX_TEXT_LENGTH:
        return value
    raise UnreadableValue(f"a text of at most {MAX_TEXT_LENGTH:,} characters")


NESTED_READERS: dict[str, Callable[[object], object]] = {
    "float": number_reader(),
    "int": number_reader(NumberRange(whole=True)),
    "text": _read_text,
    "list[float]": sequence_reader(number_reader(), "numbers"),
    "list[text]": sequence_reader(_read_text, "texts"),
}


@dataclass(frozen=True)
class NestedPlan:
    """Extracts the value at `path` from `column`, converts it to `type` and names the result `into`."""

    column: str
    into: str
    path: Path
    type: str
    blank_texts: BlankTexts

    def value(self, raw: object) -> object:
        """The typed value; None where the text is blank or the path is absent. Raises UnreadableValue."""
        if is_blank(raw, self.blank_texts):
            return None
        document = parse_literal(raw) if isinstance(raw, str) else raw
        found = follow(document, self.path)
        if found is None:
            return None
        try:
            return NESTED_READERS[self.type](found)
        except UnreadableValue as error:
            raise UnreadableValue(f"{error.expected} at its path for {self.into}") from None

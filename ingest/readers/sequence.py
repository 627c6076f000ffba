"""Reads lists of numbers and of texts as tuples."""

from __future__ import annotations

from collections.abc import Callable

from ingest.errors import UnreadableValue
from ingest.readers.blank import is_blank
from ingest.readers.text import Reader

MAX_ELEMENTS = 100_000


def sequence_reader(read_element: Reader, noun: str) -> Callable[[object], tuple[object, ...]]:
    """Returns a reader of lists whose elements are read by `read_element`; a blank element is an error."""

    def read(value: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            raise UnreadableValue(f"a list of {noun} (a list written as text: map it with `nested`)")
        if len(value) > MAX_ELEMENTS:
            raise UnreadableValue(f"a list of at most {MAX_ELEMENTS:,} {noun}")
        return tuple(_element(read_element, element, index) for index, element in enumerate(value))

    def _element(read_element: Reader, element: object, index: int) -> object:
        try:
            if is_blank(element):
                raise UnreadableValue("a value")
            return read_element(element)
        except UnreadableValue as error:
            raise UnreadableValue(f"a list of {noun}: its element {index} is not {error.expected}") from None

    return read

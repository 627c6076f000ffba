"""JSON files that are not one object a line: an array, a pretty-printed object, or several of them in a row."""

from __future__ import annotations

import json
from typing import Any

import msgspec

_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_PARSE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def elements_of(content: bytes) -> list[bytes] | None:
    """The elements of a JSON document, each as JSON: of an array, of the array in an object around it, or the objects
    themselves.

    None where the content is no such document.
    """
    try:
        return [bytes(element) for element in _decode_list(content)]
    except _PARSE_ERRORS:
        pass
    try:
        members = _decode_object(content)
    except _PARSE_ERRORS:
        return _objects_in_a_row(content)
    try:
        return _only_array(members) or [content]
    except _PARSE_ERRORS:
        return [content]


def _only_array(members: dict[str, msgspec.Raw]) -> list[bytes] | None:
    """The elements of the one member that is an array of objects, where these are the rows: they have more members than the
    object has beside the array. A payment with a list of its items is a row itself."""
    found = []
    for raw in members.values():
        if bytes(raw).lstrip().startswith(b"["):
            elements = [bytes(element) for element in _decode_list(raw)]
            if elements and all(element.lstrip().startswith(b"{") for element in elements):
                found.append(elements)
    if len(found) != 1:
        return None
    names = {name for element in found[0] for name in _decode_object(element)}
    return found[0] if len(names) >= len(members) else None


def _objects_in_a_row(content: bytes) -> list[bytes] | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    decoder = json.JSONDecoder()
    elements: list[bytes] = []
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position == len(text):
            return elements or None
        try:
            value: Any
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        elements.append(text[position:end].encode())
        position = end

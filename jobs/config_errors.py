"""One line for whatever is wrong with a configuration: where, what, and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from jobs.config import JobConfig

_SHORTER = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid boolean": "true or false",
    "a valid string": "text",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
}


class ConfigError(ValueError):
    """The configuration cannot be used; the message is one line that says what to change."""


def explain(error: ValidationError, origin: str, variables: Mapping[tuple[str, ...], str]) -> str:
    """The first of the errors as one line, and how many there are besides."""
    first, *others = error.errors()
    keys = _keys(first["loc"])
    variable = variables.get(tuple(keys))
    where = variable or origin
    parts = [where, ".".join(keys), _problem(first)] if keys else [where, _problem(first)]
    rest = f" (and {len(others)} more problem{'s' if len(others) > 1 else ''})" if others else ""
    return " ".join((": ".join(parts) + rest).split())


def sections_at(keys: list[str]) -> list[type[BaseModel]]:
    """The sections that can stand at a path of keys; several where the kind decides."""
    found: list[type[BaseModel]] = [JobConfig]
    for key in keys:
        annotations = [section.model_fields[key].annotation for section in found if key in section.model_fields]
        if annotations:
            found = [section for annotation in annotations for section in sections_of(annotation)]
        elif not key.isdigit():
            return []
    return found


def sections_of(annotation: Any) -> list[type[BaseModel]]:
    """All sections in a type: the type itself, a union's members, a list's elements."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Annotated, Union, UnionType, tuple, list):
        return [section for part in get_args(annotation) for section in sections_of(part)]
    return []


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """The path of keys as the user wrote it: pydantic puts a union's kind between a section and its keys."""
    keys: list[str] = []
    for part in map(str, location):
        kinds = {_kind(section) for section in sections_at(keys)}
        if not (len(kinds) > 1 and part in kinds):
            keys.append(part)
    return keys


def _kind(section: type[BaseModel]) -> str | None:
    field = section.model_fields.get("kind")
    return str(get_args(field.annotation)[0]) if field else None


def _problem(error: ErrorDetails) -> str:
    kind, context, given = error["type"], error.get("ctx", {}), _shown(error["input"])
    if kind == "extra_forbidden":
        return _unknown_key(error["loc"])
    if kind == "missing":
        return "is missing"
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        kinds = ", ".join(str(_kind(section)) for section in sections_at(_keys(error["loc"])))
        what = f"unknown kind {context['tag']!r}" if "tag" in context else "kind is missing"
        return f"{what}: give one of {kinds}"
    if kind == "literal_error":
        return f"{given} is not allowed: give {_plain(context['expected'])}"
    if kind == "value_error":
        return str(context["error"])
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{given} is not a mapping of keys to values"
    message = error["msg"].replace("Input should be", "must be").split(", unable to")[0]
    for long, short in _SHORTER.items():
        message = message.replace(long, short)
    return f"{message}, not {given}"


def _unknown_key(location: tuple[int | str, ...]) -> str:
    *parents, wrong = _keys(location)
    sections = sections_at(parents)
    kinds = {_kind(section) for section in sections}
    if len(kinds) > 1:  # pydantic's location names the kind that was given
        sections = [section for section in sections if _kind(section) in location]
    allowed = [name for section in sections for name in section.model_fields]
    close = get_close_matches(wrong, allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown key{hint} (allowed: {', '.join(allowed)})"


def _plain(choices: Any) -> str:
    return str(choices).replace("'", "")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"

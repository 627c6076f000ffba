"""Formats validation errors of a configuration as one line: location, problem, allowed values."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from jobs.config.job import JobConfig

_SHORTER = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid boolean": "true or false",
    "a valid string": "text",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
}


MOST_LINES = 20


class ConfigError(ValueError):
    """The configuration is invalid. The message has one line a problem, with the remedy."""


def explain(error: ValidationError, origin: str, variables: Mapping[tuple[str, ...], str]) -> str:
    """The errors, a line each.

    `origin` names the file; `variables` maps paths of keys to the environment variable or property that set them.
    """
    found = error.errors()
    lines = [_line(one, origin, variables) for one in found if not _follows_from_another(one, found)]
    more = len(lines) - MOST_LINES
    return "\n".join(
        [*lines[:MOST_LINES], f"{origin}: and {more} more problem{'s' if more > 1 else ''}"] if more > 0 else lines
    )


def _follows_from_another(one: ErrorDetails, found: list[ErrorDetails]) -> bool:
    """Whether a list is too short only because pydantic has left out wrong elements, which have lines of their own."""
    place = one["loc"]
    return one["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in found
    )


def _line(error: ErrorDetails, origin: str, variables: Mapping[tuple[str, ...], str]) -> str:
    keys = _keys(error["loc"])
    where = variables.get(tuple(keys)) or origin
    parts = [where, ".".join(keys), _problem(error)] if keys else [where, _problem(error)]
    return " ".join(": ".join(parts).split())


def sections_at(keys: list[str]) -> list[type[BaseModel]]:
    """Section types allowed at a path of keys; several if they are selected by `kind`."""
    found: list[type[BaseModel]] = [JobConfig]
    for key in keys:
        annotations = [section.model_fields[key].annotation for section in found if key in section.model_fields]
        if annotations:
            found = [section for annotation in annotations for section in sections_of(annotation)]
        elif not key.isdigit():
            return []
    return found


def sections_of(annotation: Any) -> list[type[BaseModel]]:
    """All section types in an annotation: the type itself, members of a union, elements of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Annotated, Union, UnionType, tuple, list):
        return [section for part in get_args(annotation) for section in sections_of(part)]
    return []


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """Path of keys as written by the user, without the `kind` that pydantic inserts for members of a union."""
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
    if kind in ("tuple_type", "list_type"):
        return f"must be a list, each element after a dash, not {given}"
    if kind == "too_short":
        return f"give at least {context['min_length']}"
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
    close = get_close_matches(wrong.lower().replace("-", "_"), allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown key{hint} (allowed: {', '.join(allowed)})"


def _plain(choices: Any) -> str:
    return str(choices).replace("'", "")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"

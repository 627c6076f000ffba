"""Formats a validation error of a mapping file as one line: the key and the allowed values."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ingest.schema import MappingFile
from ingest.suggestion import did_you_mean, listed

_MESSAGES = {
    "string_type": "must be a text (put it in quotes)",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "model_type": "is not a section of keys",
    "dict_type": "is not a section of keys",
}
MOST_PROBLEMS = 20
_UNION_MEMBERS = ("str", "int", "float", "bool")
_SCALAR_MESSAGE = "must be a text, a number or a flag"


def validation_message(error: ValidationError) -> str:
    """The problems in the order of the file, a line each, at most MOST_PROBLEMS of them."""
    problems: dict[tuple[int | str, ...], Any] = {}
    for problem in error.errors(include_url=False):
        problems.setdefault(_location(problem["loc"]), problem)
    lines = [_message(location, problem) for location, problem in problems.items()]
    more = len(lines) - MOST_PROBLEMS
    return "\n".join(
        [*lines[:MOST_PROBLEMS], f"and {more} more problem{'s' if more > 1 else ''}"] if more > 0 else lines
    )


def _message(location: tuple[int | str, ...], problem: Any) -> str:
    found = f"{_dotted(location)}: {problem['input']!r}"
    match problem["type"]:
        case "extra_forbidden":
            return _unknown_key(location)
        case "missing":
            return f"{_dotted(location[:-1])}: the key {location[-1]!r} is required"
        case "literal_error":
            return f"{found} is not allowed; allowed: {problem['ctx']['expected']}"
        case _ if location != tuple(problem["loc"]):
            return f"{found} {_SCALAR_MESSAGE}"
        case kind if kind in _MESSAGES:
            return f"{found} {_MESSAGES[kind]}"
    return f"{found}: {problem['msg'].lower()}"


def _location(path: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The problem's key path, without the union member that pydantic appends."""
    return path[:-1] if len(path) > 1 and path[-1] in _UNION_MEMBERS else path


def _unknown_key(location: tuple[int | str, ...]) -> str:
    *section, key = location
    allowed = list(_section_at(tuple(section)).model_fields)
    where = f"{_dotted(tuple(section))}: " if section else ""
    return f"{where}unknown key {key!r}{did_you_mean(str(key), allowed)}; allowed: {listed(allowed)}"


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the file"


def _section_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    """The pydantic model of the section at a location of the file."""
    model: type[BaseModel] = MappingFile
    for part in location:
        if part in model.model_fields:
            model = _model_in(model.model_fields[str(part)].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        model = _model_in(argument)
        if model is not None:
            return model
    return None

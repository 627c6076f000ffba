"""A validation error of the mapping file as one line: the key, and what is allowed there."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ingest.schema import MappingFile
from ingest.suggestion import did_you_mean, listed

_IN_WORDS = {
    "string_type": "must be a text (put it in quotes)",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "model_type": "is not a section of keys",
    "dict_type": "is not a section of keys",
}
_UNION_MEMBERS = ("str", "int", "float", "bool")
_SCALAR_IN_WORDS = "must be a text, a number or a flag"


def message_of(error: ValidationError) -> str:
    """The first problem in words, and in how many other places there is one."""
    problems = {_location(problem["loc"]): problem for problem in reversed(error.errors(include_url=False))}
    location, problem = list(problems.items())[-1]
    more = f" ({len(problems) - 1} more after this one)" if len(problems) > 1 else ""
    found = f"{_dotted(location)}: {problem['input']!r}"
    match problem["type"]:
        case "extra_forbidden":
            return _unknown_key(location) + more
        case "missing":
            return f"{_dotted(location[:-1])}: the key {location[-1]!r} is needed{more}"
        case "literal_error":
            return f"{found} is not allowed; allowed: {problem['ctx']['expected']}{more}"
        case _ if location != tuple(problem["loc"]):
            return f"{found} {_SCALAR_IN_WORDS}{more}"
        case kind if kind in _IN_WORDS:
            return f"{found} {_IN_WORDS[kind]}{more}"
    return f"{found}: {problem['msg'].lower()}{more}"


def _location(path: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The keys that lead there, without pydantic's name for the member of a union that was tried."""
    return path[:-1] if len(path) > 1 and path[-1] in _UNION_MEMBERS else path


def _unknown_key(location: tuple[int | str, ...]) -> str:
    *section, key = location
    allowed = list(_section_at(tuple(section)).model_fields)
    where = f"{_dotted(tuple(section))}: " if section else ""
    return f"{where}unknown key {key!r}{did_you_mean(str(key), allowed)}; allowed: {listed(allowed)}"


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the file"


def _section_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    """The model whose keys are allowed at a location of the file."""
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

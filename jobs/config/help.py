"""Reference of all configuration keys, generated from the types: for docs/configuration.md and `fraud config`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from jobs.config.errors import sections_of
from jobs.config.job import JobConfig
from jobs.config.value_types import Takes, shipped_bundle

BOUNDS = {"ge": "at least {}", "gt": "above {}", "le": "at most {}"}
SHIPPED = "the shipped one"


class KeyHelp(NamedTuple):
    """One key: path (`sinks[files].directory`), type of the value, default (`required` if none), meaning."""

    key: str
    takes: str
    default: str
    meaning: str


def describe() -> list[KeyHelp]:
    """All configuration keys, in declaration order."""
    return list(_keys_of(JobConfig, ""))


def _keys_of(section: type[BaseModel], prefix: str) -> Iterator[KeyHelp]:
    for name, field in section.model_fields.items():
        if name == "kind":
            continue
        sections = sections_of(field.annotation)
        if not sections:
            yield KeyHelp(prefix + name, _takes(field), _default(field), field.description or "")
        for nested in sections:
            kind = nested.model_fields.get("kind")
            if kind is None:
                yield from _keys_of(nested, f"{prefix}{name}.")
            else:
                tag = get_args(kind.annotation)[0]
                path = f"{prefix}{name}[{tag}]."
                default = "the default" if kind.default is not PydanticUndefined else "required"
                yield KeyHelp(f"{path}kind", f"`{tag}`", default, _summary(nested))
                yield from _keys_of(nested, path)


def _summary(section: type[BaseModel]) -> str:
    return " ".join((section.__doc__ or "").split())


def _takes(field: FieldInfo) -> str:
    bounds = [
        text.format(f"{value:,}".replace(",", " "))
        for constraint in field.metadata
        for name, text in BOUNDS.items()
        if (value := getattr(constraint, name, None)) is not None
    ]
    return ", ".join([_words(field.metadata) or _type(field.annotation), *bounds])


def _words(metadata: Iterable[Any]) -> str | None:
    return next((item.words for item in metadata if isinstance(item, Takes)), None)


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) is Annotated:
        plain, *metadata = get_args(annotation)
        return _words(metadata) or _type(plain)
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(_type(part) for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is dict:
        return "names with values"
    return {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return SHIPPED if field.default_factory is shipped_bundle else "empty"
    if field.default is None:
        return "none"
    if isinstance(field.default, tuple):
        return f"`[{', '.join(map(str, field.default))}]`"
    if field.default == "":
        return "empty"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def markdown_table() -> str:
    """The table of all keys in docs/configuration.md."""
    rows = [f"| `{key}` | {takes} | {default} | {meaning} |" for key, takes, default, meaning in describe()]
    return "\n".join(["| key | takes | default | meaning |", "|---|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":  # prints the table of docs/configuration.md
    print(markdown_table(), end="")

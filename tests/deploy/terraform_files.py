"""deploy/terraform as plain data: blocks by their address, and every text in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2

DIRECTORY = Path(__file__).parents[2] / "deploy" / "terraform"
_MARKS = ("__is_block__", "__comments__")
_REFERENCE = re.compile(r"(?<![\w.\"-])((?:data\.)?aws_[a-z0-9_]+\.[a-z0-9_]+|var\.\w+|local\.\w+)")


def _plain(value: Any) -> Any:
    """Without the parser's marks and quotes."""
    if isinstance(value, dict):
        return {key.strip('"'): _plain(inner) for key, inner in value.items() if key not in _MARKS}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def load() -> list[tuple[str, Any]]:
    """(kind, content) of each top block of each file."""
    blocks = []
    for path in sorted(DIRECTORY.glob("*.tf")):
        with path.open() as file:
            for kind, contents in _plain(hcl2.load(file)).items():
                blocks.extend((kind, content) for content in contents)
    return blocks


class Terraform:
    """Variables, locals, resources and data sources by address (`aws_s3_bucket.store`, `data.aws_…`)."""

    def __init__(self) -> None:
        self.blocks = load()
        self.variables: dict[str, Any] = {}
        self.locals: dict[str, Any] = {}
        self.resources: dict[str, Any] = {}
        for kind, content in self.blocks:
            if kind == "variable":
                self.variables |= content
            elif kind == "locals":
                self.locals |= content
            elif kind in ("resource", "data"):
                prefix = "data." if kind == "data" else ""
                for resource, named in content.items():
                    self.resources |= {f"{prefix}{resource}.{name}": body for name, body in named.items()}

    def references(self) -> Iterator[str]:
        """Every `var.…`, `local.…` and resource that an expression names."""
        for _, content in self.blocks:
            for text in texts(content):
                yield from _REFERENCE.findall(text)


def texts(value: Any) -> Iterator[str]:
    """All texts in plain data, keys included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def with_dynamic_blocks(body: dict[str, Any]) -> dict[str, Any]:
    """A body whose `dynamic` blocks stand like the others."""
    merged = {key: value for key, value in body.items() if key != "dynamic"}
    for dynamic in body.get("dynamic", []):
        for name, block in dynamic.items():
            merged[name] = [*merged.get(name, []), *block["content"]]
    return merged

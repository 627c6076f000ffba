"""Rule sets as YAML files: the shipped packs, and an institution's own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from udfs.rules.errors import RuleError, one_line
from udfs.rules.names import shown
from udfs.rules.rule_set import RuleSet, rule_set_from

MAX_FILE_BYTES = 1_000_000
_PACKS = files("udfs.rules").joinpath("packs")


class RuleFileError(ValueError):
    """A rule file cannot be used; one line that names the file, the rule and the place."""


class _Loader(yaml.SafeLoader):
    """YAML's safe types; a key given twice is an error instead of the last one winning in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{shown(key.value)} is given twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def pack_names() -> list[str]:
    """The names of the shipped packs."""
    return sorted(Path(entry.name).stem for entry in _PACKS.iterdir() if entry.name.endswith(".yaml"))


def shipped_pack(name: str) -> RuleSet:
    """A shipped pack. Raises RuleFileError where there is none of that name."""
    if name not in pack_names():
        raise RuleFileError(f"no rule pack {name!r}: there are {', '.join(pack_names())}")
    return parse_rule_set(_PACKS.joinpath(f"{name}.yaml").read_bytes(), f"{name}.yaml")


def load_rule_set(path: Path | str) -> RuleSet:
    """The rule set of a YAML file (JSON is YAML, too). Raises RuleFileError."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise RuleFileError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_rule_set(content, path.name)


def parse_rule_set(content: bytes, source: str) -> RuleSet:
    """The rule set in a YAML text; `source` names it in errors. Raises RuleFileError, whatever the bytes."""
    if len(content) > MAX_FILE_BYTES:
        raise RuleFileError(f"{source}: larger than {MAX_FILE_BYTES} bytes")
    try:
        return rule_set_from(_plain(content))
    except RuleError as error:
        raise RuleFileError(f"{source}: {error}") from None


def _plain(content: bytes) -> object:
    try:
        return yaml.load(content, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise RuleError(f"not YAML: {one_line(error.problem or error.context or str(error))}{place}") from None
    except Exception as error:  # the YAML library lets KeyError, AttributeError and others out for odd tags
        raise RuleError(f"not YAML: {type(error).__name__}: {one_line(error)}") from None

"""Reads rule sets from YAML files: the shipped packs, user files, and several of them together."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from udfs.rules.combined import CombinationError, combined, parts_of
from udfs.rules.errors import RuleError, one_line, quoted
from udfs.rules.named_lists import NO_LISTS, Lists
from udfs.rules.rule_set import RuleSet, rule_set_from
from udfs.rules.rulebook import Rulebook

MAX_FILE_BYTES = 1_000_000
MERGE, MAX_MERGED, MAX_KEYS = "tag:yaml.org,2002:merge", 10, 1_000
_PACKS = files("udfs.rules").joinpath("packs")


class RuleFileError(ValueError):
    """A rule file cannot be used. The message has a line for each problem, with file, rule and location."""

    @classmethod
    def of(cls, source: str, error: RuleError) -> RuleFileError:
        """All errors of a rule set; `source` names its file."""
        return cls("\n".join(f"{source}: {problem}" for problem in error.errors))


class _Loader(yaml.SafeLoader):
    """SafeLoader that rejects duplicate keys, and merge keys (`<<`) that multiply what they merge."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        for key, value in node.value:
            if key.tag == MERGE and isinstance(value, yaml.SequenceNode) and len(value.value) > MAX_MERGED:
                raise yaml.constructor.ConstructorError(None, None, f"more than {MAX_MERGED} merged", key.start_mark)
        super().flatten_mapping(node)
        if len(node.value) > MAX_KEYS:
            raise yaml.constructor.ConstructorError(
                None, None, f"more than {MAX_KEYS:,} keys are merged", node.start_mark
            )

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{quoted(key.value)} is given twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def pack_names() -> list[str]:
    """The names of the shipped packs."""
    return sorted(Path(entry.name).stem for entry in _PACKS.iterdir() if entry.name.endswith(".yaml"))


def shipped_pack(name: str) -> RuleSet:
    """A shipped pack. Raises RuleFileError for an unknown name."""
    if name not in pack_names():
        raise RuleFileError(f"unknown rule pack {name!r}: expected one of {', '.join(pack_names())}")
    return parse_rule_set(_PACKS.joinpath(f"{name}.yaml").read_bytes(), f"{name}.yaml")


def load_rule_set(path: Path | str) -> RuleSet:
    """Read the rule set of a YAML or JSON file. Raises RuleFileError."""
    return parse_rule_set(read_rule_file(Path(path)), Path(path).name)


def read_rule_file(path: Path) -> bytes:
    """The content of a rule file; of one that is too large the beginning. Raises RuleFileError."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise RuleFileError(f"{path}: cannot be read: {error.strerror}") from None


def decode_rule_file(content: bytes) -> RuleSet:
    """Parse a rule set in YAML. Raises RuleError for all invalid bytes."""
    if len(content) > MAX_FILE_BYTES:
        raise RuleError(f"larger than {MAX_FILE_BYTES} bytes")
    return rule_set_from(load_yaml(content))


def parse_rule_set(content: bytes, source: str) -> RuleSet:
    """The same; `source` names the file in errors. Raises RuleFileError for all invalid bytes."""
    try:
        return decode_rule_file(content)
    except RuleError as error:
        raise RuleFileError.of(source, error) from None


def rule_set_of(rules: str) -> RuleSet:
    """The rule set of a shipped pack's name or a file's path, or of several with commas between. Raises RuleFileError."""
    parts = parts_of(rules)
    rule_sets = [shipped_pack(part) if part in pack_names() else load_rule_set(Path(part)) for part in parts]
    try:
        return combined(rule_sets)
    except CombinationError as error:
        raise RuleFileError(f"{rules_file(rules)}: {error}") from None


def rulebook_of(rules: str, feature_names: Sequence[str], lists: Lists = NO_LISTS) -> Rulebook:
    """The rules of `rule_set_of`, checked and compiled. Raises RuleFileError, naming the rules."""
    try:
        return Rulebook.of(rule_set_of(rules), feature_names, lists)
    except RuleError as error:
        raise RuleFileError.of(rules_file(rules), error) from None


def rules_file(rules: str) -> str:
    """The names of the files of shipped packs and paths."""
    return " + ".join(f"{part}.yaml" if part in pack_names() else Path(part).name for part in parts_of(rules))


def load_yaml(content: bytes) -> object:
    """The value of a YAML document; duplicate keys are refused. Raises RuleError for all invalid bytes."""
    try:
        return yaml.load(content, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        location = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise RuleError(f"not YAML: {one_line(error.problem or error.context or str(error))}{location}") from None
    except Exception as error:  # PyYAML raises KeyError, AttributeError and others for malformed tags
        raise RuleError(f"not YAML: {type(error).__name__}: {one_line(error)}") from None

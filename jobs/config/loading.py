"""Loads the configuration from a YAML file and the environment. All errors are ConfigError, with one line for each
thing that is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.config.errors import ConfigError, explain
from jobs.config.job import JobConfig
from jobs.config.stores import MemoryStoreSection, Store

ENVIRONMENT_PREFIX = "FRAUD__"
SEPARATOR = "__"
C = TypeVar("C", bound=BaseModel)


def load_config(
    path: str | os.PathLike[str],
    environment: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
) -> JobConfig:
    """Load the scoring job's configuration from a YAML file; `FRAUD__SECTION__KEY=value` variables override its values.

    `properties`: a platform's settings by `section.key`; they override the file, and variables override them.
    Raises ConfigError; the message names the file, property or variable, the key and the allowed values.
    """
    return load_config_of(JobConfig, path, environment, properties)


def load_config_of(
    kind: type[C],
    path: str | os.PathLike[str],
    environment: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
) -> C:
    """As `load_config`, for a job's configuration of type `kind`. Raises ConfigError."""
    tree, variables = read_tree(Path(path), os.environ if environment is None else environment, kind, properties)
    return _parse(kind, tree, str(path), variables)


def is_entity_job(path: str | os.PathLike[str]) -> bool:
    """Whether the file configures the entity aggregates job, not the scoring job. Raises ConfigError."""
    tree = _read_yaml(Path(path), JobConfig)
    return "sinks" not in tree and ("aggregates" in tree or "store" in tree) and "scoring" not in tree


def load_store(path: str | os.PathLike[str], environment: Mapping[str, str] | None = None) -> Store:
    """Load only the `store` section, for commands that do not run the job; other sections are not checked.

    Raises ConfigError.
    """
    tree, variables = read_tree(Path(path), os.environ if environment is None else environment)
    try:
        return _StoreOnly.model_validate(tree).store
    except ValidationError as error:
        raise ConfigError(explain(error, str(path), variables)) from None


class _StoreOnly(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, validate_default=True)

    store: Store = Field(default_factory=MemoryStoreSection)


def parse_config(
    tree: dict[str, Any], origin: str = "configuration", variables: Mapping[tuple[str, ...], str] | None = None
) -> JobConfig:
    """Validate plain data as a configuration. Raises ConfigError.

    `origin` names the file in messages; `variables` maps paths of keys to the variable or property that set them.
    """
    return _parse(JobConfig, tree, origin, variables or {})


def _parse(kind: type[C], tree: dict[str, Any], origin: str, variables: Mapping[tuple[str, ...], str]) -> C:
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(explain(error, origin, variables)) from None


def read_tree(
    path: Path,
    environment: Mapping[str, str],
    kind: type[BaseModel] = JobConfig,
    properties: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    """Merge file, properties and environment to plain data; also returns the property or variable that set a path of keys.

    Raises ConfigError.
    """
    tree = _read_yaml(path, kind)
    from_properties = {name: (name.split("."), _scalar(value)) for name, value in sorted((properties or {}).items())}
    overrides = from_properties | _overrides(environment)
    for variable, (keys, value) in overrides.items():
        _override(tree, keys, value, variable)
    return tree, {tuple(keys): variable for variable, (keys, _) in overrides.items()}


def _read_yaml(path: Path, kind: type[BaseModel]) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        position = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{path}: not YAML: {error.problem or error.context}{position}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: must be a mapping with the keys {', '.join(kind.model_fields)}")
    return tree


def _overrides(environment: Mapping[str, str]) -> dict[str, tuple[list[str], Any]]:
    found = {}
    for variable in sorted(environment):
        if variable.startswith(ENVIRONMENT_PREFIX):
            keys = variable.removeprefix(ENVIRONMENT_PREFIX).lower().split(SEPARATOR)
            found[variable] = (keys, _scalar(environment[variable]))
    return found


def _scalar(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _override(tree: dict[str, Any], keys: list[str], value: Any, variable: str) -> None:
    """Set the value at a path of keys. A number is a list index; the index after the last appends an element."""
    node: Any = tree
    for position, key in enumerate(keys):
        is_last = position == len(keys) - 1
        if isinstance(node, list):
            if not key.isdigit() or int(key) > len(node):
                raise ConfigError(f"{variable}: {key!r} is not an index of a list of {len(node)}")
            if int(key) == len(node):
                node.append({})
            index: Any = int(key)
        elif isinstance(node, dict):
            index = key
            if not is_last and node.get(key) is None:
                node[key] = [] if keys[position + 1].isdigit() else {}
        else:
            raise ConfigError(f"{variable}: {'.'.join(keys[:position])} is a single value without keys")
        if is_last:
            node[index] = value
        else:
            node = node[index]

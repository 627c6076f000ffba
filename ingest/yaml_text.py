"""Loads a mapping's YAML without the implicit conversions of YAML 1.1.

YAML 1.1 reads `NO` as false, `0742` as octal and `12:30` as base 60, and silently keeps the last of duplicate keys. Here
the first three are texts, and a duplicate key is an error: mappings list foreign codes, in which all of these occur.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

import yaml

from ingest.errors import MappingError


class _PlainLoader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """Keys are the literal text: 1 and true are different keys, both of type str."""
        mapping: dict[Hashable, object] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a scalar", key_node.start_mark)
            if key in mapping:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key!r}", key_node.start_mark)
            mapping[key] = self.construct_object(value_node, deep=True)
        return mapping


_PlainLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"~|null|", ["~", "n", ""]),
    ("tag:yaml.org,2002:bool", r"true|false", list("tf")),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("tag:yaml.org,2002:float", r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?", list("-+0123456789")),
):
    _PlainLoader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _first)


def load_yaml(text: str) -> object:
    """Loads a document as dicts, lists and scalars. Raises MappingError with the line of the syntax error."""
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise MappingError(f"{line}invalid YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise MappingError(f"invalid YAML: {error}") from None

"""Reading a mapping's YAML so that it means what it looks like.

YAML 1.1 reads `NO` as false, `0742` as octal, `12:30` as base 60 and takes the last of two equal keys. In a table of
foreign codes each of these is a silent error; here they are the text NO, the text 0742, the text 12:30 and an error.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

import yaml

from ingest.errors import MappingError


class _PlainLoader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """Keys are the text that stands there: 1 and true are different keys, and both are text."""
        made: dict[Hashable, object] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be one word or text", key_node.start_mark
                )
            if key in made:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is there twice", key_node.start_mark)
            made[key] = self.construct_object(value_node, deep=True)
        return made


_PlainLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"~|null|", ["~", "n", ""]),
    ("tag:yaml.org,2002:bool", r"true|false", list("tf")),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("tag:yaml.org,2002:float", r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?", list("-+0123456789")),
):
    _PlainLoader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _first)


def load_yaml(text: str) -> object:
    """The document as dicts, lists and scalars. Raises MappingError with the line of what is not YAML."""
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise MappingError(f"{line}not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise MappingError(f"not YAML: {error}") from None

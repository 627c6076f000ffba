"""Keys, values and meaning of a loaded configuration, for `fraud config check`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from jobs.config.section import Section

HIDDEN = "(hidden)"
_MAY_BE_SECRET = re.compile(
    r"secret|password|token|credential|access.?key|jaas|keystore\.key|private.?key|certificate\.chain", re.IGNORECASE
)


class KeyInUse(NamedTuple):
    """One key: path in the file, value as text, whether file or environment set it, meaning."""

    key: str
    value: str
    is_set: bool
    meaning: str


def keys_in_use(config: Section) -> list[KeyInUse]:
    """All keys of a configuration in declaration order, defaults included.

    In free-form options (`flink.extra`, `properties`), values whose name suggests a secret are hidden.
    """
    return list(_keys_of(config, "", True))


def _keys_of(section: Section, prefix: str, is_set: bool) -> Iterator[KeyInUse]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        given = is_set and name in section.model_fields_set
        key = prefix + name
        if isinstance(value, Section):
            yield from _keys_of(value, f"{key}.", given)
        elif isinstance(value, tuple) and value and all(isinstance(item, Section) for item in value):
            for index, item in enumerate(value):
                yield from _keys_of(item, f"{key}.{index}.", given)
        elif isinstance(value, dict) and value:
            for option, text in value.items():
                shown = HIDDEN if _MAY_BE_SECRET.search(option) else str(text)
                yield KeyInUse(f"{key}.{option}", shown, given, field.description or "")
        else:
            meaning = field.description if name != "kind" else " ".join((type(section).__doc__ or "").split())
            yield KeyInUse(key, _text(value), given, meaning or "")


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    if value in ("", {}):
        return "empty"
    return str(value)

"""The words of the pages by key, from a file of one language."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ENGLISH = Path(__file__).parent / "texts_en.toml"


class Texts:
    """Words by key in one language. A key is `section.name`."""

    def __init__(self, file: Path = ENGLISH) -> None:
        self.words = dict(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))

    def __call__(self, key: str, **values: object) -> str:
        """The words of a key, with values in their places. Raises KeyError for a key that there is not."""
        words = self.words[key]
        return words.format(**values) if values else words


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value

"""Feature values of one transaction by name, in a msgspec struct: as compact as a tuple, read like a dict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Protocol

import msgspec


class NamedValues(Protocol):
    """Read access to feature values by name: FeatureValues, or a dict in input order."""

    def __getitem__(self, name: str, /) -> float: ...

    def __len__(self) -> int: ...

    def keys(self) -> Collection[str]: ...

    def values(self) -> Collection[float]: ...


class FeatureValues(msgspec.Struct, gc=False):
    """Feature values, read like a dict in input order; encoded as a JSON object with null for NaN. Not to be modified."""

    if TYPE_CHECKING:

        def __getitem__(self, name: str, /) -> float: ...

    else:
        __getitem__ = object.__getattribute__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__struct_fields__)

    def __len__(self) -> int:
        return len(self.__struct_fields__)

    def keys(self) -> tuple[str, ...]:
        return self.__struct_fields__

    def values(self) -> tuple[float, ...]:
        return msgspec.structs.astuple(self)

    def items(self) -> Iterator[tuple[str, float]]:
        return zip(self.__struct_fields__, msgspec.structs.astuple(self), strict=True)


def named(values: Mapping[str, float]) -> FeatureValues:
    """FeatureValues from a dict, e.g. of a logged decision."""
    return values_of(tuple(values))(*values.values())


@cache
def values_of(names: tuple[str, ...]) -> Callable[..., FeatureValues]:
    """The constructor of FeatureValues with these names; takes one value a name, in order.

    Raises ValueError for a name that is not a Python identifier.
    """
    made = msgspec.defstruct("Features", [(name, float) for name in names], bases=(FeatureValues,), gc=False)
    return made  # type: ignore[return-value]

"""One transaction's features by name, as small and as quick as a tuple."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Protocol

import msgspec


class NamedValues(Protocol):
    """What reads features: those of a transaction, or a dict of names in input order."""

    def __getitem__(self, name: str, /) -> float: ...

    def __len__(self) -> int: ...

    def keys(self) -> Collection[str]: ...

    def values(self) -> Collection[float]: ...


class FeatureValues(msgspec.Struct, gc=False):
    """Read like a dict of the names in input order; encoded as one, with null for NaN. Immutable by agreement."""

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
    """The features that a dict holds, e.g. those of a logged decision, for what reads them as a transaction's."""
    return values_of(tuple(values))(*values.values())


@cache
def values_of(names: tuple[str, ...]) -> Callable[..., FeatureValues]:
    """Makes values of these names, in their order. Raises ValueError at once for a name that is none of Python's."""
    made = msgspec.defstruct("Features", [(name, float) for name in names], bases=(FeatureValues,), gc=False)
    return made  # type: ignore[return-value]

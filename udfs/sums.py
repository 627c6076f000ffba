"""Exact sums of amounts."""

from __future__ import annotations


class Sums:
    """Count, total and squares of amounts in minor units."""

    __slots__ = ("count", "squares", "total")

    def __init__(self, count: int = 0, total: int = 0, squares: int = 0) -> None:
        self.count = count
        self.total = total
        self.squares = squares

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sums) and self.all() == other.all()

    __hash__ = None  # type: ignore[assignment]  # sums grow

    def __repr__(self) -> str:
        return f"Sums{self.all()}"

    def all(self) -> tuple[int, int, int]:
        """Every number, in the order of the constructor."""
        return self.count, self.total, self.squares

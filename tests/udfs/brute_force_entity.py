"""What an entity's numbers must be as of a moment, by definition: lists of all that arrived, and no cleverness.

Shares no code with udfs. Rates are Fractions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

HOUR = 3_600_000


@dataclass(frozen=True)
class Paid:
    """A transaction at `time` that arrived at `arrived`."""

    user: str
    time: int
    arrived: int


@dataclass(frozen=True)
class Judged:
    """What transaction `id` of `time` turned out to be, known at `known`."""

    id: str
    time: int
    known: int
    fraud: bool


@dataclass
class BruteForceEntity:
    """All of one entity's events in order of arrival; `delay`s in milliseconds."""

    activity_delay: int
    label_delay: int
    paid: list[Paid] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)

    def _bucket(self, time: int, known: int, delay: int) -> int:
        """The start of the hour it counts in: its own, or the one `delay` before it became known if that is too late."""
        own = time - time % HOUR
        if known <= own + HOUR + delay:
            return own
        return (known - delay) - (known - delay) % HOUR

    def _transactions(self) -> list[tuple[int, str]]:
        return [(self._bucket(p.time, p.arrived, self.activity_delay), p.user) for p in self.paid]

    def _frauds(self) -> list[tuple[int, int]]:
        """Changes of the number of frauds and the hour of each. An older label than the one known changes nothing."""
        changes = []
        for number, label in enumerate(self.judged):
            before = [other for other in self.judged[:number] if other.id == label.id]
            if any(other.known > label.known for other in before):
                continue
            newest = max(enumerate(before), key=lambda item: (item[1].known, item[0]))[1] if before else None
            change = int(label.fraud) - int(newest is not None and newest.fraud)
            changes.append((self._bucket(label.time, label.known, self.label_delay), change))
        return changes

    def _readable(self, start: int, t: int, delay: int, days: int) -> bool:
        """Has this hour ended `delay` before t, and is it one of the last 24 x days that have?"""
        newest_end = (t - delay) - (t - delay) % HOUR
        return newest_end - days * 24 * HOUR <= start and start + HOUR <= newest_end

    def rate(self, t: int, days: int, weight: float, prior: float) -> float:
        n = sum(self._readable(start, t, self.label_delay, days) for start, _ in self._transactions())
        frauds = sum(change for start, change in self._frauds() if self._readable(start, t, self.label_delay, days))
        return float((max(0, frauds) + Fraction(weight) * Fraction(prior)) / (n + Fraction(weight)))

    def count(self, t: int, days: int) -> int:
        return sum(self._readable(start, t, self.activity_delay, days) for start, _ in self._transactions())

    def users(self, t: int, days: int) -> int:
        """Distinct users of each hour, summed."""
        return len({(s, user) for s, user in self._transactions() if self._readable(s, t, self.activity_delay, days)})

    def first_seen(self, t: int) -> int | None:
        return min(
            [s for s, _ in self._transactions() if self._readable(s, t, self.activity_delay, 10**6)], default=None
        )

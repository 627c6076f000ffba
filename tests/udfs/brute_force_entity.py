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

    def _verdicts(self, id: str) -> list[tuple[int, bool]]:
        """The transaction's labels as they took effect: hour and verdict. One older than the newest known has none."""
        found: list[tuple[int, bool]] = []
        newest = -1
        for label in self.judged:
            if label.id == id and label.known >= newest:
                newest = label.known
                found.append((self._bucket(label.time, label.known, self.label_delay), label.fraud))
        return found

    def _frauds(self, newest_end: int) -> list[int]:
        """The hour of each transaction that is a fraud by the labels whose hours have ended: that of the first of the
        labels which have said so since."""
        hours = []
        for id in {label.id for label in self.judged}:
            visible = [(hour, fraud) for hour, fraud in self._verdicts(id) if hour + HOUR <= newest_end]
            if visible and visible[-1][1]:
                since = max((place for place, (_, fraud) in enumerate(visible) if not fraud), default=-1) + 1
                hours.append(visible[since][0])
        return hours

    def _newest_end(self, t: int, delay: int) -> int:
        return (t - delay) - (t - delay) % HOUR

    def _is_in(self, start: int, t: int, delay: int, days: int) -> bool:
        """Has this hour ended `delay` before t, and is it one of the last 24 x days that have? Spans of more than a week
        start at midnight."""
        newest_end = self._newest_end(t, delay)
        first = newest_end - days * 24 * HOUR
        if days > 7:
            first -= first % (24 * HOUR)
        return first <= start and start + HOUR <= newest_end

    def rate(self, t: int, days: int, weight: float, prior: float) -> float:
        n = sum(self._is_in(start, t, self.label_delay, days) for start, _ in self._transactions())
        frauds = self._frauds(self._newest_end(t, self.label_delay))
        count = sum(self._is_in(start, t, self.label_delay, days) for start in frauds)
        return float(min(Fraction(1), (count + Fraction(weight) * Fraction(prior)) / (n + Fraction(weight))))

    def count(self, t: int, days: int) -> int:
        return sum(self._is_in(start, t, self.activity_delay, days) for start, _ in self._transactions())

    def users(self, t: int, days: int) -> int:
        """Distinct users of all those hours together."""
        return len({user for start, user in self._transactions() if self._is_in(start, t, self.activity_delay, days)})

    def first_seen(self, t: int) -> int | None:
        return min([s for s, _ in self._transactions() if self._is_in(s, t, self.activity_delay, 10**6)], default=None)

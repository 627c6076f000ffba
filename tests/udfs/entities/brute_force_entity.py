"""Oracle for entity history: computes the figures as of a moment from plain lists of all events.

Shares no code with udfs. Rates are Fractions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import fsum, log, nan, sqrt

HOUR = 3_600_000


@dataclass(frozen=True)
class Payment:
    """A transaction at `time` that arrived at `arrived`; `cents` of the base currency (None: not known)."""

    user: str
    time: int
    arrived: int
    cents: int | None = 0


@dataclass(frozen=True)
class KnownLabel:
    """A label of transaction `id` of `time`, known at `known`."""

    id: str
    time: int
    known: int
    fraud: bool


@dataclass
class BruteForceEntity:
    """All of one entity's events in order of arrival; `delay`s in milliseconds."""

    activity_delay: int
    label_delay: int
    paid: list[Payment] = field(default_factory=list)
    judged: list[KnownLabel] = field(default_factory=list)

    def _bucket(self, time: int, known: int, delay: int) -> int:
        """Start of the hour an event counts in: its own, or the one `delay` before it became known if that is later."""
        own = time - time % HOUR
        if known <= own + HOUR + delay:
            return own
        return (known - delay) - (known - delay) % HOUR

    def _transactions(self) -> list[tuple[int, str]]:
        return [(self._bucket(p.time, p.arrived, self.activity_delay), p.user) for p in self.paid]

    def _effective_labels(self, id: str) -> list[tuple[int, bool]]:
        """The labels of a transaction that took effect, as (hour, is fraud); one older than the newest has no effect."""
        found: list[tuple[int, bool]] = []
        newest = -1
        for label in self.judged:
            if label.id == id and label.known >= newest:
                newest = label.known
                found.append((self._bucket(label.time, label.known, self.label_delay), label.fraud))
        return found

    def _frauds(self, newest_end: int) -> list[int]:
        """Hour of each transaction that is a fraud by the labels whose hours have ended.

        It is the hour of the first label of the last uninterrupted run of fraud labels.
        """
        hours = []
        for id in {label.id for label in self.judged}:
            visible = [(hour, fraud) for hour, fraud in self._effective_labels(id) if hour + HOUR <= newest_end]
            if visible and visible[-1][1]:
                since = max((index for index, (_, fraud) in enumerate(visible) if not fraud), default=-1) + 1
                hours.append(visible[since][0])
        return hours

    def _newest_end(self, t: int, delay: int) -> int:
        return (t - delay) - (t - delay) % HOUR

    def _is_in(self, start: int, t: int, delay: int, days: int) -> bool:
        """Whether this hour ended `delay` before t and is one of the last 24 x days that did.

        Windows of more than a week start at midnight.
        """
        newest_end = self._newest_end(t, delay)
        first = newest_end - days * 24 * HOUR
        if days > 7:
            first -= first % (24 * HOUR)
        return first <= start and start + HOUR <= newest_end

    def rate(self, t: int, days: int, weight: float, prior: float) -> float:
        n = sum(self._is_in(start, t, self.label_delay, days) for start, _ in self._transactions())
        if n == 0:
            return nan
        frauds = self._frauds(self._newest_end(t, self.label_delay))
        count = sum(self._is_in(start, t, self.label_delay, days) for start in frauds)
        return float(min(Fraction(1), (count + Fraction(weight) * Fraction(prior)) / (n + Fraction(weight))))

    def count(self, t: int, days: int) -> int:
        return sum(self._is_in(start, t, self.activity_delay, days) for start, _ in self._transactions())

    def users(self, t: int, days: int) -> int:
        """Distinct users over all hours of the window."""
        return len({user for start, user in self._transactions() if self._is_in(start, t, self.activity_delay, days)})

    def first_seen(self, t: int) -> int | None:
        return min([s for s, _ in self._transactions() if self._is_in(s, t, self.activity_delay, 10**6)], default=None)

    def reported(self, t: int, days: int) -> int:
        """Transactions that are fraud by the labels visible at t and became so within the window.

        A label is visible once the hour in which it became known ended 5 minutes before t. A transaction became a fraud
        with the first label of the last uninterrupted run of fraud labels.
        """
        newest_end = self._newest_end(t, self.activity_delay)
        count = 0
        for id in {label.id for label in self.judged}:
            labels: list[KnownLabel] = []
            for label in self.judged:
                if label.id == id and (not labels or label.known >= labels[-1].known):
                    labels.append(label)
            known = [label for label in labels if label.known - label.known % HOUR + HOUR <= newest_end]
            if known and known[-1].fraud:
                since = max((index for index, label in enumerate(known) if not label.fraud), default=-1) + 1
                became = known[since].known
                count += self._is_in(became - became % HOUR, t, self.activity_delay, days)
        return count

    def fraud_run(self, t: int, days: int) -> tuple[float, float]:
        """Starts of the newest UTC day with a fraud in the window, and of the first of its run (days at most 7 apart)."""
        day = 24 * HOUR
        frauds = self._frauds(self._newest_end(t, self.label_delay))
        found = sorted({hour // day for hour in frauds if self._is_in(hour, t, self.label_delay, days)})
        if not found:
            return nan, nan
        run = newest = found[-1]
        while any(run - 7 <= other < run for other in found):
            run = min(other for other in found if run - 7 <= other < run)
        return float(newest * day), float(run * day)

    def _cents(self, t: int, days: int) -> list[int | None]:
        starts = [start for start, _ in self._transactions()]
        return [
            p.cents
            for p, start in zip(self.paid, starts, strict=True)
            if self._is_in(start, t, self.activity_delay, days)
        ]

    def amount(self, t: int, days: int) -> int:
        return sum(cents or 0 for cents in self._cents(t, days))

    def log_amounts(self, t: int, days: int, fewest: int = 20) -> tuple[float, float]:
        """Mean and population deviation of ln(1 + amount)."""
        logs = [log(1 + (cents or 0) / 100) for cents in self._cents(t, days)]
        if len(logs) < fewest:
            return nan, nan
        mean = fsum(logs) / len(logs)
        return mean, sqrt(fsum((x - mean) ** 2 for x in logs) / len(logs))

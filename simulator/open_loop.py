"""Events at a set rate, whatever becomes of them: each has its moment, and a late one does not delay the next's.

A sender that waits for answers measures only how fast it was answered; here what falls behind shows as lateness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from udfs.latency import bucket_of, percentile_ms

SHORTEST_SLEEP_S = 0.0005


@dataclass
class Pace:
    """How it went: events sent, seconds that they took, and how late they were (counts by bucket of udfs.latency)."""

    asked_rate: float
    sent: int = 0
    seconds: float = 0.0
    lateness: Counter[int] = field(default_factory=Counter)

    @property
    def achieved_rate(self) -> float:
        """Events a second from the first one's moment to the last one's sending."""
        return self.sent / self.seconds if self.seconds else 0.0

    def lateness_ms(self, share: float) -> float:
        """The lateness that this share of events did not exceed, within 12.5 %; 0 without events."""
        return percentile_ms(self.lateness, share) or 0.0


def send_at_rate(
    events: Iterable[bytes],
    rate: float,
    send: Callable[[bytes, float], None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    pace: Pace,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Send event number n at start + n / rate seconds, or at once where that has passed.

    `send` gets the event and the seconds after the start at which it was due. `pace` is kept up while it goes on, so
    that it tells the truth after an interruption. Ends with the events, or when `stop` says so.
    """
    start = clock()
    for number, event in enumerate(events):
        due = number / rate
        ahead = start + due - clock()
        while ahead > SHORTEST_SLEEP_S:
            if stop():
                return
            sleep(min(ahead, 0.1))
            ahead = start + due - clock()
        if number % 256 == 0 and stop():
            return
        send(event, due)
        now = clock()
        pace.sent = number + 1
        pace.seconds = max(now - start, pace.sent / rate)
        pace.lateness[bucket_of(max(0, int((now - start - due) * 1e9)))] += 1

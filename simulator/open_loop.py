"""Open-loop load generation: events are due at a constant rate, and a late event does not delay the due times of others.

A closed loop, which waits for responses, would hide delays of the system under test (coordinated omission); here they
show as lateness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from udfs.metrics.histogram import bucket_of, percentile_ms

MIN_SLEEP_S = 0.0005


@dataclass
class Pace:
    """Progress of a sender: events sent, seconds elapsed, and lateness as counts by bucket of udfs.metrics.histogram."""

    asked_rate: float
    sent: int = 0
    seconds: float = 0.0
    lateness: Counter[int] = field(default_factory=Counter)

    @property
    def achieved_rate(self) -> float:
        """Events per second, from the first due time to the last send."""
        return self.sent / self.seconds if self.seconds else 0.0

    def lateness_ms(self, share: float) -> float:
        """Quantile of the lateness in ms, `share` in [0, 1], with a relative error up to 12.5 %; 0 without events."""
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
    """Sends event n at start + n / rate seconds, or immediately where that time has passed.

    `send` is called with the event and its due time in seconds after the start; it may block. `pace` is updated after
    each event, so that it is correct after an interruption. Returns after the last event, or once `stop` returns True.
    """
    start = clock()
    for number, event in enumerate(events):
        due = number / rate
        ahead = start + due - clock()
        while ahead > MIN_SLEEP_S:
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

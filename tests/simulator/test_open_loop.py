"""Open-loop sending: a late event does not delay the due times of others."""

from __future__ import annotations

import pytest

from simulator.open_loop import Pace, send_at_rate


class Time:
    """A clock that advances on `sleep` and on simulated work."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_events_are_sent_at_their_due_times() -> None:
    time, sent, pace = Time(), [], Pace(100)

    send_at_rate(
        [b"a", b"b", b"c"], 100, lambda event, due: sent.append((event, due, time.now)), time.clock, time.sleep, pace
    )

    assert [(event, due) for event, due, _ in sent] == [(b"a", 0), (b"b", 0.01), (b"c", 0.02)]
    assert [at for *_, at in sent] == pytest.approx([100, 100.01, 100.02], abs=0.0006)
    assert (pace.sent, pace.seconds) == (3, pytest.approx(0.03))
    assert pace.achieved_rate == pytest.approx(100)


def test_after_a_stall_late_events_are_sent_at_once_and_counted() -> None:
    """0 ms a stalls 50 ms .. b (due 10 ms) is sent at 50, c (20) at 50, … g (60) on time again."""
    time, sent, pace = Time(), [], Pace(100)

    def send(event: bytes, due: float) -> None:
        sent.append(round((time.now - 100) * 1_000))
        if event == b"a":
            time.now += 0.05

    send_at_rate([b"a", b"b", b"c", b"d", b"e", b"f", b"g"], 100, send, time.clock, time.sleep, pace)

    assert sent == [0, 50, 50, 50, 50, 50, 60]
    assert pace.lateness_ms(1) == pytest.approx(50, rel=0.125)
    assert pace.lateness_ms(0.5) == pytest.approx(20, rel=0.125)


def test_stop_ends_sending_and_pace_is_correct() -> None:
    time, sent, pace = Time(), [], Pace(1)

    send_at_rate(
        iter(lambda: b"x", None), 1, lambda *_: sent.append(1), time.clock, time.sleep, pace, lambda: time.now >= 103.5
    )

    assert pace.sent == len(sent) == 4
    assert pace.seconds == pytest.approx(4)

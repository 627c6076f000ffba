"""The measured lag of replies, by hand-made clocks."""

from __future__ import annotations

import pytest

from console.answers.reply_lag import ReplyLag


def test_without_requests_there_is_no_lag() -> None:
    assert ReplyLag().seconds(100.0) == 0.0


def test_silence_counts_from_the_first_request_without_a_reply() -> None:
    lag = ReplyLag()
    lag.on_sent("a", 10.0)
    lag.on_sent("b", 12.0)
    assert lag.seconds(13.5) == pytest.approx(3.5)


def test_without_open_requests_there_is_no_lag_however_late_the_reply_was() -> None:
    lag = ReplyLag()
    lag.on_sent("a", 10.0)
    lag.on_reply("a")
    assert lag.seconds(17.0) == 0.0


def test_a_lost_request_does_not_count_once_later_ones_are_answered() -> None:
    lag = ReplyLag()
    lag.on_sent("lost", 10.0)
    lag.on_sent("b", 11.0)
    assert lag.seconds(11.05) == pytest.approx(1.05)
    lag.on_reply("b")
    assert lag.seconds(12.0) == 0.0
    lag.on_sent("c", 13.0)
    assert lag.seconds(15.0) == pytest.approx(2.0)


def test_a_backlog_shows_while_replies_come() -> None:
    lag = ReplyLag()
    for number in range(20):
        lag.on_sent(number, float(number))
        if number >= 10:
            lag.on_reply(number - 10)
            assert lag.seconds(float(number)) == pytest.approx(9.0)


def test_replies_to_forgotten_and_unknown_requests_tell_nothing() -> None:
    lag = ReplyLag()
    lag.on_sent("a", 0.0)
    lag.on_sent("b", 1.0)
    lag.on_reply("of another instance")
    assert lag.seconds(3.0) == pytest.approx(3.0)
    lag.forget_before(0.5)
    lag.on_reply("a")
    assert lag.seconds(3.0) == pytest.approx(2.0)


def test_one_probe_a_second() -> None:
    lag = ReplyLag()
    assert [lag.is_probe_due(moment) for moment in (0.0, 0.4, 0.9, 1.0, 1.5, 2.1)] == [
        True, False, False, True, False, True,
    ]  # fmt: skip

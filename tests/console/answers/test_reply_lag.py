"""The measured lag of replies, by hand-made clocks."""

from __future__ import annotations

import pytest

from console.answers.reply_lag import FORGET_SECONDS, ReplyLag


def test_without_requests_there_is_no_lag() -> None:
    assert ReplyLag().seconds(100.0) == 0.0


def test_silence_counts_from_the_first_request_without_a_reply() -> None:
    lag = ReplyLag()
    lag.on_sent("a", 10.0)
    lag.on_sent("b", 12.0)
    assert lag.seconds(13.5) == pytest.approx(3.5)


def test_a_reply_tells_its_delay_for_some_seconds() -> None:
    lag = ReplyLag()
    lag.on_sent("a", 10.0)
    lag.on_reply("a", 10.25)
    assert lag.seconds(11.0) == pytest.approx(0.25)
    assert lag.seconds(16.0) == 0.0


def test_a_lost_request_does_not_count_once_later_ones_are_answered() -> None:
    lag = ReplyLag()
    lag.on_sent("lost", 10.0)
    lag.on_sent("b", 11.0)
    lag.on_reply("b", 11.1)
    assert lag.seconds(12.0) == pytest.approx(0.1)
    lag.on_sent("c", 13.0)
    assert lag.seconds(15.0) == pytest.approx(2.0)


def test_the_late_reply_to_an_old_request_tells_a_long_lag() -> None:
    lag = ReplyLag()
    lag.on_sent("a", 10.0)
    lag.on_sent("b", 20.0)
    lag.on_reply("a", 21.0)
    assert lag.seconds(21.5) == pytest.approx(11.0)
    lag.on_reply("b", 21.6)
    assert lag.seconds(21.7) == pytest.approx(1.6)


def test_replies_to_forgotten_and_unknown_requests_tell_nothing() -> None:
    lag = ReplyLag()
    lag.on_sent("a", 0.0)
    lag.forget_before(FORGET_SECONDS)
    lag.on_reply("a", FORGET_SECONDS)
    lag.on_reply("of another instance", FORGET_SECONDS)
    assert lag.seconds(FORGET_SECONDS + 1.0) == pytest.approx(FORGET_SECONDS + 1.0)


def test_one_probe_a_second() -> None:
    lag = ReplyLag()
    assert [lag.is_probe_due(moment) for moment in (0.0, 0.4, 0.9, 1.0, 1.5, 2.1)] == [
        True, False, False, True, False, True,
    ]  # fmt: skip

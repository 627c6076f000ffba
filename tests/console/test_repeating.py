"""A step that fails does not end the thread that takes it."""

from __future__ import annotations

import io
import json
import logging
import sqlite3
from threading import Event

import pytest

from console.api.logs import set_up_logs
from console.repeating import Repeating
from tests.console.api.serving import wait_for


def test_any_error_is_told_and_the_next_step_comes(caplog: pytest.LogCaptureFixture) -> None:
    outcomes: list[Exception | None] = [
        ValueError("not expected"),
        sqlite3.OperationalError("away"),
        None,
        KeyError("x"),
    ]
    taken: list[int] = []

    def step() -> None:
        taken.append(len(taken))
        error = outcomes[taken[-1]] if taken[-1] < len(outcomes) else None
        if error is not None:
            raise error

    repeating = Repeating("a test", step, 0.01, expected=(sqlite3.Error,), pause_after_failure_seconds=0.01)
    with caplog.at_level(logging.WARNING):
        repeating.start()
        wait_for(lambda: len(taken) >= 6)
        assert repeating.stop()
    told = [(one.levelname, one.exc_info is not None) for one in caplog.records]
    assert told == [("ERROR", True), ("WARNING", False), ("ERROR", True)]
    assert caplog.records[1].getMessage() == "a test: tried again in 0.01 s: away"
    count = len(taken)
    assert not Event().wait(0.05)
    assert len(taken) == count


def test_a_step_says_when_the_next_one_is_due() -> None:
    taken: list[int] = []

    def step() -> float:
        taken.append(1)
        return 60.0

    repeating = Repeating("a test", step, 0.01)
    repeating.start()
    wait_for(lambda: len(taken) == 1)
    assert not Event().wait(0.1)
    assert repeating.stop()
    assert taken == [1]
    assert Repeating("never begun", lambda: None, 1.0).stop()


def test_a_pause_may_come_first() -> None:
    taken: list[int] = []
    repeating = Repeating("a test", lambda: taken.append(1), 60.0, begins_with_pause=True)
    repeating.start()
    assert not Event().wait(0.1)
    assert repeating.stop()
    assert taken == []


def test_the_log_of_an_unexpected_error_tells_which_step_but_not_its_message() -> None:
    def step() -> None:
        raise LookupError("U-secret")

    stream = io.StringIO()
    set_up_logs("warning", stream)
    Repeating("the step of a test", step, 1.0).take()

    line = json.loads(stream.getvalue())
    assert line["event"] == "the step of a test failed; tried again in 5 s"
    assert line["error"] == "LookupError"
    assert "secret" not in stream.getvalue()

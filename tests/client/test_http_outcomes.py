"""Odd answers of a real server: the exception, the number of attempts, what was sent in each, and how long it takes."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Thread
from typing import Any

import pytest

from client import (
    ApiError,
    Closed,
    EventRefused,
    FraudDetector,
    FraudDetectorError,
    NotAuthorized,
    OtherContent,
    Prediction,
    RateLimited,
    TimedOut,
    Unavailable,
)
from client.problems import retry_after_seconds
from tests.client.odd_server import OddServer, Reply, Reset, Step, problem

PAYMENT = {"transaction_id": "t1", "user_id": "u1", "timestamp": 1_767_225_600_000, "amount": 12.5}
DECISION = {
    "decision_id": "d1", "transaction_id": "t1", "user_id": "u1", "action": "soft_challenge", "risk_score": 812,
    "probability": 0.8123, "coverage": 0.75, "flags": ["AML"], "tags": ["unusual"], "summary": "A large amount.",
    "reasons": [{"source": "rule", "name": "R1", "text": "A large amount.", "weight": 400.0, "value": 12.5}],
    "model": {"bundle": "b", "probability": 0.7, "xgboost": 1.5, "anomaly": 2.0},
    "rules": {"version": 3, "score": 400, "points": 40, "hits": ["R1"], "map": "calibrated"},
    "repeated": False, "degraded": None, "field_of_a_later_version": 1,
}  # fmt: skip
OK = Reply(body=json.dumps(DECISION).encode())


def detector(server: OddServer, **settings: Any) -> FraudDetector:
    return FraudDetector(server.address, **{"timeout_seconds": 1.5, "deadline_seconds": 10.0, "retries": 2, **settings})


def test_a_decision_is_typed_and_sent_with_the_key() -> None:
    with OddServer(OK) as server, detector(server, api_key="key-1") as fraud:
        prediction = fraud.predict(PAYMENT)
    assert (prediction.action, prediction.is_fraud, prediction.risk_score) == ("soft_challenge", True, 812)
    assert (prediction.flags, prediction.tags, prediction.summary) == (("AML",), ("unusual",), "A large amount.")
    assert prediction.reasons[0].weight == 400.0
    assert prediction.model is not None
    assert prediction.model.anomaly == 2.0
    assert prediction.rules is not None
    assert prediction.rules.hits == ("R1",)
    (asked,) = server.asked
    assert (asked.path, asked.body) == ("/v1/decisions", PAYMENT)
    assert asked.headers["authorization"] == "Bearer key-1"
    assert asked.headers["content-type"] == "application/json"


FINAL = [
    (problem(422, "amount: missing"), EventRefused, "amount: missing"),
    (problem(413, "the body is larger than 65,536 bytes"), EventRefused, "the body is larger than 65,536 bytes"),
    (problem(409, "transaction_id: 't1' was decided"), OtherContent, "transaction_id: 't1' was decided"),
    (problem(401, "this API key is not known"), NotAuthorized, "this API key is not known"),
    (problem(403, "the key has the role viewer"), NotAuthorized, "the key has the role viewer"),
    (problem(500, "the server failed"), ApiError, "the API answered with status 500: the server failed"),
    (Reply(404, b"<html>"), ApiError, "the API answered with status 404: HTTP status 404"),
    (
        Reply(302, b"", {"Location": "http://127.0.0.1:9/"}),
        ApiError,
        "the API answered with status 302: HTTP status 302",
    ),
    (Reply(200, b'{"decision_id": "d1",'), ApiError, "an answer that is not the API's"),
    (Reply(200, b"[" * 100_000), ApiError, "an answer that is not the API's"),
    (Reply(200, b'{"transaction_id": "t1"}'), ApiError, "missing required field `user_id`"),
    (Reply(200, json.dumps(DECISION | {"action": "arrest"}).encode()), ApiError, "Invalid enum value 'arrest'"),
    (Reply(200, b"plain", {"Content-Encoding": "gzip"}), ApiError, "an answer that cannot be read"),
]


@pytest.mark.parametrize(("answer", "kind", "words"), FINAL)
def test_a_final_outcome_is_raised_after_one_attempt(answer: Step, kind: type[Exception], words: str) -> None:
    with OddServer(answer) as server, detector(server) as fraud:
        with pytest.raises(kind) as caught:
            fraud.predict(PAYMENT)
        assert words in str(caught.value)
        assert len(server.asked) == 1


PASSING = [
    problem(503, "starting"), problem(429, "slower"), Reply(502, b"<html>bad gateway"), Reply(504), problem(408, "slow"),
    Reset(), Reply(200, b"{", lost_bytes=50), Reply(delay_seconds=3.0, body=b"{}"),
]  # fmt: skip


@pytest.mark.parametrize("first", PASSING)
def test_what_passes_is_tried_again_with_the_same_content(first: Step) -> None:
    payment = {"user_id": "u1", "amount": 12.5}
    with OddServer(first, OK) as server, detector(server) as fraud:
        assert fraud.predict(payment).risk_score == 812
        before, after = (asked.body for asked in server.asked)
        assert before == after
        assert len(before["transaction_id"]) == 32
        assert abs(before["timestamp"] / 1000 - time.time()) < 60
    assert payment == {"user_id": "u1", "amount": 12.5}


LASTING = [
    (problem(503, "no scorer", Retry_After="0"), Unavailable, "no scorer"),
    (problem(429, "slower", Retry_After="0"), RateLimited, "slower"),
    (Reset(), Unavailable, "no answer ("),
    (Reply(delay_seconds=3.0), TimedOut, "no answer in 3 attempts of 0.2 s within 10 s"),
]


@pytest.mark.parametrize(("answer", "kind", "words"), LASTING)
def test_what_lasts_is_raised_after_the_retries(answer: Step, kind: type[FraudDetectorError], words: str) -> None:
    with OddServer(answer) as server, detector(server, timeout_seconds=0.2 if kind is TimedOut else 1.5) as fraud:
        with pytest.raises(kind) as caught:
            fraud.predict(PAYMENT)
        assert words in str(caught.value)
        assert [asked.body for asked in server.asked] == [PAYMENT] * 3


def test_retry_after_is_waited_for() -> None:
    with (
        OddServer(problem(429, "slower", Retry_After="1"), problem(503, "soon"), OK) as server,
        detector(server) as fraud,
    ):
        assert fraud.predict(PAYMENT).risk_score == 812
        asked_for, doubled = server.waits_seconds()
    assert 1.0 <= asked_for < 2.0
    assert 0.1 <= doubled < 1.1


def test_a_wait_beyond_the_deadline_is_the_callers() -> None:
    with OddServer(problem(503, "later", Retry_After="30")) as server, detector(server) as fraud:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="later") as caught:
            fraud.predict(PAYMENT)
        assert time.monotonic() - started < 1.0
        assert caught.value.retry_after_seconds == 30.0
        assert len(server.asked) == 1


@pytest.mark.parametrize(("deadline_seconds", "attempts"), [(0.2, 1), (0.9, 2)])
def test_no_call_takes_longer_than_its_deadline(deadline_seconds: float, attempts: int) -> None:
    settings = {"timeout_seconds": 0.5, "deadline_seconds": deadline_seconds, "retries": 9}
    with OddServer(Reply(delay_seconds=3)) as server, detector(server, **settings) as fraud:
        started = time.monotonic()
        with pytest.raises(TimedOut):
            fraud.predict(PAYMENT)
        assert deadline_seconds * 0.9 < time.monotonic() - started < deadline_seconds + 0.4
        assert len(server.asked) == attempts


def batch(*results: dict[str, Any]) -> Reply:
    body = {"results": results, "failed": sum("problem" in result for result in results)}
    return Reply(body=json.dumps(body).encode())


def decided(transaction_id: str) -> dict[str, Any]:
    return {"status": 200, "decision": DECISION | {"transaction_id": transaction_id}}


def not_decided(status: int, detail: str) -> dict[str, Any]:
    return {"status": status, "problem": json.loads(problem(status, detail).body)}


MANY = [PAYMENT | {"transaction_id": f"t{number}"} for number in range(5)]


def test_many_are_sent_in_batches_and_those_that_wait_again() -> None:
    script = [
        batch(decided("t0"), not_decided(503, "wait"), not_decided(422, "amount: missing")),
        batch(decided("t1")),
        problem(503, "restarting"),
        batch(not_decided(409, "t3 was decided"), decided("t4")),
    ]
    with OddServer(*script) as server, detector(server) as fraud:
        outcomes = list(fraud.predict_many(MANY, batch_size=3))
        sent = [[event["transaction_id"] for event in asked.body] for asked in server.asked]
        assert {asked.path for asked in server.asked} == {"/v1/decisions:batch"}
    assert sent == [["t0", "t1", "t2"], ["t1"], ["t3", "t4"], ["t3", "t4"]]
    assert [getattr(outcome, "transaction_id", str(outcome)) for outcome in outcomes] == [
        "t0", "t1", "amount: missing", "t3 was decided", "t4",
    ]  # fmt: skip
    assert [type(outcome) for outcome in outcomes[2:4]] == [EventRefused, OtherContent]


def test_what_still_waits_after_the_retries_is_in_its_place() -> None:
    with OddServer(batch(decided("t0"), not_decided(503, "wait")), batch(not_decided(503, "wait"))) as server:
        with detector(server) as fraud:
            first, second = fraud.predict_many(MANY[:2])
        assert len(server.asked) == 3
    assert isinstance(first, Prediction)
    assert isinstance(second, Unavailable)
    assert str(second) == "wait"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (problem(503, "away", Retry_After="0"), Unavailable),
        (problem(401, "no key"), NotAuthorized),
        (batch(), ApiError),
    ],
)
def test_a_batch_without_outcomes_raises(answer: Step, kind: type[Exception]) -> None:
    with OddServer(answer) as server, detector(server) as fraud, pytest.raises(kind):
        list(fraud.predict_many(MANY))


def test_nobody_listens() -> None:
    with OddServer(OK) as server:
        pass
    with (
        detector(server, retries=1) as fraud,
        pytest.raises(Unavailable, match="start the API there, or give its address"),
    ):
        fraud.predict(PAYMENT)


def test_connections_are_used_again() -> None:
    with OddServer(OK) as server, detector(server) as fraud:
        for _ in range(20):
            fraud.predict(PAYMENT)
        assert len({asked.port for asked in server.asked}) == 1


def test_events_are_delivered() -> None:
    login = {"type": "login", "user_id": "u1", "success": False}
    with OddServer(problem(503, "starting"), Reply(202, b'{"event_id": "e1"}')) as server, detector(server) as fraud:
        assert fraud.send_event(login) == "e1"
        first, second = server.asked
        assert (first.path, first.body) == ("/v1/events", second.body)
        assert first.body == login | {"event_id": first.body["event_id"], "timestamp": first.body["timestamp"]}
        with pytest.raises(EventRefused, match="type: give login, account_change or label"):
            fraud.send_event({"user_id": "u1"})


def test_calls_after_and_during_close_raise_closed() -> None:
    outcomes: list[Prediction | FraudDetectorError] = []

    def call() -> None:
        try:
            outcomes.append(fraud.predict(PAYMENT))
        except FraudDetectorError as error:
            outcomes.append(error)

    with OddServer(Reply(delay_seconds=5)) as server:
        fraud = detector(server, timeout_seconds=4)
        caller = Thread(target=call)
        caller.start()
        while not server.asked:
            time.sleep(0.01)
        fraud.close()
        caller.join(1)
        fraud.close()
        assert [type(outcome) for outcome in outcomes] == [Closed]
        with pytest.raises(Closed, match="make a new one"):
            fraud.predict(PAYMENT)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "give either the address of the API or embedded=path"),
        ({"address": "http://h", "embedded": "x"}, "give either the address of the API or embedded=path"),
        ({"address": "127.0.0.1:8717"}, "give it as http://host:port"),
        ({"address": "http://h", "api_key": "a\nb"}, "api_key: not a key"),
        ({"address": "http://h", "timeout_seconds": 0}, "must be above 0"),
        ({"address": "http://h", "retries": -1}, "retries must be 0 or more"),
    ],
)  # fmt: skip
def test_arguments_that_never_work_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FraudDetector(**arguments)


def test_retry_after_is_a_number_or_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert retry_after_seconds({"retry-after": "7"}) == 7.0
    assert 97 < (retry_after_seconds({"retry-after": date}) or 0) <= 100
    assert retry_after_seconds({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}) == 0.0
    assert [retry_after_seconds({"retry-after": text}) for text in ("", "soon", "-1", "1e9")] == [None] * 4
    assert retry_after_seconds({}) is None

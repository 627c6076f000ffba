"""SNS client of the publisher: accepted, permanently rejected and retried messages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from msgspec.structs import replace

from tests.aws.alert_queue import AlertQueue
from tests.servers.black_hole import black_hole
from tests.servers.moto_server import MotoServer
from udfs.alerts.message import Attribute, Message, message_of
from udfs.alerts.settings import SnsSettings
from udfs.alerts.sns import MAX_BYTES, SnsTopic
from udfs.alerts.topic import BatchRefused, TopicUnavailable


def message(number: int, user: str = "U1", text: str = "") -> Message:
    fields = f'"alert_id":"A{number}","user_id":"{user}","action":"hard_block","risk_score":950,"flags":["AML"]'
    return message_of(f'{{"type":"alert",{fields},"reasons":["{text}"]}}'.encode())


def topic(moto: MotoServer, arn: str) -> SnsTopic:
    return SnsTopic(SnsSettings(topic_arn=arn, endpoint=moto.endpoint, timeout_ms=10_000))


def test_only_too_large_messages_of_a_batch_are_rejected(moto: MotoServer, queue: AlertQueue) -> None:
    answers = topic(moto, queue.topic_arn).publish([message(1), message(2, text="x" * MAX_BYTES), message(3)])
    assert [answer.outcome for answer in answers] == ["accepted", "refused", "accepted"]
    assert "InvalidParameter" in answers[1].reason
    assert [received.body for received in queue.take_all()] == [message(1).body, message(3).body]


def test_an_invalid_attribute_rejects_the_whole_batch(moto: MotoServer, queue: AlertQueue) -> None:
    bad = replace(message(1), attributes=(Attribute("risk_score", "Number", "many"),))
    with pytest.raises(BatchRefused, match="InvalidParameter"):
        topic(moto, queue.topic_arn).publish([message(2), replace(bad, attributes=(Attribute("x", "Text", "y"),))])  # type: ignore[arg-type]
    assert queue.take_all() == []


def test_a_fifo_topic_deduplicates_alerts(moto: MotoServer) -> None:
    queue = AlertQueue(moto, fifo=True)
    fifo = topic(moto, queue.topic_arn)
    assert fifo.in_order
    for _ in range(2):
        assert {answer.outcome for answer in fifo.publish([message(1), message(2, "U2")])} == {"accepted"}
    assert sorted(received.body for received in queue.take_all()) == [message(1).body, message(2, "U2").body]


def test_a_missing_topic_is_retried(moto: MotoServer) -> None:
    with pytest.raises(TopicUnavailable, match="NotFound: Topic does not exist"):
        topic(moto, "arn:aws:sns:us-east-1:123456789012:none").publish([message(1)])


def test_an_unresponsive_topic_costs_one_timeout() -> None:
    with black_hole() as port:
        silent = SnsTopic(
            SnsSettings(
                topic_arn="arn:aws:sns:us-east-1:123456789012:a", endpoint=f"http://127.0.0.1:{port}", timeout_ms=300
            )
        )
        start = time.monotonic()
        with pytest.raises(TopicUnavailable, match="Read timeout"):
            silent.publish([message(1)])
        assert time.monotonic() - start < 2


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """A server that speaks SNS' protocol and always says the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """The test's output is the test's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def error(code: str) -> str:
    return f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>"


@pytest.mark.parametrize("code", ["Throttled", "AuthorizationError", "InternalError", "KMSThrottling", "ExpiredToken"])
def test_throttling_missing_permissions_and_aws_faults_are_retried(code: str) -> None:
    with answering(400, error(code)) as endpoint:
        one = SnsTopic(SnsSettings(topic_arn="arn:aws:sns:us-east-1:123456789012:a", endpoint=endpoint))
        with pytest.raises(TopicUnavailable, match=code):
            one.publish([message(1)])


def test_a_message_that_sns_failed_to_process_is_retried() -> None:
    body = (
        "<PublishBatchResponse><PublishBatchResult><Successful><member><Id>0</Id><MessageId>m</MessageId></member>"
        "</Successful><Failed><member><Id>1</Id><Code>InternalFailure</Code><SenderFault>false</SenderFault></member>"
        "<member><Id>2</Id><Code>Throttled</Code><SenderFault>true</SenderFault></member></Failed>"
        "</PublishBatchResult></PublishBatchResponse>"
    )
    with answering(200, body) as endpoint:
        one = SnsTopic(SnsSettings(topic_arn="arn:aws:sns:us-east-1:123456789012:a", endpoint=endpoint))
        answers = one.publish([message(number) for number in range(4)])
    assert [answer.outcome for answer in answers] == ["accepted", "retry", "retry", "retry"]
    assert answers[3].reason == "SNS returned no result for the message"

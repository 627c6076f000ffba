"""AlertPublisher with a scripted topic: batches, retries, backoff and refused alerts."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from udfs.alerts.message import Attribute, Message, message_of, score_band
from udfs.alerts.publisher import AlertPublisher
from udfs.alerts.settings import PublishSettings
from udfs.alerts.topic import BatchRefused, PublishResult, TopicUnavailable

CALL_MS = 30


def alert(number: int, user: int = 0, text: str = "") -> bytes:
    fields = {
        "type": "alert",
        "alert_id": f"A{number}",
        "user_id": f"U{user}",
        "action": "hard_block",
        "risk_score": 950,
    }
    return json.dumps(fields | {"flags": ["AML"], "reasons": [text], "user_country": "DE"}).encode()


class ScriptedTopic:
    """Takes the outcome of each call from a script: "down", or one letter per message (a, r or f)."""

    max_messages = 10
    max_bytes = 4_000

    def __init__(
        self, script: Sequence[str] = (), in_order: bool = False, poison: frozenset[str] = frozenset()
    ) -> None:
        self.in_order = in_order
        self.now_ms = 1_000
        self.calls: list[list[str]] = []
        self.accepted: list[Message] = []
        self._script = list(script)
        self._poison = poison

    def publish(self, messages: Sequence[Message]) -> list[PublishResult]:
        self.now_ms += CALL_MS
        self.calls.append([message.alert_id for message in messages])
        assert 0 < len(messages) <= self.max_messages
        assert sum(message.bytes for message in messages) <= self.max_bytes
        step = self._script.pop(0) if self._script else "a" * len(messages)
        if step == "down":
            raise TopicUnavailable("no response")
        if self._poison & {message.alert_id for message in messages}:
            raise BatchRefused("InvalidParameter: bad attribute")
        outcomes = {
            "a": PublishResult("accepted"),
            "r": PublishResult("refused", "InvalidParameter"),
            "f": PublishResult("retry", "Internal"),
        }
        results = [outcomes[letter] for letter, _ in zip(step.ljust(len(messages), "a"), messages, strict=False)]
        self.accepted += [
            message for message, result in zip(messages, results, strict=True) if result.outcome == "accepted"
        ]
        return results


def publisher(topic: ScriptedTopic, **changed: int) -> AlertPublisher:
    return AlertPublisher(topic, PublishSettings(**changed), lambda: topic.now_ms, lambda: 1.0)


def test_alerts_are_sent_in_batches_of_ten() -> None:
    topic = ScriptedTopic()
    one = publisher(topic)

    flushed = one.flush([alert(number, text="x" * 20) for number in range(25)])

    assert flushed.waiting == []
    assert [len(call) for call in topic.calls] == [10, 10, 5]
    assert [message.alert_id for message in topic.accepted] == [f"A{number}" for number in range(25)]
    assert one.counters.published == 25
    assert one.pause_ms() == 0


def test_a_call_never_exceeds_the_topics_limits() -> None:
    topic = ScriptedTopic()
    assert publisher(topic).flush([alert(number, text="x" * 1_400) for number in range(6)]).waiting == []
    assert [len(call) for call in topic.calls] == [2, 2, 2]


def test_accepted_alerts_leave_and_the_rest_keeps_its_order() -> None:
    topic = ScriptedTopic(["afrfa"])
    one = publisher(topic)
    alerts = [alert(number) for number in range(5)]

    flushed = one.flush(alerts)

    assert flushed.waiting == [alerts[1], alerts[3]]
    assert [(refused.alert, refused.reason) for refused in flushed.refused] == [(alerts[2], "InvalidParameter")]
    assert (one.counters.published, one.counters.refused, one.counters.retried, one.counters.failures) == (2, 1, 2, 1)
    assert one.last_failure == "Internal"


def test_pauses_double_up_to_the_limit_and_reset_on_success() -> None:
    topic = ScriptedTopic(["down"] * 6)
    one = publisher(topic)
    waiting, pauses = [alert(1)], []
    for _ in range(6):
        waiting = one.flush(waiting).waiting
        pauses.append(one.pause_ms())
        topic.now_ms += one.pause_ms()
    assert pauses == [400, 800, 1_600, 3_200, 5_000, 5_000]
    assert one.last_failure == "no response"
    assert one.flush(waiting).waiting == []
    waiting = [alert(2)]
    topic._script = ["down"]
    assert one.flush(waiting).waiting == waiting
    assert one.pause_ms() == 400


def test_jitter_keeps_a_pause_between_half_and_full_length() -> None:
    topic = ScriptedTopic(["down"])
    one = AlertPublisher(topic, PublishSettings(), lambda: topic.now_ms, lambda: 0.0)
    one.flush([alert(1)])
    assert one.pause_ms() == 200


def test_only_the_invalid_alert_of_a_refused_batch_is_lost() -> None:
    topic = ScriptedTopic(poison=frozenset({"A2"}))
    alerts = [alert(number) for number in range(4)]

    flushed = publisher(topic).flush(alerts)

    assert flushed.waiting == []
    assert [refused.alert for refused in flushed.refused] == [alerts[2]]
    assert topic.calls == [["A0", "A1", "A2", "A3"], ["A0"], ["A1"], ["A2"], ["A3"]]
    assert [message.alert_id for message in topic.accepted] == ["A0", "A1", "A3"]


def test_an_outage_while_sending_one_by_one_keeps_the_rest() -> None:
    topic = ScriptedTopic(["", "a", "down"], poison=frozenset({"A2"}))
    alerts = [alert(number) for number in range(4)]
    flushed = publisher(topic).flush(alerts)
    assert flushed.waiting == alerts[1:]
    assert flushed.refused == []


def test_oversized_and_invalid_alerts_are_refused_without_a_call() -> None:
    topic = ScriptedTopic()
    large = alert(1, text="é" * 2_000)
    flushed = publisher(topic).flush([large, b"not JSON", b'{"user_id":"U1"}'])
    assert [refused.alert for refused in flushed.refused] == [large, b"not JSON", b'{"user_id":"U1"}']
    assert "the topic accepts at most 4000" in flushed.refused[0].reason
    assert "not an alert" in flushed.refused[1].reason
    assert topic.calls == []


def test_a_flush_stops_after_busy_ms() -> None:
    topic = ScriptedTopic()
    one = publisher(topic, busy_ms=100, rest_ms=70)
    flushed = one.flush([alert(number) for number in range(100)])
    assert len(topic.calls) == 4
    assert len(flushed.waiting) == 60
    assert one.pause_ms() == 70
    topic.now_ms += 70
    assert one.flush(flushed.waiting[:40]).waiting == []
    assert one.pause_ms() == 0


def test_message_attributes_for_subscription_filters() -> None:
    message = message_of(alert(7, user=3))
    assert (message.alert_id, message.group) == ("A7", "U3")
    assert message.attributes == (
        Attribute("action", "String", "hard_block"),
        Attribute("score_band", "String", "900"),
        Attribute("risk_score", "Number", "950"),
        Attribute("flags", "String.Array", '["AML"]'),
        Attribute("user_country", "String", "DE"),
    )
    bare = b'{"type":"alert","alert_id":"A","user_id":"U","action":"allow","risk_score":0,"flags":[],"reasons":[]}'
    assert [attribute.name for attribute in message_of(bare).attributes] == ["action", "score_band", "risk_score"]


@pytest.mark.parametrize(
    ("score", "band"), [(0, "0"), (99, "0"), (100, "100"), (899, "800"), (900, "900"), (1000, "900")]
)
def test_score_bands_have_a_width_of_100(score: int, band: str) -> None:
    assert score_band(score) == band


steps = some.one_of(some.just("down"), some.text("arf", max_size=10))


@settings(max_examples=200, deadline=None)
@given(
    users=some.lists(some.integers(0, 3), max_size=40),
    script=some.lists(steps, max_size=30),
    in_order=some.booleans(),
    poison=some.frozensets(some.integers(0, 40).map("A{}".format), max_size=3),
)
def test_no_alert_is_lost_and_in_order_topics_keep_a_users_order(
    users: list[int], script: list[str], in_order: bool, poison: frozenset[str]
) -> None:
    topic = ScriptedTopic(script, in_order, poison)
    one = publisher(topic)
    alerts = [alert(number, user) for number, user in enumerate(users)]
    waiting, refused = list(alerts), []
    for _ in range(80):
        flushed = one.flush(waiting)
        waiting, refused = flushed.waiting, refused + [each.alert for each in flushed.refused]
        assert waiting == [each for each in alerts if each in waiting]
        accepted = [message.body.encode() for message in topic.accepted]
        assert sorted([*accepted, *refused, *waiting]) == sorted(alerts)  # each in one place, none twice
        topic.now_ms += one.pause_ms()
    assert waiting == []
    assert one.counters.published == len(topic.accepted)
    assert one.counters.refused == len(refused)
    if in_order:
        for user in set(users):
            ids = [int(message.alert_id[1:]) for message in topic.accepted if message.group == f"U{user}"]
            assert ids == sorted(ids)

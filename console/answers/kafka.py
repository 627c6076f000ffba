"""Answers by the job: an event to its topic, its reply from the topic of replies.

Each instance reads the one partition that its reply key leads to, and takes the replies that repeat one of its request
ids. It belongs to no consumer group: instances need not know of each other.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections.abc import Callable, Mapping
from threading import Event as Flag
from threading import Lock
from typing import Any

import msgspec

from console.answers.broker_state import BrokerState, within_delivery_time
from console.answers.payloads import id_of, other_content, other_event_of, transaction_of
from console.answers.port import Answer, EventRefused, Unavailable
from console.answers.reply_lag import FORGET_SECONDS, ReplyLag
from console.answers.reply_partition import CLIENT_LOG, PRODUCER, NoReplyTopic, place_of
from console.repeating import Repeating
from udfs.records.events import Event, Transaction
from udfs.records.outputs import Decision, Duplicate
from udfs.records.reply_headers import REPLY_TO, REQUEST_ID

CONSUMER: dict[str, Any] = {
    "group.id": "fraud-console-replies",  # required by the client; no offset is ever committed
    "enable.auto.commit": False,
    "fetch.wait.max.ms": 100,
    "fetch.error.backoff.ms": 50,
}
MOST_WAITING = 10_000
LOOK_FOR_PARTITIONS_SECONDS = 5.0
METADATA_SECONDS = 5.0
AFTER_FAILURE_SECONDS = 0.5

_log = logging.getLogger(__name__)


class Refused(msgspec.Struct, frozen=True, tag_field="type", tag="refused"):
    """The reply to a record that became a dead letter."""

    reason: str


_decode_reply = msgspec.json.Decoder(Decision | Duplicate | Refused).decode


class KafkaAnswers:
    """Answers of a running job; see the port for the obligations of its methods."""

    def __init__(
        self,
        events_topic: str,
        replies_topic: str,
        events_client: Mapping[str, Any],
        replies_client: Mapping[str, Any],
        deadline_seconds: float,
        now: Callable[[], float],
    ) -> None:
        """`events_client`, `replies_client`: librdkafka's settings of the connections. `deadline_seconds`: with a longer lag
        requests are refused at once. `now`: monotonic seconds.

        Blocks until its partition of replies is assigned. Raises NoReplyTopic.
        """
        from confluent_kafka import Consumer, Producer, TopicPartition

        self._events_topic = events_topic
        self._replies_topic = replies_topic
        self._replies_client = dict(replies_client)
        self._deadline_seconds = deadline_seconds
        self._now = now
        self._reply_key = secrets.token_hex(8).encode()
        self._waiting: dict[bytes, asyncio.Future[Any]] = {}
        self._lag = ReplyLag()
        self._lock = Lock()
        self._stop = Flag()
        self._broker_error: str | None = None
        self._brokers = BrokerState(now)
        self._producer: Any = Producer(dict(events_client) | PRODUCER | {"error_cb": self._on_error}, logger=CLIENT_LOG)
        place = place_of(self._reply_key, replies_topic, replies_client)
        self._consumer: Any = Consumer(dict(replies_client) | CONSUMER, logger=CLIENT_LOG)
        self._consumer.incremental_assign([TopicPartition(replies_topic, place.partition, place.offset)])
        self._read_partitions = {place.partition}
        self._partition_count = self._count_partitions()
        self._looked_for_partitions = now()
        self._threads = [
            Repeating(name, step, 0.0, pause_after_failure_seconds=AFTER_FAILURE_SECONDS)
            for name, step in (
                ("the reading of replies", self._read_reply),
                ("the reports of deliveries", self._report_deliveries),
            )
        ]
        for thread in self._threads:
            thread.start()

    async def decide(self, payload: bytes) -> Answer:
        event = transaction_of(payload)
        self._require_short_lag()
        reply = await self._ask(event, payload)
        return _answer_of(event, reply)

    async def accept(self, payload: bytes) -> str:
        event = other_event_of(payload)
        refusal = self._brokers.refusal()
        if refusal is not None:
            raise Unavailable(f"Kafka cannot be reached: {refusal}", retry_after_seconds=2)
        delivered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._produce(event, payload, None, delivered)
        await within_delivery_time(delivered)
        return id_of(event)

    def is_ready(self) -> bool:
        return not self._stop.is_set() and self.lag_seconds() <= self._deadline_seconds

    def lag_seconds(self) -> float:
        """Measured delay of the job's replies."""
        with self._lock:
            return self._lag.seconds(self._now())

    async def close(self) -> None:
        self._stop.set()
        await asyncio.to_thread(self._producer.flush, 10.0)
        for thread in self._threads:
            await asyncio.to_thread(thread.stop)
        self._consumer.close()
        self._producer = None  # the client goes on connecting as long as it is referred to

    def _require_short_lag(self) -> None:
        with self._lock:
            now = self._now()
            lag_seconds = self._lag.seconds(now)
            if lag_seconds <= self._deadline_seconds or self._lag.is_probe_due(now):
                return
        raise Unavailable(
            f"the job's decisions are {lag_seconds:.1f} s behind: {self._broker_error or 'it is down, or has a backlog'}",
            retry_after_seconds=min(60, max(1, math.ceil(lag_seconds))),
        )

    async def _ask(self, event: Transaction, payload: bytes) -> Decision | Duplicate | Refused:
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable(f"{MOST_WAITING:,} requests wait for the job", retry_after_seconds=1)
        request_id = secrets.token_hex(8).encode()
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = reply
        try:
            self._produce(event, payload, request_id, reply)
            answered: Decision | Duplicate | Refused = await reply
            return answered
        finally:
            del self._waiting[request_id]

    def _produce(self, event: Event, payload: bytes, request_id: bytes | None, failed: asyncio.Future[Any]) -> None:
        """Send an event. `failed` gets the error if the brokers do not take it; without a request id also the success."""
        if self._stop.is_set():
            raise Unavailable("the console is stopping", retry_after_seconds=5)
        loop = asyncio.get_running_loop()
        headers = [] if request_id is None else [(REPLY_TO, self._reply_key), (REQUEST_ID, request_id)]

        def on_delivery(error: Any, _: Any) -> None:
            if error is not None:
                unavailable = Unavailable(f"Kafka did not take the event: {error.str()}", retry_after_seconds=2)
                loop.call_soon_threadsafe(_fail, failed, unavailable)
                return
            self._brokers.on_taken()
            if request_id is None:
                loop.call_soon_threadsafe(_resolve, failed, None)

        if request_id is not None:
            with self._lock:
                self._lag.on_sent(request_id, self._now())
        try:
            self._producer.produce(
                self._events_topic, payload, key=event.user_id.encode(), headers=headers, on_delivery=on_delivery
            )
        except BufferError:
            raise Unavailable("Kafka does not take events fast enough", retry_after_seconds=1) from None

    def _report_deliveries(self) -> None:
        self._producer.poll(0.2)

    def _read_reply(self) -> None:
        """Take the next reply, if one comes soon."""
        record = self._consumer.poll(0.2)
        if record is None:
            with self._lock:
                self._lag.forget_before(self._now() - FORGET_SECONDS)
            self._look_for_partitions()
            return
        if record.error() is not None:
            self._on_error(record.error())
            return
        self._broker_error = None
        self._brokers.on_taken()
        request_id = dict(record.headers() or ()).get(REQUEST_ID)
        if request_id is not None:
            with self._lock:
                self._lag.on_reply(request_id)
            self._deliver(request_id, record.value())

    def _look_for_partitions(self) -> None:
        """Partitions that were added to the topic lead the reply key to another one: read that, too, as the job takes it
        at a moment of its own."""
        from confluent_kafka import TopicPartition

        now = self._now()
        if (
            self.lag_seconds() <= self._deadline_seconds
            or now - self._looked_for_partitions < LOOK_FOR_PARTITIONS_SECONDS
        ):
            return
        self._looked_for_partitions = now
        count = self._count_partitions()
        if count is None or count == self._partition_count:
            return
        try:
            place = place_of(self._reply_key, self._replies_topic, self._replies_client)
        except NoReplyTopic as error:
            _log.warning("%s", error)
            return
        self._partition_count = count
        if place.partition not in self._read_partitions:
            self._read_partitions.add(place.partition)
            self._consumer.incremental_assign([TopicPartition(self._replies_topic, place.partition, place.offset)])
            _log.warning("topic %s has %d partitions now: replies are read from %d, too", self._replies_topic, count,
                         place.partition)  # fmt: skip

    def _count_partitions(self) -> int | None:
        """None if the brokers do not tell."""
        from confluent_kafka import KafkaException

        try:
            told = self._consumer.list_topics(self._replies_topic, timeout=METADATA_SECONDS)
        except KafkaException:
            return None
        return len(told.topics[self._replies_topic].partitions)

    def _deliver(self, request_id: bytes, value: bytes) -> None:
        reply = self._waiting.get(request_id)  # None: another instance's, or nobody waits any more
        if reply is None:
            return
        try:
            answered = _decode_reply(value)
        except msgspec.MsgspecError as error:
            unavailable = Unavailable(f"the job's reply cannot be read ({error}): update the API", 5)
            reply.get_loop().call_soon_threadsafe(_fail, reply, unavailable)
            return
        reply.get_loop().call_soon_threadsafe(_resolve, reply, answered)

    def _on_error(self, error: Any) -> None:
        self._broker_error = str(error.str())
        self._brokers.on_error(error)
        _log.warning("Kafka: %s", self._broker_error)


def _answer_of(event: Transaction, reply: Decision | Duplicate | Refused) -> Answer:
    if isinstance(reply, Refused):
        raise EventRefused(reply.reason)
    if isinstance(reply, Decision):
        return Answer(
            user_id=event.user_id, transaction_id=event.transaction_id, action=reply.action,
            risk_score=reply.risk_score, decision=reply,
        )  # fmt: skip
    if reply.differs:
        raise other_content(event)
    if reply.first_action is None:
        raise EventRefused(
            f"transaction_id: {event.transaction_id!r} came before, and its decision is not known any more"
        )
    return Answer(
        user_id=event.user_id, transaction_id=event.transaction_id, action=reply.first_action,
        risk_score=reply.first_risk_score, repeated=True,
    )  # fmt: skip


def _resolve(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)

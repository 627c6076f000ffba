"""Sends events to a job that gives no replies: to its topic of events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

from console.answers.broker_state import BrokerState, within_delivery_time
from console.answers.payloads import id_of, other_event_of
from console.answers.port import Unavailable
from console.answers.reply_partition import CLIENT_LOG, PRODUCER
from console.repeating import Repeating

FLUSH_SECONDS = 10.0


class KafkaEvents:
    """A producer of one topic. `accept` may be called from any event loop."""

    def __init__(self, topic: str, client: Mapping[str, Any]) -> None:
        """`client`: librdkafka's settings of the connection."""
        from confluent_kafka import Producer

        self._topic = topic
        self._brokers = BrokerState(monotonic)
        settings = dict(client) | PRODUCER | {"error_cb": self._brokers.on_error}
        self._producer: Any = Producer(settings, logger=CLIENT_LOG)
        self._reports = Repeating("the reports of deliveries", self._report_deliveries, 0.0)
        self._reports.start()

    async def accept(self, payload: bytes) -> str:
        """Send a login, an account change or a label; returns its id once the brokers have it.

        Raises EventRefused and Unavailable.
        """
        event = other_event_of(payload)
        refusal = self._brokers.refusal()
        if refusal is not None:
            raise Unavailable(f"Kafka cannot be reached: {refusal}", retry_after_seconds=2)
        loop = asyncio.get_running_loop()
        delivered: asyncio.Future[str] = loop.create_future()

        def on_delivery(error: Any, _: Any) -> None:
            if error is None:
                self._brokers.on_taken()
            with suppress(RuntimeError):  # the sender, told to send it again, has gone with its loop
                loop.call_soon_threadsafe(_settle, delivered, id_of(event), None if error is None else error.str())

        try:
            self._producer.produce(self._topic, payload, key=event.user_id.encode(), on_delivery=on_delivery)
        except BufferError:
            raise Unavailable("Kafka does not take events fast enough", retry_after_seconds=1) from None
        return await within_delivery_time(delivered)

    def close(self) -> None:
        """Blocks until what was accepted is delivered, or some seconds have passed."""
        self._producer.flush(FLUSH_SECONDS)
        self._reports.stop()
        self._producer = None  # the client goes on connecting as long as it is referred to

    def _report_deliveries(self) -> None:
        self._producer.poll(0.2)


def _settle(future: asyncio.Future[str], event_id: str, error: str | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(event_id)
    else:
        future.set_exception(Unavailable(f"Kafka did not take the event: {error}", retry_after_seconds=2))

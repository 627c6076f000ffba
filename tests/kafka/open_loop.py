"""Open-loop producer: sends events at a fixed rate from a thread, independent of the job."""

from __future__ import annotations

import json
import threading
import time

from kafka import KafkaProducer

from tests.kafka.topics import Topics


class OpenLoop:
    """Sends events at so many a second until all are sent; used as a context, it waits for its end there.

    A slow machine gives a long stream: `end_after` ends it before its last line.
    """

    def __init__(self, topics: Topics, lines: list[bytes], rate: int) -> None:
        self._topics = topics
        self._lines = lines
        self._rate = rate
        self._end = len(lines)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.achieved_rate = 0.0
        self.sent = 0
        self.acknowledged = 0

    def end_after(self, count: int) -> None:
        """So many more from now on are enough."""
        self._end = min(self._end, self.sent + count)

    def __enter__(self) -> OpenLoop:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        producer = KafkaProducer(bootstrap_servers=self._topics.servers, linger_ms=5, delivery_timeout_ms=120_000)
        start = time.monotonic()
        futures = []
        for number, line in enumerate(self._lines):
            if number >= self._end:
                break
            ahead = start + number / self._rate - time.monotonic()
            if ahead > 0.002:
                time.sleep(ahead)
            futures.append(producer.send(self._topics.events, line, json.loads(line)["user_id"].encode()))
            self.sent = number + 1
        self.achieved_rate = self.sent / (time.monotonic() - start)
        producer.flush()
        self.acknowledged = sum(future.succeeded() for future in futures)
        producer.close()

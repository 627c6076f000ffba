"""kill -9 of a console under load, again and again: no acknowledged decision is lost, and none is answered differently."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import httpx

from benchmarks.api_load import payment
from tests.console.api.serving import console_process, wait_for

SENDERS = 8
ROUNDS = 3
SECONDS_A_ROUND = 2.0
USERS = 40
Sent = tuple[dict[str, Any], dict[str, Any] | None]


def sender(url: str, name: str, stopping: Event) -> Iterator[Sent]:
    """Sends payments until the server is gone; yields each with its answer, None for one without."""
    random = Random(name)
    with httpx.Client(base_url=url, timeout=10) as client:
        number = 0
        while not stopping.is_set():
            event = payment(random, f"{name}-{number}", USERS)
            number += 1
            try:
                answer = client.post("/v1/decisions", json=event)
            except httpx.TransportError:
                yield event, None
                return
            assert answer.status_code == 200, answer.text
            yield event, answer.json()
            time.sleep(SENDERS / 200)  # 200 payments a second


def sent_by(url: str, name: str, stopping: Event) -> list[Sent]:
    return list(sender(url, name, stopping))


def test_no_acknowledged_decision_is_lost_or_answered_differently(tmp_path: Path) -> None:
    sent: list[Sent] = []
    for number in range(ROUNDS):
        with console_process(tmp_path) as (process, url), ThreadPoolExecutor(SENDERS) as threads:
            stopping = Event()
            running = [threads.submit(sent_by, url, f"K{number}-{name}", stopping) for name in range(SENDERS)]
            time.sleep(SECONDS_A_ROUND)
            process.send_signal(signal.SIGKILL)
            process.wait()
            stopping.set()
            for future in running:
                sent += future.result()
    acknowledged = [(event, answer) for event, answer in sent if answer is not None]
    assert len(acknowledged) > ROUNDS * SECONDS_A_ROUND * 50
    assert any(answer is None for _, answer in sent)
    with console_process(tmp_path) as (_, url), httpx.Client(base_url=url, timeout=30) as client:
        for start in range(0, len(sent), 500):
            part = sent[start : start + 500]
            results = client.post("/v1/decisions:batch", json=[event for event, _ in part]).json()["results"]
            for (_, answer), item in zip(part, results, strict=True):
                assert item["status"] == 200, item
                if answer is not None:
                    assert item["decision"] == {**answer, "repeated": True}
        wait_for(lambda: client.get("/readyz").json()["store_lag_records"] == 0)
        kept = list(all_decisions(client))
        assert len(kept) == len(sent)  # none doubled either
        by_id = {one["decision_id"]: one for one in kept}
        for event, answer in acknowledged:
            assert answer is not None
            one = by_id[answer["decision_id"]]
            assert (one["transaction_id"], one["action"], one["probability"]) == (
                event["transaction_id"], answer["action"], answer["probability"],
            )  # fmt: skip


def all_decisions(client: httpx.Client) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        query = {"limit": "500"} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/decisions", params=query).json()
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return

"""A console with decisions, people, and the control stream of a job that demands approvals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from console.api.key_changes import add_key
from console.control_desk import ControlDesk
from console.job_in_force import JobInForce
from console.store.tables import decisions, events
from console.web.sessions import COOKIE
from jobs.config.loading import parse_config
from jobs.config.value_types import shipped_bundle
from jobs.control.file_channel import FileChannel
from tests.console.api.serving import START_MS, Serving, serving, wait_for
from tests.console.web.conftest import add_people, console_token
from udfs.control.signing import public_key_of

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PAYMENTS, FRAUDS = 240, 12
HOUR_MS = 3_600_000


class Office:
    """What the tests of the pages on rules work with."""

    def __init__(self, running: Serving, channel: FileChannel) -> None:
        self.running = running
        self.channel = channel
        self.store = running.services.store

    def client(self, name: str) -> httpx.Client:
        """A browser without scripts, signed in; changes have the token."""
        client = httpx.Client(
            base_url=self.running.url, cookies={COOKIE: console_token(self.running, name)}, timeout=60
        )
        page = client.get("/privacy").text
        client.headers["X-CSRF-Token"] = page.split('name="csrf-token" content="')[1].split('"')[0]
        return client

    def audited(self) -> list[tuple[str, str, str]]:
        entries = self.store.audit_log(None, 100).items
        return [(one.who, one.what, one.subject) for one in reversed(entries) if one.what.startswith("control")]


@contextmanager
def office(folder: Path, approvals_except: tuple[str, ...] = ()) -> Iterator[Office]:
    """Payments of six users over ten days, some of them labelled frauds."""
    (folder / "control").mkdir()
    (folder / "events.jsonl").write_text("")
    job = parse_config(
        {
            "source": {"kind": "file", "path": str(folder / "events.jsonl")}, "sinks": [{"kind": "discard"}],
            "scoring": {"bundle": shipped_bundle(), "rules": "bank"},
            "control": {
                "kind": "file", "path": str(folder / "control"), "poll_interval_ms": 50, "approvals": "required",
                "approvals_except": list(approvals_except), "trusted_keys": [f"console {public_key_of(KEY)} for-others"],
            },
        }
    )  # fmt: skip
    with serving(folder, require_keys=True, label_delay_ms=50) as running:
        services = running.services
        in_force = JobInForce(job, services.versions(), services.now_ms)
        in_force.start()
        beside_job = {
            "control": ControlDesk(services.store, job, KEY, services.now_ms), "decides_with": in_force.now,
            "look_again": in_force.look,
        }  # fmt: skip
        for name, value in beside_job.items():
            object.__setattr__(services, name, value)
        add_people(running)
        headers = {"X-API-Key": add_key(services.store, "filler", "admin", 1, "a test")}
        _fill(running.client, headers)
        wait_for(lambda: _count(running) == (PAYMENTS, FRAUDS))
        yield Office(running, FileChannel(folder / "control"))
        in_force.stop()


def made_payments() -> list[dict[str, Any]]:
    """Every twentieth is large, of a new device and abroad."""
    random = Random(5)
    payments = []
    for number in range(PAYMENTS):
        payment = {
            "transaction_id": f"P{number}", "user_id": f"U{number % 6}", "timestamp": START_MS + number * HOUR_MS,
            "amount": round(random.choice([20, 40, 60]) * (1 + random.random()), 2), "currency": "EUR",
            "merchant_id": f"M{number % 7}", "channel": "ecommerce", "device_id": f"D{number % 9}", "city": "Lisbon",
            "country": "PT",
        }  # fmt: skip
        if number % 20 == 19:
            payment |= {
                "amount": round(150 * payment["amount"], 2), "device_id": f"N{number}", "merchant_id": f"N{number}",
                "merchant_country": "NG", "city": "Lagos", "country": "NG", "entry_mode": "manual",
            }  # fmt: skip
        payments.append(payment)
    return payments


def _fill(client: httpx.Client, headers: dict[str, str]) -> None:
    payments = made_payments()
    for first in range(0, PAYMENTS, 60):
        answer = client.post("/v1/decisions:batch", json=payments[first : first + 60], headers=headers)
        assert answer.status_code == 200, answer.text
    for number, payment in enumerate([one for one in payments if one["amount"] > 500][:FRAUDS]):
        label = {
            "type": "label", "event_id": f"B{number}", "transaction_id": payment["transaction_id"],
            "user_id": payment["user_id"], "timestamp": payment["timestamp"] + HOUR_MS,
            "known_at": payment["timestamp"] + HOUR_MS, "is_fraud": number % 4 != 3,
        }  # fmt: skip
        answer = client.post(
            "/v1/events", content=json.dumps(label), headers=headers | {"Content-Type": "application/json"}
        )
        assert answer.status_code in (200, 202), answer.text


def _count(running: Serving) -> tuple[int, int]:
    with running.services.store.database.read() as connection:
        rows = connection.execute(select(func.count()).select_from(decisions)).scalar_one()
        labels = connection.execute(
            select(func.count()).select_from(events).where(events.c.event_type == "label")
        ).scalar_one()
    return rows, labels

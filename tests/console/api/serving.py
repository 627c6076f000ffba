"""Real servers of the API: in a thread of this process, or as `fraud console` in a process of its own."""

from __future__ import annotations

import itertools
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import httpx

from console.api.services import Services
from console.oidc.settings import OidcClient
from console.server import ConsoleOptions, EmbeddedOptions, opened, server_of
from console.settings import ApiSettings
from jobs.config.value_types import shipped_bundle
from udfs.scoring.settings import ScorerPaths

PROJECT = Path(__file__).parents[3]
START_MS = 1_767_614_400_000
_numbers = itertools.count()


class Serving(NamedTuple):
    """A running server. `client`: of its URL."""

    url: str
    client: httpx.Client
    services: Services
    folder: Path


@contextmanager
def serving(
    folder: Path,
    with_scorer: bool = True,
    rules: str = "bank",
    store_url: str | None = None,
    listen_port: int = 0,
    oidc: OidcClient | None = None,
    **settings: Any,
) -> Iterator[Serving]:
    """A server over the files of this folder, with the shipped bundle and rules. `store_url`: of another store;
    `listen_port`: 0 is a free one; `oidc`: whom people may sign in with."""
    embedded = EmbeddedOptions(
        paths=ScorerPaths(bundle=shipped_bundle(), rules=rules), log_path=folder / "scorer.sqlite"
    )
    options = ConsoleOptions(
        api=ApiSettings(port=0, **{"deadline_ms": 20_000, **settings}),
        store_url=store_url or f"sqlite:///{folder / 'store.sqlite'}",
        embedded=embedded if with_scorer else None,
        oidc=oidc,
    )
    with opened(options) as services, socket.create_server(("127.0.0.1", listen_port), backlog=512) as listener:
        server = server_of(services)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, timeout=30) as client:
                wait_for(lambda: client.get("/livez").status_code == 200)
                yield Serving(url, client, services, folder)
        finally:
            server.should_exit = True
            thread.join(timeout=30)
    assert not thread.is_alive()


@contextmanager
def console_process(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`fraud console` on a free port, with its files in this folder; yields it with its URL. Killed at the end."""
    command = [
        sys.executable, "-m", "cli.main", "console", "--port", "0", "--store", f"sqlite:///{folder / 'store.sqlite'}",
        "--log", str(folder / "scorer.sqlite"), *options,
    ]  # fmt: skip
    errors = (folder / "console.log").open("a")
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.match(r"console at (http://\S+),", line)
        assert found, (line, (folder / "console.log").read_text())
        yield process, found[1]
    finally:
        process.kill()
        process.wait()
        errors.close()


def payment(**fields: Any) -> dict[str, Any]:
    """A payment with an id of its own."""
    number = next(_numbers)
    return {
        "transaction_id": f"T{number}",
        "user_id": "U1",
        "timestamp": START_MS + number * 60_000,
        "amount": 25.0,
        "currency": "USD",
        "merchant_id": "M1",
        "channel": "ecommerce",
        "device_id": "D1",
        **fields,
    }


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Fails unless the condition holds within this time."""
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def stored(client: httpx.Client, decision_id: str) -> dict[str, Any]:
    """A decision of the store, once it is there."""
    wait_for(lambda: client.get(f"/v1/decisions/{decision_id}").status_code == 200)
    found: dict[str, Any] = client.get(f"/v1/decisions/{decision_id}").json()
    return found

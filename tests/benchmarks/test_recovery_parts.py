"""Parts of the recovery matrix and the soak: the link that is cut, cells, the plan of faults, memory, the table."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from benchmarks.memory import WARM_UP_SECONDS, summarise
from benchmarks.network_link import NetworkLink
from benchmarks.recovery_cells import MOMENTS, all_cells
from benchmarks.recovery_faults import FAULTS
from benchmarks.recovery_page import BEGIN, END, write_matrix
from benchmarks.soak import KILL, KILLS_UNTIL, growth_per_hour, plan

MIB = 1 << 20


@contextmanager
def echoing() -> Iterator[NetworkLink]:
    """A link to a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client = listener.accept()[0]
                except OSError:
                    return
                threading.Thread(target=echo, args=(client,), daemon=True).start()

        def echo(client: socket.socket) -> None:
            while data := client.recv(1_000):
                client.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        link = NetworkLink(port, listener.getsockname()[1])
        yield link
        link.close()
        listener.shutdown(socket.SHUT_RDWR)


def test_a_silent_link_keeps_connections_and_delivers_after_it() -> None:
    with echoing() as link, socket.create_connection(("127.0.0.1", link.port), timeout=5) as client:
        client.sendall(b"one")
        assert client.recv(10) == b"one"
        link.silence()
        client.sendall(b"two")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(10)
        link.restore()
        client.settimeout(5)
        assert client.recv(10) == b"two"


def test_a_refusing_link_closes_old_and_new_connections_until_restored() -> None:
    with echoing() as link, socket.create_connection(("127.0.0.1", link.port), timeout=5) as client:
        client.sendall(b"one")
        assert client.recv(10) == b"one"
        link.refuse()
        assert client.recv(10) == b""
        with socket.create_connection(("127.0.0.1", link.port), timeout=5) as refused:
            assert refused.recv(10) == b""
        link.restore()
        with socket.create_connection(("127.0.0.1", link.port), timeout=5) as again:
            again.sendall(b"two")
            assert again.recv(10) == b"two"


def test_each_fault_has_a_cell_and_each_backend_and_guarantee_meets_the_main_ones() -> None:
    cells = all_cells()
    assert len(set(cells)) == len(cells)
    assert {cell.fault for cell in cells} == set(FAULTS)
    assert {cell.moment for cell in cells} == set(MOMENTS)
    for fault in ("process killed", "TaskManager killed", "broker killed", "disk of checkpoints full"):
        assert {cell.backend for cell in cells if cell.fault == fault} == {"hashmap", "rocksdb"}
        assert {cell.guarantee for cell in cells if cell.fault == fault} == {"at-least-once", "exactly-once"}


def test_the_soaks_faults_come_from_the_seed_and_the_process_lives_long_at_the_end() -> None:
    seconds, every = 1_800.0, 90.0
    planned = plan(seconds, every, Random(1))
    assert planned == plan(seconds, every, Random(1)) != plan(seconds, every, Random(2))
    assert len(planned) == 20
    assert all(number * every < one.at_seconds < (number + 0.5) * every for number, one in enumerate(planned))
    assert all(one.at_seconds < seconds * KILLS_UNTIL for one in planned if one.fault == KILL)


def test_growth_is_the_slope_after_the_warm_up_as_a_share_of_the_mean() -> None:
    warm = [(float(at), 10 * at * MIB) for at in range(WARM_UP_SECONDS)]
    grown = [(float(at), (1_000 + at // 60) * MIB) for at in range(WARM_UP_SECONDS, WARM_UP_SECONDS + 1_200)]
    growth = growth_per_hour(summarise(warm + grown))
    assert growth is not None
    assert growth == pytest.approx(60 / 1_015, rel=0.02)
    assert growth_per_hour(summarise(warm + grown[:100])) is None


def test_the_matrix_replaces_what_is_between_the_pages_markers(tmp_path_factory: pytest.TempPathFactory) -> None:
    page = tmp_path_factory.mktemp("page") / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    machine = {
        "processor": "P", "cores": 2, "python": "3", "flink": "2", "kafka": "4", "empty_loop_nanoseconds": 20.0,
        "memory_copy_gigabytes_per_second": 4.0,
    }  # fmt: skip
    good = {
        "fault": "broker killed", "moment": "steady", "backend": "hashmap", "guarantee": "at-least-once",
        "transactions": 1_000, "missing": 0, "repeated": 1_234, "different_repeats": 0, "different_from_replay": 2,
        "not_ok": 5, "recovery_seconds": 3.14, "alerts_lost": None, "error": None,
    }  # fmt: skip
    failed = {**good, "backend": "rocksdb", "guarantee": "exactly-once", "error": "TimeoutError: no decisions"}
    write_matrix(page, {"machine": machine, "rate": 500, "cells": [good, failed]})
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert "| broker killed | steady | heap, at least once | 0 | 2 | 1,234 | 3.1 | 5 |" in text
    assert "|  |  | RocksDB, exactly once | failed | | | | |" in text

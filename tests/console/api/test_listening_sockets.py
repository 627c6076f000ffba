"""A console listens on loopback only, and on one port: also the process that writes its store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.api.serving import console_process
from tests.jobs.listening_sockets import TABLES, listening_sockets

pytestmark = pytest.mark.skipif(not TABLES[0].exists(), reason="the kernel's tables of sockets are those of Linux")


def test_a_console_listens_on_its_port_of_loopback_alone(tmp_path: Path) -> None:
    with console_process(tmp_path) as (process, url):
        found = listening_sockets([process.pid])
    assert [(one.is_on_loopback, one.port) for one in found] == [(True, int(url.rpartition(":")[2]))]

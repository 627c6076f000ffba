"""Listening TCP sockets of processes, read from /proc (Linux only)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
WORD_BYTES = 4
_LISTEN = "0A"


class ListeningSocket(NamedTuple):
    """`program` is the name of the process's executable, `java` or `python3.11` say."""

    address: IPv4Address | IPv6Address
    port: int
    process_id: int
    program: str

    @property
    def is_on_loopback(self) -> bool:
        """Java's IPv4 sockets are listed in the IPv6 table, as mapped addresses."""
        mapped = self.address.ipv4_mapped if isinstance(self.address, IPv6Address) else None
        return (mapped or self.address).is_loopback


def listening_sockets(process_ids: Iterable[int]) -> list[ListeningSocket]:
    """Those of the processes and all their descendants."""
    by_inode = dict(_listening())
    found = []
    for process_id in _with_descendants(process_ids):
        try:
            program = Path(os.readlink(f"/proc/{process_id}/exe")).name
            inodes = _socket_inodes(process_id)
        except OSError:  # it has ended meanwhile
            continue
        found += [ListeningSocket(*by_inode[inode], process_id, program) for inode in inodes & by_inode.keys()]
    return sorted(found, key=lambda one: (one.program, one.process_id, one.port))


def _listening() -> Iterator[tuple[str, tuple[IPv4Address | IPv6Address, int]]]:
    for table in TABLES:
        for line in table.read_text().splitlines()[1:]:
            _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
            if state == _LISTEN:
                address, port = local.split(":")
                yield inode, (_address(address), int(port, 16))


def _address(words: str) -> IPv4Address | IPv6Address:
    """The kernel prints each four bytes as one number, in the machine's order: little-endian where this runs."""
    raw = bytes.fromhex(words)
    return ip_address(b"".join(raw[at : at + WORD_BYTES][::-1] for at in range(0, len(raw), WORD_BYTES)))


def _with_descendants(process_ids: Iterable[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            children.setdefault(int(after_name[1]), []).append(int(entry.name))
    found: set[int] = set()
    waiting = list(process_ids)
    while waiting:
        process_id = waiting.pop()
        found.add(process_id)
        waiting += children.get(process_id, [])
    return found


def _socket_inodes(process_id: int) -> set[str]:
    inodes = set()
    for descriptor in Path(f"/proc/{process_id}/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except OSError:  # it was closed meanwhile
            continue
        if target.startswith("socket:["):
            inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    return inodes

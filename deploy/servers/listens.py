"""Whether a process, and no other, listens on a port of the loopback address: `python3 listens.py PID PORT`, or `free PORT`.

Exit code 0: yes, 1: no. Without Linux' tables of sockets (/proc/net) a connection to the port has to do for PID.
"""

from __future__ import annotations

import os
import socket
import sys

LISTEN = "0A"
TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


def listening_inodes(port: int) -> set[str]:
    """Inodes of the sockets that listen on the port, at any address."""
    found = set()
    for table in TABLES:
        with open(table) as lines:
            for line in list(lines)[1:]:
                words = line.split()
                if words[3] == LISTEN and int(words[1].rpartition(":")[2], 16) == port:
                    found.add(words[9])
    return found


def inodes_of(pid: int) -> set[str]:
    """Inodes of a process's sockets; none if it has ended."""
    found = set()
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{name}")
            if target.startswith("socket:["):
                found.add(target[len("socket:[") : -1])
    except OSError:
        pass
    return found


def listens(pid: int, port: int) -> bool:
    if os.path.exists(TABLES[0]):
        return bool(listening_inodes(port) & inodes_of(pid))
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port of ended connections is free
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    what, number = sys.argv[1], int(sys.argv[2])
    sys.exit(0 if (is_free(number) if what == "free" else listens(int(what), number)) else 1)

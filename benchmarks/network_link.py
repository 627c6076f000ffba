"""A TCP link to a local server that a benchmark can cut: silently, as a network that drops packets, or by refusing."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

CHUNK = 1 << 16


class NetworkLink:
    """Forwards connections from a port of 127.0.0.1 to a server's port.

    While silent, bytes of both directions wait and are forwarded after `restore`, as TCP does when packets are dropped and
    sent again; connections stay open, and new ones are accepted and get no answer. While refused, all connections are closed
    and new ones are closed at once.
    """

    def __init__(self, port: int, server_port: int) -> None:
        self.port = port
        self._server_port = server_port
        self._is_open = threading.Event()
        self._is_open.set()
        self._is_refused = False
        self._ended = False
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self) -> None:
        """Forward nothing until `restore`; connections stay open."""
        self._is_open.clear()

    def refuse(self) -> None:
        """Close all connections, and each new one, until `restore`."""
        self._is_refused = True
        with self._lock:
            for one in self._sockets:
                _close(one)

    def restore(self) -> None:
        """Forward again."""
        self._is_refused = False
        self._is_open.set()

    def close(self) -> None:
        """End the link with all its connections."""
        self._ended = True
        self.refuse()
        _close(self._listener)
        self._is_open.set()

    def _accept(self) -> None:
        while not self._ended:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._is_open.wait()
        if self._is_refused:
            _close(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._server_port), timeout=5)
        except OSError:
            _close(client)
            return
        server.settimeout(None)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets |= {client, server}
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self._is_open.wait()
                target.sendall(data)
        with self._lock:
            self._sockets -= {source, target}
        _close(source)
        _close(target)


def _close(one: socket.socket) -> None:
    """Closes it for a thread that is blocked in it, too."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()

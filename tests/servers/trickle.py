"""A proxy that passes answers on byte after byte, each well within a client's time-out for one read."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread


@contextmanager
def trickle(port: int, pause_s: float) -> Iterator[int]:
    """Listen on 127.0.0.1 for clients of the server on `port`; the port to connect to."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    client = listener.accept()[0]
                except OSError:
                    return
                server = socket.create_connection(("127.0.0.1", port))
                Thread(target=_pass_on, args=(client, server, 0.0), daemon=True).start()
                Thread(target=_pass_on, args=(server, client, pause_s), daemon=True).start()

        Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])


def _pass_on(source: socket.socket, target: socket.socket, pause_s: float) -> None:
    try:
        while data := source.recv(1 if pause_s else 65_536):
            target.sendall(data)
            time.sleep(pause_s)
    except OSError:
        pass
    finally:
        target.close()

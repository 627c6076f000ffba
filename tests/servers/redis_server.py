"""A real Redis server on a free port, without persistence: killed and started again it is empty."""

from __future__ import annotations

from pathlib import Path

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from tests.servers.processes import ServerProcess, fetched, free_port


class RedisServer(ServerProcess):
    def __init__(self, directory: Path, *options: str, tls: bool = False) -> None:
        self.port = free_port()
        listen = ["--port", "0", "--tls-port", str(self.port)] if tls else ["--port", str(self.port)]
        program = str(fetched("deploy/servers/redis/fetch.py"))
        command = [program, *listen, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *options]
        super().__init__(command, directory, self._log_says_ready if tls else self._pings)
        self._directory = directory

    def client(self) -> Redis:
        """A patient client of its own, for looking at what the code under test has done."""
        return Redis(host="127.0.0.1", port=self.port, socket_timeout=10)

    def _pings(self) -> bool:
        try:
            return bool(self.client().ping())
        except AuthenticationError:
            return True
        except RedisError:
            return False

    def _log_says_ready(self) -> bool:
        return "Ready to accept connections" in (self._directory / "server.log").read_text(errors="replace")

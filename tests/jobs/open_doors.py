"""Attempts of an attacker at a port: submitting code, requesting a Python worker, and calling Java or Python by py4j."""

from __future__ import annotations

import http.client
import io
import json
import socket
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc, endpoints_pb2

T = TypeVar("T")

TIMEOUT_SECONDS = 5
PY4J_SECONDS = 0.5  # it does not close a connection after an answer
_BOUNDARY = "between-two-parts"
_NO_SUCH_SERVICE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNIMPLEMENTED}


def at_each(attempt: Callable[[int], T], ports: Iterable[int]) -> dict[int, T]:
    """Result of an attempt at each port, in parallel, since some servers only time out."""
    tried = list(ports)
    with ThreadPoolExecutor(len(tried)) as pool:
        return dict(zip(tried, pool.map(attempt, tried), strict=True))


def http_status(port: int, method: str, path: str, form: bytes | None = None) -> int | None:
    """Status of the response; None if the port does not use HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    headers = {} if form is None else {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    try:
        connection.request(method, path, form, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def look_at_web_page(port: int) -> int | None:
    """Status of Flink's overview; 200: its REST server is there."""
    return http_status(port, "GET", "/overview")


def upload_jar(port: int) -> int | None:
    """Status of an upload to Flink's web page; 200: it was taken."""
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: Anything\n")
    return http_status(port, "POST", "/jars/upload", _form(_part("jarfile", jar.getvalue(), "anything.jar")))


def submit_job(port: int) -> int | None:
    """Status of what `flink run` sends, with bytes that are no job; 400: Flink has tried to read a job from them."""
    request = {"jobGraphFileName": "job", "jobJarFileNames": [], "jobArtifactFileNames": []}
    parts = _part("request", json.dumps(request).encode()) + _part("file_0", b"no job", "job")
    return http_status(port, "POST", "/jobs", _form(parts))


def is_worker_service(port: int) -> bool:
    """Does PyFlink's worker service take a StartWorker? It is told to serve an address at which nobody is."""
    nobody = endpoints_pb2.ApiServiceDescriptor(url="127.0.0.1:1")
    request = beam_fn_api_pb2.StartWorkerRequest(worker_id="none", provision_endpoint=nobody)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel)
        try:
            stub.StartWorker(request, timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            return error.code() not in _NO_SUCH_SERVICE
    return True


def calls_by_py4j(port: int) -> bool:
    """Does py4j, Java's side or Python's, carry out a call without a token, with a wrong one, or with an empty one?"""
    calls = (b"c\nz:java.lang.System\ngetProperty\nsjava.version\ne\n", b"c\np0\n__str__\ne\n", b"c\nt\ngetClass\ne\n")
    tokens = (b"", b"A\n" + b"0" * 64 + b"\ne\n", b"A\n\ne\n")
    return any(_is_success(_last_answer(port, token + call)) for token in tokens for call in calls)


def _last_answer(port: int, sent: bytes) -> bytes:
    """The last line of what comes back; empty if nothing does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as connection:
            connection.settimeout(PY4J_SECONDS)
            connection.sendall(sent)
            received = b""
            with suppress(TimeoutError):
                while data := connection.recv(4_096):
                    received += data
    except OSError:
        return b""
    return received.rstrip(b"\n").rpartition(b"\n")[2]


def _is_success(answer: bytes) -> bool:
    return answer.removeprefix(b"!").startswith(b"y")


def _part(name: str, content: bytes, file_name: str | None = None) -> bytes:
    file = f'; filename="{file_name}"' if file_name else ""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n'
    return head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"


def _form(parts: bytes) -> bytes:
    return parts + f"--{_BOUNDARY}--\r\n".encode()

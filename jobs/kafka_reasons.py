"""Why brokers cannot be reached, in one line that says what to change.

kafka-python tries again until its time is over and then raises a bare time-out: the causes are in its log alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from jobs.kafka_settings import SASL, TLS, KafkaConnection


class _Collector(logging.Handler):
    def __init__(self, found: list[BaseException]) -> None:
        super().__init__()
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple):
            self._found += [argument for argument in record.args if isinstance(argument, BaseException)]


@contextmanager
def connection_errors() -> Iterator[list[BaseException]]:
    """The errors that kafka-python logs while the block runs."""
    found: list[BaseException] = []
    logger, collector = logging.getLogger("kafka"), _Collector(found)
    propagates = logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield found
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagates


def why_unreachable(errors: Sequence[BaseException], connection: KafkaConnection) -> str:
    """The most telling of the errors, in words. No name or password is in it."""
    text = "\n".join(f"{type(error).__name__} {error}" for error in errors)
    protocol = connection.security_protocol
    where = f"Kafka at {connection.bootstrap_servers}"
    credentials = f"{connection.username_variable} and {connection.password_variable}"
    if "SaslAuthenticationFailed" in text:
        return f"{where} refuses the name or password: check the environment variables {credentials}"
    if "UnsupportedSaslMechanism" in text:
        return f"{where} does not know sasl_mechanism {connection.sasl_mechanism}: give the one that it is set up for"
    if "Hostname mismatch" in text or "IP address mismatch" in text:
        return (
            f"{where} has a certificate of another host name: connect by the name in it, or set verify_hostname: false"
        )
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"{where} has a certificate that is not trusted: name its authority's PEM file in ca_file"
    if "No such file" in text or "[SSL] PEM lib" in text or "NO_CERTIFICATE_OR_CRL_FOUND" in text:
        return f"{where}: ca_file or client_certificate_file is not a PEM file of what it should hold"
    if "CERTIFICATE_REQUIRED" in text or "certificate required" in text:
        return f"{where} wants a client's certificate: name it in client_certificate_file"
    if protocol in TLS and ("[SSL" in text or "Handshake failed" in text):
        return f"{where} does not speak TLS there: check the port and security_protocol ({protocol})"
    if "socket disconnected" in text and protocol in SASL:
        return (
            f"{where} closed the connection at the login: check the environment variables {credentials}, "
            f"sasl_mechanism {connection.sasl_mechanism}, and that its listener is {protocol}"
        )
    if "socket disconnected" in text:
        return f"{where} closed the connection: its listener is probably not {protocol}; set security_protocol"
    if "DNS" in text:
        return f"{where}: the host name is not known; correct bootstrap_servers"
    if "ECONNREFUSED" in text:
        return f"{where}: nobody listens there; start the broker, or correct bootstrap_servers"
    return f"{where} does not answer; start the broker, or correct bootstrap_servers"

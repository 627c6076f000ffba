"""Explains in one line why brokers cannot be reached, with a remedy.

kafka-python retries until its timeout and then raises a bare timeout error; the causes are only in its log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from jobs.config.kafka import SASL, TLS, KafkaConnection


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
    """One-line explanation of the most specific error. It contains neither user name nor password."""
    text = "\n".join(f"{type(error).__name__} {error}" for error in errors)
    protocol = connection.security_protocol
    where = f"Kafka at {connection.bootstrap_servers}"
    credentials = f"{connection.username_variable} and {connection.password_variable}"
    if "SaslAuthenticationFailed" in text:
        return f"{where} rejects the user name or password: check the environment variables {credentials}"
    if "UnsupportedSaslMechanism" in text:
        return (
            f"{where} does not support sasl_mechanism {connection.sasl_mechanism}: give one that it is configured for"
        )
    if "Hostname mismatch" in text or "IP address mismatch" in text:
        return f"{where}: host name does not match the certificate: use the name in it, or set verify_hostname: false"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"{where}: certificate is not trusted: set ca_file to the PEM file of its CA"
    if "No such file" in text or "[SSL] PEM lib" in text or "NO_CERTIFICATE_OR_CRL_FOUND" in text:
        return f"{where}: ca_file or client_certificate_file is not a valid PEM file"
    if "CERTIFICATE_REQUIRED" in text or "certificate required" in text:
        return f"{where} requires a client certificate: set client_certificate_file"
    if protocol in TLS and ("[SSL" in text or "Handshake failed" in text):
        return f"{where} does not use TLS on this port: check the port and security_protocol ({protocol})"
    if "socket disconnected" in text and protocol in SASL:
        return (
            f"{where} closed the connection during authentication: check the environment variables {credentials}, "
            f"sasl_mechanism {connection.sasl_mechanism}, and that the listener is {protocol}"
        )
    if "socket disconnected" in text:
        return f"{where} closed the connection: the listener is probably not {protocol}; set security_protocol"
    if "DNS" in text:
        return f"{where}: unknown host name; correct bootstrap_servers"
    if "ECONNREFUSED" in text:
        return f"{where}: connection refused; start the broker, or correct bootstrap_servers"
    return f"{where}: no response; start the broker, or correct bootstrap_servers"

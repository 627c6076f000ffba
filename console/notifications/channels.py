"""Delivers one message by one channel."""

from __future__ import annotations

import hmac
import smtplib
import ssl
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from hashlib import sha256

import httpx
import msgspec

from console.notifications.digest import Digest, text_of
from console.notifications.settings import Channel, Email, Slack

TIMEOUT_SECONDS = 10.0
SIGNATURE = "X-Fraud-Signature"


class NotDelivered(Exception):
    """The message was not taken; the text says why, without secrets."""


def deliver(channel: Channel, digest: Digest, environment: Mapping[str, str], now_seconds: Callable[[], int]) -> None:
    """Send a message. Blocks at most a few time-outs. Raises NotDelivered."""
    if isinstance(channel, Email):
        _mail(channel, digest, environment)
    elif isinstance(channel, Slack):
        text = text_of(digest).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        _post(environment[channel.url_env], msgspec.json.encode({"text": text}), {})
    else:
        body = msgspec.json.encode(digest)
        signature = signature_of(environment[channel.secret_env], now_seconds(), body)
        _post(channel.url, body, {SIGNATURE: signature, "Idempotency-Key": digest.id})


def signature_of(secret: str, at_seconds: int, body: bytes) -> str:
    """`t=SECONDS,v1=HEX`: HMAC-SHA256 of `SECONDS.BODY`, so that an old message cannot be sent again as a new one."""
    made = hmac.new(secret.encode(), f"{at_seconds}.".encode() + body, sha256).hexdigest()
    return f"t={at_seconds},v1={made}"


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    try:
        answer = httpx.post(
            url, content=body, headers={"Content-Type": "application/json", **headers}, timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
        )  # fmt: skip
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotDelivered(type(error).__name__) from None
    if not answer.is_success:
        raise NotDelivered(f"status {answer.status_code}")


def _mail(channel: Email, digest: Digest, environment: Mapping[str, str]) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = channel.sender, ", ".join(channel.recipients), digest.subject
    message["Message-ID"] = f"<{digest.id}@fraud-console>"
    message.set_content(text_of(digest))
    try:
        with smtplib.SMTP(channel.host, channel.port, timeout=TIMEOUT_SECONDS) as server:
            if channel.tls:
                server.starttls(context=ssl.create_default_context())
            if channel.user is not None and channel.password_env is not None:
                server.login(channel.user, environment[channel.password_env])
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise NotDelivered(type(error).__name__) from None

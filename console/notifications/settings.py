"""Settings of notifications, read from a YAML file. Secrets are named by environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from udfs.records.outputs import Action

Name = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,40}$")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class NotificationError(ValueError):
    """The file cannot be used; the message says what to change."""


class _Channel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    name: Name


class Email(_Channel, tag="email", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By SMTP; with STARTTLS unless `tls` is false. `user` signs in with the password of the variable `password_env`."""

    host: str
    sender: str
    recipients: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    port: Port = 587
    tls: bool = True
    user: str | None = None
    password_env: str | None = None


class Slack(_Channel, tag="slack", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook that takes Slack's `{"text": …}`. Its address is a secret: it is in the variable `url_env`."""

    url_env: str


class Webhook(_Channel, tag="webhook", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """JSON to an address, signed with the secret in the variable `secret_env` (docs/console.md)."""

    url: Annotated[str, msgspec.Meta(pattern="^https?://")]
    secret_env: str


Channel = Email | Slack | Webhook


class NotificationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`actions`: alerts of these are told. `guardrails`: whether it is told that a guardrail put a rule back to shadow.
    `digest_seconds`: alerts that come within it are one message. `most_an_hour`:
    messages of a channel; what comes above waits and is told together. `address`: of this console, for links."""

    channels: Annotated[tuple[Channel, ...], msgspec.Meta(min_length=1)]
    actions: tuple[Action, ...] = ("hard_block",)
    guardrails: bool = True
    digest_seconds: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    most_an_hour: Annotated[int, msgspec.Meta(ge=1)] = 20
    address: Annotated[str, msgspec.Meta(pattern="^https?://")] = "http://127.0.0.1:8717"


def load_settings(path: Path, environment: Mapping[str, str]) -> NotificationSettings:
    """Read and check a file. Raises NotificationError, also for a variable that is not set."""
    try:
        settings = msgspec.convert(yaml.safe_load(path.read_bytes()), NotificationSettings)
    except OSError as error:
        raise NotificationError(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise NotificationError(f"{path}: {' '.join(str(error).split())}") from None
    names = [channel.name for channel in settings.channels]
    if len(set(names)) < len(names):
        raise NotificationError(f"{path}: channels need different names")
    for channel in settings.channels:
        for variable in variables_of(channel):
            if not environment.get(variable):
                raise NotificationError(f"{path}: channel {channel.name}: the variable {variable} is not set")
    return settings


def variables_of(channel: Channel) -> list[str]:
    """The environment variables that a channel's secrets are in."""
    if isinstance(channel, Slack):
        return [channel.url_env]
    if isinstance(channel, Webhook):
        return [channel.secret_env]
    return [] if channel.password_env is None else [channel.password_env]

"""The SNS message of an alert: its JSON as the body, and attributes for subscription filters."""

from __future__ import annotations

from typing import Literal

import msgspec

from udfs.records.outputs import Action, Flag

BAND_WIDTH = 100
HIGHEST_BAND = 900


class _Alert(msgspec.Struct):
    alert_id: str
    user_id: str
    action: Action
    risk_score: int
    flags: list[Flag] = []
    user_country: str | None = None


_decode = msgspec.json.Decoder(_Alert).decode


class Attribute(msgspec.Struct, frozen=True):
    """One message attribute, with an SNS data type."""

    name: str
    type: Literal["String", "Number", "String.Array"]
    value: str


class Message(msgspec.Struct, frozen=True):
    """An alert ready to be sent. `group` is the message group, the user id; `bytes` is the size as counted by SNS."""

    alert_id: str
    group: str
    body: str
    attributes: tuple[Attribute, ...]
    bytes: int


def score_band(risk_score: int) -> str:
    """Lower bound of the band of 100 that contains a score of 0 to 1000; "900" contains 900 to 1000."""
    return str(min(risk_score // BAND_WIDTH * BAND_WIDTH, HIGHEST_BAND))


def message_of(alert: bytes) -> Message:
    """Build the message of an alert's JSON. Raises ValueError for bytes that are not an alert."""
    try:
        known = _decode(alert)
        body = alert.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"not an alert: {error}") from None
    attributes = [
        Attribute("action", "String", known.action),
        Attribute("score_band", "String", score_band(known.risk_score)),
        Attribute("risk_score", "Number", str(known.risk_score)),
    ]
    if known.flags:
        attributes.append(Attribute("flags", "String.Array", msgspec.json.encode(known.flags).decode()))
    if known.user_country:
        attributes.append(Attribute("user_country", "String", known.user_country))
    size = len(alert) + sum(len(f"{one.name}{one.type}{one.value}".encode()) for one in attributes)
    return Message(known.alert_id, known.user_id, body, tuple(attributes), size)

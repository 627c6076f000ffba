"""From a payload to the event that is asked about, with the refusals that both ways of answering share."""

from __future__ import annotations

from console.answers.port import EventRefused, OtherContent
from udfs.records.codec import BadRecord, decode_event
from udfs.records.events import Erasure, Event, Transaction

NO_ERASURE = "type: an erasure needs the role admin; send the user_id to /v1/erasures"


def transaction_of(payload: bytes) -> Transaction:
    """The transaction to be decided. Raises EventRefused."""
    event = _event_of(payload)
    if isinstance(event, Erasure):
        raise EventRefused(NO_ERASURE)
    if not isinstance(event, Transaction):
        raise EventRefused(f"type: {type(event).__struct_config__.tag} is not a transaction; send it to /v1/events")
    return event


def other_event_of(payload: bytes) -> Event:
    """The login, account change or label to be taken. Raises EventRefused."""
    event = _event_of(payload)
    if isinstance(event, Erasure):
        raise EventRefused(NO_ERASURE)
    if isinstance(event, Transaction):
        raise EventRefused("type: a transaction is decided; send it to /v1/decisions")
    return event


def id_of(event: Event) -> str:
    """The event's own id."""
    return event.transaction_id if isinstance(event, Transaction) else event.event_id


def other_content(event: Transaction) -> OtherContent:
    """The outcome of a repeat that says something else than the first."""
    return OtherContent(
        f"transaction_id: {event.transaction_id!r} of user {event.user_id!r} was decided with other content; "
        "send the first payload again, or another id"
    )


def _event_of(payload: bytes) -> Event:
    try:
        return decode_event(payload)
    except BadRecord as bad:
        raise EventRefused(str(bad)) from None

"""Port for publishers of control elements: read the published elements, append a new one."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from udfs.control.authority import Authority
from udfs.control.chain import Chain, Recorded, chain_of
from udfs.control.elements import ControlElement, ControlError
from udfs.control.envelope import Link, Publication, decode_record, linked


class ChannelError(ValueError):
    """The control stream cannot be read or written. The message is one line with the remedy."""


class Published(NamedTuple):
    """One record of the control stream: its location, and the element or the reason why it is invalid; a later approval has
    neither. `payload`: its bytes. `recorded_ms`: when the stream took it, where that is known."""

    location: str
    element: ControlElement | None
    fault: str | None
    payload: bytes = b""
    recorded_ms: int | None = None


class ControlChannel(Protocol):
    """Destination of a job's control elements. Both methods block and raise ChannelError."""

    def read(self) -> list[Published]:
        """All published records, oldest first."""
        ...

    def publish(self, element: ControlElement) -> str:
        """Append a bare element; returns its location. The element is durable when this returns."""
        ...

    def append(self, link: Link) -> str:
        """Append a publication or late approval at the end of the chain; returns its location. It is durable then.

        `number`, `previous` and `hash` of the argument are not looked at. Raises ChannelError, also if another one
        published the same version of the element at the same time.
        """
        ...


def newest(published: list[Published]) -> dict[str, Published]:
    """The effective record of each key: the first one with the highest version, as the job applies them."""
    found: dict[str, Published] = {}
    for record in published:
        if record.element is None:
            continue
        before = found.get(record.element.key)
        if before is None or before.element is None or record.element.version > before.element.version:
            found[record.element.key] = record
    return found


def decoded(
    location: str, payload: bytes, recorded_ms: int | None = None, authority: Authority | None = None
) -> Published:
    """Decode a record; an invalid one keeps the reason in `fault`, and so does one that the authority refuses: its version
    does not count."""
    try:
        record = decode_record(payload)
        if record.element is not None and authority is not None:
            authority.check(record)
        return Published(location, record.element, None, payload, recorded_ms)
    except ControlError as error:
        return Published(location, None, str(error), payload, recorded_ms)


def recorded(published: list[Published]) -> list[Recorded]:
    """The same records as they are in the log."""
    return [Recorded(record.location, record.payload, record.recorded_ms) for record in published]


def next_link(link: Link, published: list[Published]) -> Link:
    """The record as the next one of the chain. Raises ChannelError if its element's version is published already."""
    if isinstance(link, Publication):
        wanted = decode_record(bytes(link.element))
        assert wanted.element is not None
        for record in published:
            element = record.element
            if element is not None and (element.key, element.version) == (wanted.element.key, wanted.element.version):
                raise ChannelError(f"{element.key} version {element.version} was published concurrently: publish again")
    chain: Chain = chain_of(recorded(published))
    return linked(link, chain.length + 1, chain.head)

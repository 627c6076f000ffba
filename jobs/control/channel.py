"""Port for publishers of control elements: read the published elements, append a new one."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from udfs.control.elements import ControlElement, ControlError, decode_control


class ChannelError(ValueError):
    """The control stream cannot be read or written. The message is one line with the remedy."""


class Published(NamedTuple):
    """One record of the control stream: its location, and the element or the reason why it is invalid."""

    location: str
    element: ControlElement | None
    fault: str | None


class ControlChannel(Protocol):
    """Destination of a job's control elements. Both methods block and raise ChannelError."""

    def read(self) -> list[Published]:
        """All published records, oldest first."""
        ...

    def publish(self, element: ControlElement) -> str:
        """Append an element; returns its location. The element is durable when this returns."""
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


def decoded(location: str, payload: bytes) -> Published:
    """Decode a record; an invalid one keeps the reason in `fault`."""
    try:
        return Published(location, decode_control(payload), None)
    except ControlError as error:
        return Published(location, None, str(error))

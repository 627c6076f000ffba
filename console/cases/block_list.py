"""Blocks and unblocks parties of a running job by its control stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jobs.control.channel import ChannelError, ControlChannel, newest
from jobs.control.publishing import proposal_of, publication_of, record_of
from udfs.control.authority import Authority
from udfs.control.elements import (
    BLOCK_LIST,
    BlockListControl,
    ControlError,
    check_texts,
    decode_control,
    encode_control,
)
from udfs.records.profiles import BlockType

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TRIES = 3


class BlockListError(Exception):
    """The block list cannot be read or changed; the message says why."""


class BlockListRefused(BlockListError):
    """The job would refuse the element."""


class BlockList:
    """The block list of one control stream. Methods block."""

    def __init__(
        self,
        channel: ControlChannel,
        authority: Authority,
        private_key: Ed25519PrivateKey | None,
        now_ms: Callable[[], int],
    ) -> None:
        """`authority`: what the job demands of elements. `private_key`: signs in the names of those who block."""
        self._channel = channel
        self._authority = authority
        self._key = private_key
        self._now_ms = now_ms

    def entry(self, kind: BlockType, value: str) -> BlockListControl | None:
        """The newest element of a party, if one was published. Raises BlockListError."""
        try:
            found = newest(self._channel.read()).get(f"{BLOCK_LIST}/{kind}:{value}")
        except ChannelError as error:
            raise BlockListError(str(error)) from None
        element = None if found is None else found.element
        return element if isinstance(element, BlockListControl) else None

    def publish(
        self, kind: BlockType, value: str, is_blocked: bool, who: str, reason_code: str | None, note: str | None,
        expires_ms: int | None,
    ) -> BlockListControl:  # fmt: skip
        """Block or unblock a party; returns the element once it is durable. `expires_ms`: epoch ms of event time.

        Raises BlockListError, also where the job would refuse the element: without a key or an approval that it needs.
        """
        for attempt in range(TRIES):
            try:
                element = BlockListControl(
                    version=self._next_version(), type=kind, value=value, blocked=is_blocked, reason_code=reason_code,
                    source_system="console", expires_at=expires_ms, published_at=self._now_ms(), author=who, note=note,
                )  # fmt: skip
                payload = encode_control(element)
                check_texts(decode_control(payload))
                proposal = proposal_of(payload, who, self._now_ms(), None, False, self._key)
                self._authority.check(record_of(proposal))
                self._channel.append(publication_of(proposal, self._now_ms()))
                return element
            except ControlError as error:
                raise BlockListRefused(str(error)) from None
            except ChannelError as error:  # another publisher may have just used the version
                if attempt == TRIES - 1:
                    raise BlockListError(str(error)) from None
        raise AssertionError

    def _next_version(self) -> int:
        versions = [one.element.version for one in self._channel.read() if isinstance(one.element, BlockListControl)]
        return max(versions, default=0) + 1

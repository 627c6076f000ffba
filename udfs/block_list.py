"""Who is blocked: users, cards, devices, merchants and IP addresses, with reason and expiry."""

from __future__ import annotations

from collections.abc import Iterable

from udfs.events import Transaction
from udfs.profiles import BlockEntry, BlockType


class BlockList:
    """Looks up a transaction's parties. An entry counts at event time t while t < expires_at."""

    def __init__(self, entries: Iterable[BlockEntry] = ()) -> None:
        self._entries: dict[tuple[str, str], list[BlockEntry]] = {}
        for entry in entries:
            self._entries.setdefault((entry.type, entry.value), []).append(entry)

    def put(self, entry: BlockEntry) -> None:
        """The entry takes the place of all that the list holds on its party."""
        self._entries[entry.type, entry.value] = [entry]

    def remove(self, kind: BlockType, value: str) -> None:
        """The list holds nothing on the party any more."""
        self._entries.pop((kind, value), None)

    def names(self, kind: BlockType, value: str) -> bool:
        """Does the list hold anything on the party, in force or not?"""
        return (kind, value) in self._entries

    def hits(self, transaction: Transaction) -> list[BlockEntry]:
        """The entries in force for the transaction's user, card, device, merchant and IP address."""
        if not self._entries:
            return []
        found = []
        for kind, value in (
            ("user", transaction.user_id),
            ("card", transaction.card_id),
            ("device", transaction.device_id),
            ("merchant", transaction.merchant_id),
            ("ip", transaction.ip_address),
        ):
            if value is not None:
                for entry in self._entries.get((kind, value), ()):
                    if entry.in_force(transaction.timestamp):
                        found.append(entry)
        return found

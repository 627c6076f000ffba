"""Encodes the simulated columns as the lines of the events file, in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from simulator.addresses import device_text
from simulator.arrival import ArrivalOrder
from simulator.choice import Array
from simulator.currencies import CODES, MINOR_PER_MAJOR
from simulator.labels import RESOLUTIONS, Labels
from simulator.logins import AccountChangeDraft, Logins
from simulator.names import Names, account_id, transaction_id
from simulator.transactions import (
    ATM,
    AUTH_RESULTS,
    CHANNELS,
    DEGREE_PARTS,
    ECOMMERCE,
    ENTRY_MODES,
    KINDS,
    NONE,
    POS,
    Transactions,
)
from udfs.records.events import AccountChange, Label, Login, Transaction

LINES_PER_CHUNK = 32_768
_ONE_TIME_PASSWORD = (False, True, None)
_encode = msgspec.json.Encoder().encode


class EventLines:
    """The events in arrival order, each a JSON object as bytes without a newline; each iteration encodes them again."""

    def __init__(
        self,
        order: ArrivalOrder,
        names: Names,
        transactions: Transactions,
        logins: Logins,
        account_changes: tuple[AccountChangeDraft, ...],
        labels: Labels,
    ) -> None:
        self._order = order
        self._names = names
        self._transactions = transactions
        self._logins = logins
        self._account_changes = account_changes
        self._labels = labels

    def __len__(self) -> int:
        return len(self._order.kind)

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks():
            yield from chunk

    def chunks(self) -> Iterator[list[bytes]]:
        """Yields the lines in lists of at most LINES_PER_CHUNK."""
        encoders: tuple[Callable[[Array], list[bytes]], ...] = (
            self._encode_transactions,
            self._encode_logins,
            self._encode_account_changes,
            self._encode_labels,
        )
        for first in range(0, len(self), LINES_PER_CHUNK):
            kinds = self._order.kind[first : first + LINES_PER_CHUNK]
            rows = self._order.row[first : first + LINES_PER_CHUNK]
            lines = [b""] * len(kinds)
            for kind, encode in enumerate(encoders):
                positions = np.flatnonzero(kinds == kind)
                for position, line in zip(positions.tolist(), encode(rows[positions]), strict=True):
                    lines[position] = line
            yield lines

    def _encode_transactions(self, rows: Array) -> list[bytes]:
        names, table = self._names, self._transactions.take(rows)
        major = table.amount_minor / MINOR_PER_MAJOR[table.currency]
        unlocated = table.city == NONE
        card = np.where(
            (table.channel == POS) | (table.channel == ATM) | (table.channel == ECOMMERCE), table.user, NONE
        )
        cards, user_count = names.cards, len(names.users)
        return [
            _encode(
                Transaction(
                    transaction_id=f"T{number:09d}",
                    user_id=names.users[user],
                    timestamp=time_ms,
                    amount=amount,
                    currency=CODES[currency],
                    kind=KINDS[kind],  # type: ignore[arg-type]
                    auth_result=AUTH_RESULTS[auth_result],  # type: ignore[arg-type]
                    merchant_id=names.merchants[merchant],
                    merchant_category=names.merchant_categories[merchant],
                    merchant_country=names.merchant_countries[merchant],
                    channel=CHANNELS[channel],
                    entry_mode=ENTRY_MODES[entry_mode],
                    device_id=device_text(device) if device >= 0 else None,
                    session_id=f"S{session:09d}" if session >= 0 else None,
                    card_id=cards[card_number] if card_number >= 0 else None,
                    ip_address=names.addresses[address],
                    latitude=None if no_location else latitude,
                    longitude=None if no_location else longitude,
                    city=names.cities[city],
                    country=names.countries[city],
                    otp_used=_ONE_TIME_PASSWORD[otp],
                    beneficiary_id=account_id(beneficiary, user_count) if beneficiary >= 0 else None,
                    email_domain=names.domains[domain],
                )
            )
            for (
                number, user, time_ms, amount, currency, kind, auth_result, merchant, channel, entry_mode, device,
                session, card_number, address, no_location, latitude, longitude, city, otp, beneficiary, domain,
            ) in zip(
                rows.tolist(), table.user.tolist(), table.timestamp_ms.tolist(), major.tolist(), table.currency.tolist(),
                table.kind.tolist(), table.auth_result.tolist(), table.merchant.tolist(), table.channel.tolist(),
                table.entry_mode.tolist(), table.device.tolist(), table.session.tolist(), card.tolist(),
                table.address.tolist(), unlocated.tolist(), (table.latitude_parts / DEGREE_PARTS).tolist(),
                (table.longitude_parts / DEGREE_PARTS).tolist(), table.city.tolist(), table.otp.tolist(),
                table.beneficiary.tolist(), table.domain.tolist(), strict=True,
            )
        ]  # fmt: skip

    def _encode_logins(self, rows: Array) -> list[bytes]:
        names, table = self._names, self._logins.take(rows)
        columns = (rows, table.user, table.timestamp_ms, table.device, table.address, table.city, table.success)
        return [
            _encode(
                Login(
                    event_id=f"G{number:09d}",
                    user_id=names.users[user],
                    timestamp=time_ms,
                    device_id=device_text(device) if device >= 0 else None,
                    ip_address=names.addresses[address],
                    city=names.cities[city],
                    success=success,
                )
            )
            for number, user, time_ms, device, address, city, success in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]

    def _encode_account_changes(self, rows: Array) -> list[bytes]:
        lines = []
        for number in rows.tolist():
            change = self._account_changes[number]
            event = AccountChange(
                event_id=f"A{number:09d}",
                user_id=self._names.users[change.user],
                timestamp=change.timestamp_ms,
                old_status=change.old_status,
                new_status=change.new_status,
                reason=change.reason,
                audit_user=change.audit_user,
            )
            lines.append(_encode(event))
        return lines

    def _encode_labels(self, rows: Array) -> list[bytes]:
        names, labels = self._names, self._labels
        lines = []
        for number in rows.tolist():
            row = int(labels.row[number])
            event = Label(
                event_id=f"L{number:09d}",
                transaction_id=transaction_id(row),
                user_id=names.users[int(self._transactions.user[row])],
                timestamp=int(self._transactions.timestamp_ms[row]),
                known_at=int(labels.known_at_ms[number]),
                is_fraud=bool(labels.is_fraud[number]),
                merchant_id=names.merchants[int(self._transactions.merchant[row])],
                resolution_code=RESOLUTIONS[int(labels.resolution[number])],
            )
            lines.append(_encode(event))
        return lines

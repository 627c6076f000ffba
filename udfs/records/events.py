"""Events: one JSON object a record, distinguished by the tag `type`.

The structs are both the wire format and the in-memory form. They are decoded by `codec.decode_event` only, which makes
every id text, every timestamp epoch milliseconds UTC, and every absent optional field None.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

Text = Annotated[str, msgspec.Meta(max_length=256)]
Latitude = Annotated[float, msgspec.Meta(ge=-90.0, le=90.0)]
Longitude = Annotated[float, msgspec.Meta(ge=-180.0, le=180.0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0.0)]
TransactionKind = Literal["purchase", "refund", "reversal"]
AuthorizationResult = Literal["approved", "declined"]
if TYPE_CHECKING:  # types of a decoded event
    Identifier = str
    Moment = int
    Attributes = dict[str, str | float]
    Kind = TransactionKind
    AuthResult = AuthorizationResult
else:  # types on the wire, normalised by the codec
    Identifier = str | int
    Moment = int | Annotated[datetime, msgspec.Meta(tz=True)]
    Attributes = dict[str, str | float | bool | None]
    Kind = AuthResult = Text  # in any letter case


class Transaction(msgspec.Struct, tag_field="type", tag="transaction", omit_defaults=True, kw_only=True, gc=False):
    """A payment, refund or reversal by one user.

    `amount` is in major units of `currency` (the base currency where absent) and never negative.
    `timestamp` is the event time, in epoch milliseconds UTC once decoded. The last four fields are computed by the bank:
    distance from the user's home, age of the account, the user's transactions of the preceding hour, and up to 16 named
    texts and numbers (udfs.records.attribute_values).
    """

    transaction_id: Identifier
    user_id: Identifier
    timestamp: Moment
    amount: Annotated[float, msgspec.Meta(ge=0.0)]
    currency: Text | None = None
    kind: Kind = "purchase"
    auth_result: AuthResult | None = None
    merchant_id: Identifier | None = None
    merchant_category: Identifier | None = None
    merchant_country: Text | None = None
    channel: Text | None = None
    entry_mode: Text | None = None
    device_id: Identifier | None = None
    session_id: Identifier | None = None
    card_id: Identifier | None = None
    ip_address: Text | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    city: Text | None = None
    country: Text | None = None
    otp_used: bool | None = None
    beneficiary_id: Identifier | None = None
    email_domain: Text | None = None
    distance_from_home_km: NotNegative | None = None
    account_tenure_months: NotNegative | None = None
    txns_last_1h: NotNegative | None = None
    attributes: Attributes | None = None


class Login(msgspec.Struct, tag_field="type", tag="login", omit_defaults=True, kw_only=True, gc=False):
    """A login attempt; `success` is None if the source does not provide it."""

    event_id: Identifier
    user_id: Identifier
    timestamp: Moment
    device_id: Identifier | None = None
    ip_address: Text | None = None
    city: Text | None = None
    success: bool | None = None


class AccountChange(msgspec.Struct, tag_field="type", tag="account_change", omit_defaults=True, kw_only=True, gc=False):
    """A change of an account's status; `audit_user` made it."""

    event_id: Identifier
    user_id: Identifier
    timestamp: Moment
    old_status: Text | None = None
    new_status: Text | None = None
    reason: Text | None = None
    audit_user: Text | None = None


class Label(msgspec.Struct, tag_field="type", tag="label", omit_defaults=True, kw_only=True, gc=False):
    """The verdict on a transaction: fraud or not. `timestamp` is the transaction's, `known_at` when it became known."""

    event_id: Identifier
    transaction_id: Identifier
    user_id: Identifier
    timestamp: Moment
    known_at: Moment
    is_fraud: bool
    merchant_id: Identifier | None = None
    resolution_code: Text | None = None


class Erasure(msgspec.Struct, tag_field="type", tag="erasure", omit_defaults=True, kw_only=True, gc=False):
    """The user is to be forgotten: all that is kept of the user so far. `timestamp`: when that was decided."""

    event_id: Identifier
    user_id: Identifier
    timestamp: Moment


Event = Transaction | Login | AccountChange | Label | Erasure
EVENT_TYPES: dict[str, type[Event]] = {
    "transaction": Transaction,
    "login": Login,
    "account_change": AccountChange,
    "label": Label,
    "erasure": Erasure,
}

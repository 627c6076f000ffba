"""What the stores know about a user, merchant, device, IP address or e-mail domain, and who is blocked."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from udfs.attribute_values import checked_attributes
from udfs.events import Attributes, Latitude, Longitude

BlockType = Literal["user", "card", "device", "merchant", "ip"]


class UserProfile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One user. Dates are epoch milliseconds UTC; money is in major units of the base currency.

    `attributes` are checked and put in their form here, as the codec does it for events. Raises ValueError.
    """

    user_id: str
    home_latitude: Latitude | None = None
    home_longitude: Longitude | None = None
    home_country: str | None = None
    timezone: str | None = None
    kyc_level: int | None = None
    account_opened_at: int | None = None
    date_of_birth: int | None = None
    credit_limit: float | None = None
    avg_monthly_spend: float | None = None
    is_vip: bool | None = None
    prior_fraud_count: int | None = None
    last_unblocked_at: int | None = None
    risk_score_history: tuple[float, ...] = ()
    address_history: tuple[str, ...] = ()
    attributes: Attributes | None = None

    def __post_init__(self) -> None:
        if self.attributes is not None:
            msgspec.structs.force_setattr(self, "attributes", checked_attributes(dict(self.attributes)))


class MerchantProfile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One merchant; its buckets are the EntityHistory under the key `history:merchant:ID`."""

    merchant_id: str
    category: str | None = None
    country: str | None = None
    first_seen_at: int | None = None


class DeviceProfile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One device as the bank's device registry knows it."""

    device_id: str
    blacklisted: bool | None = None
    registered_at: int | None = None
    last_used_at: int | None = None
    is_active: bool | None = None


class IpFeed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An external feed's word on an IP address: risk 0 to 100."""

    ip_address: str
    ip_risk_score: Annotated[float, msgspec.Meta(ge=0.0, le=100.0)] | None = None
    vpn: bool | None = None


class DomainFeed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An external feed's word on an e-mail domain."""

    email_domain: str
    registered_at: int | None = None


class BlockEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry of a block list; in force until `expires_at` (epoch milliseconds; None: for good)."""

    type: BlockType
    value: str
    reason_code: str | None = None
    source_system: str | None = None
    expires_at: int | None = None

    def in_force(self, timestamp_ms: int) -> bool:
        return self.expires_at is None or timestamp_ms < self.expires_at

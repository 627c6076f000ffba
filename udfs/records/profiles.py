"""Records of the stores: profiles of users, merchants and devices, feeds, and block list entries."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from udfs.records.attribute_values import checked_attributes
from udfs.records.blank_texts import is_blank_text
from udfs.records.codes import known_country
from udfs.records.events import Attributes, Latitude, Longitude

BlockType = Literal["user", "card", "device", "merchant", "ip"]


class UserProfile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Profile of a user. Dates are epoch milliseconds UTC; money is in major units of the base currency.

    `attributes` and `home_country` are validated and normalised on creation, as the codec does for events. Raises
    ValueError.
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
        if self.home_country is not None:
            msgspec.structs.force_setattr(self, "home_country", _country("home_country", self.home_country))


class MerchantProfile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Profile of a merchant, its entity history is stored under the key `history:merchant:ID`.

    `country` is normalised on creation.
    """

    merchant_id: str
    category: str | None = None
    country: str | None = None
    first_seen_at: int | None = None

    def __post_init__(self) -> None:
        if self.country is not None:
            msgspec.structs.force_setattr(self, "country", _country("country", self.country))


def _country(field: str, text: str) -> str | None:
    """The country's alpha-2 code; None for a text that stands for a missing value."""
    return None if is_blank_text(text, is_country=True) else known_country(field, text)


class DeviceProfile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Entry of the bank's device registry."""

    device_id: str
    blacklisted: bool | None = None
    registered_at: int | None = None
    last_used_at: int | None = None
    is_active: bool | None = None


class IpFeed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """External feed on an IP address; risk 0 to 100."""

    ip_address: str
    ip_risk_score: Annotated[float, msgspec.Meta(ge=0.0, le=100.0)] | None = None
    vpn: bool | None = None


class DomainFeed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """External feed on an e-mail domain."""

    email_domain: str
    registered_at: int | None = None


class BlockEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry of a block list, in force until `expires_at` (epoch milliseconds; None: without end)."""

    type: BlockType
    value: str
    reason_code: str | None = None
    source_system: str | None = None
    expires_at: int | None = None

"""Record kinds that a table can be converted to: struct, output file and field types of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import get_args

import msgspec

from ingest.bank_records import AlertCase, FeatureRow, ModelLog
from udfs.records.events import AccountChange, AuthorizationResult, Label, Login, Transaction, TransactionKind
from udfs.records.profiles import BlockEntry, BlockType, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile


class FieldType(Enum):
    """Selects the reader of a field; the value is the type's name in messages and documentation."""

    IDENTIFIER = "id"
    TEXT = "text"
    CURRENCY = "currency code"
    TIME_ZONE = "time zone"
    MOMENT = "time"
    DATE = "time or date"
    AMOUNT = "amount"
    NUMBER = "number"
    NOT_NEGATIVE = "number from 0"
    LATITUDE = "latitude"
    LONGITUDE = "longitude"
    PERCENT = "number 0 to 100"
    WHOLE = "whole number"
    FLAG = "flag"
    CHOICE = "choice"
    NUMBERS = "list of numbers"
    TEXTS = "list of texts"
    CODE = "code"
    COUNTRY = "country"
    DOMAIN = "e-mail domain"
    NOTE = "long text"
    ATTRIBUTE = "attribute"


MOMENT_TYPES = frozenset({FieldType.MOMENT, FieldType.DATE})
NUMBER_TYPES = frozenset(
    {
        FieldType.AMOUNT, FieldType.NUMBER, FieldType.NOT_NEGATIVE, FieldType.LATITUDE, FieldType.LONGITUDE,
        FieldType.PERCENT, FieldType.WHOLE,
    }
)  # fmt: skip
TEXT_TYPES = frozenset({FieldType.IDENTIFIER, FieldType.TEXT, FieldType.CODE, FieldType.COUNTRY})
LIST_TYPES = {FieldType.NUMBERS: "list[float]", FieldType.TEXTS: "list[text]"}  # to their `type` in `nested`

_TYPES_BY_FIELD = {
    FieldType.IDENTIFIER: (
        "transaction_id", "event_id", "user_id", "merchant_id", "merchant_category", "device_id", "session_id",
        "card_id", "beneficiary_id", "case_id", "alert_id", "value",
    ),
    FieldType.TEXT: (
        "ip_address", "city", "old_status", "new_status", "reason", "audit_user", "resolution_code", "category",
        "reason_code", "source_system", "status", "resolution", "analyst", "model_version", "decision",
    ),
    FieldType.NOTE: ("notes",),
    FieldType.COUNTRY: ("merchant_country", "country", "home_country"),
    FieldType.DOMAIN: ("email_domain",),
    FieldType.CODE: ("channel", "entry_mode"),
    FieldType.CURRENCY: ("currency",),
    FieldType.TIME_ZONE: ("timezone",),
    FieldType.MOMENT: ("timestamp", "known_at"),
    FieldType.DATE: (
        "account_opened_at", "date_of_birth", "last_unblocked_at", "first_seen_at", "registered_at", "last_used_at",
        "expires_at", "opened_at", "closed_at", "scored_at",
    ),
    FieldType.AMOUNT: ("amount",),
    FieldType.NUMBER: ("credit_limit", "avg_monthly_spend", "score"),
    FieldType.NOT_NEGATIVE: ("distance_from_home_km", "account_tenure_months", "txns_last_1h"),
    FieldType.LATITUDE: ("latitude", "home_latitude"),
    FieldType.LONGITUDE: ("longitude", "home_longitude"),
    FieldType.PERCENT: ("ip_risk_score",),
    FieldType.WHOLE: ("kyc_level", "prior_fraud_count"),
    FieldType.FLAG: ("otp_used", "success", "is_fraud", "is_vip", "blacklisted", "is_active", "vpn"),
    FieldType.CHOICE: ("kind", "auth_result", "type"),
    FieldType.NUMBERS: ("risk_score_history", "feature_vector"),
    FieldType.TEXTS: ("address_history",),
}  # fmt: skip
ATTRIBUTES = "attributes"
FIELD_TYPES = {name: field_type for field_type, names in _TYPES_BY_FIELD.items() for name in names}
CHOICES: dict[str, tuple[str, ...]] = {
    "kind": get_args(TransactionKind),
    "auth_result": get_args(AuthorizationResult),
    "type": get_args(BlockType),
}


@dataclass(frozen=True)
class Target:
    """One kind of record. `key` is the field that identifies a record, `noun` the plural used in messages.

    All kinds of events have the same `file_name`. Rows of a kind without one go into the transactions of their run.
    """

    kind: str
    struct: type[msgspec.Struct]
    file_name: str
    key: str
    noun: str

    @property
    def is_event(self) -> bool:
        return self.file_name == EVENTS_FILE

    @property
    def field_names(self) -> tuple[str, ...]:
        """The fields that `fields` can map: all but `attributes`, which have their own section."""
        return tuple(name for name in self.struct.__struct_fields__ if name != ATTRIBUTES)

    @property
    def has_attributes(self) -> bool:
        return ATTRIBUTES in self.struct.__struct_fields__

    @property
    def required(self) -> frozenset[str]:
        """Fields that a mapping must fill. An unmapped event_id is derived from the event's content."""
        return frozenset(
            field.name for field in msgspec.structs.fields(self.struct) if field.required and field.name != "event_id"
        )

    def absent_value(self, field_name: str) -> object:
        """The field's value where the source has none: the struct's default."""
        field = next(field for field in msgspec.structs.fields(self.struct) if field.name == field_name)
        return None if field.default is msgspec.NODEFAULT else field.default


EVENTS_FILE = "events.jsonl"
_ALL = (
    Target("transaction", Transaction, EVENTS_FILE, "transaction_id", "transactions"),
    Target("login", Login, EVENTS_FILE, "event_id", "logins"),
    Target("account_change", AccountChange, EVENTS_FILE, "event_id", "account changes"),
    Target("label", Label, EVENTS_FILE, "event_id", "labels"),
    Target("user_profile", UserProfile, "users.jsonl", "user_id", "user profiles"),
    Target("merchant", MerchantProfile, "merchants.jsonl", "merchant_id", "merchants"),
    Target("device", DeviceProfile, "devices.jsonl", "device_id", "devices"),
    Target("ip_feed", IpFeed, "ip_feed.jsonl", "ip_address", "IP addresses"),
    Target("domain_feed", DomainFeed, "domain_feed.jsonl", "email_domain", "e-mail domains"),
    Target("block_list", BlockEntry, "block_list.jsonl", "value", "block-list entries"),
    Target("features", FeatureRow, "", "transaction_id", "rows of features"),
    Target("alert_case", AlertCase, "cases.jsonl", "case_id", "alert cases"),
    Target("model_log", ModelLog, "model_log.jsonl", "transaction_id", "model decisions"),
)
TARGETS = {target.kind: target for target in _ALL}

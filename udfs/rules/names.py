"""Every name that a rule may use: features, fields of the event, and figures about the population."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from enum import Enum
from typing import Literal

import msgspec

from udfs.events import Transaction
from udfs.features.values import NamedValues
from udfs.rules.errors import RuleError

KEYWORDS = ("and", "or", "not", "in", "true", "false")
EVENT_TEXTS = (
    "transaction_id", "user_id", "currency", "merchant_id", "merchant_category", "merchant_country", "channel",
    "entry_mode", "device_id", "session_id", "card_id", "ip_address", "city", "country", "beneficiary_id",
    "email_domain", "kind", "auth_result",
)  # fmt: skip
EVENT_NUMBERS = {
    "timestamp": "timestamp", "latitude": "latitude", "longitude": "longitude", "original_amount": "amount",
    "distance_from_home_km": "distance_from_home_km", "account_tenure_months": "account_tenure_months",
    "txns_last_1h": "txns_last_1h",
}  # fmt: skip
EVENT_FLAGS = ("otp_used",)
POPULATION_NAMES = (
    "population_amount_p95", "population_km_from_home_p90", "population_fraud_rate", "city_fraud_rate",
    "statistics_as_of_ms",
)  # fmt: skip
_LONGEST_MISSPELLING = 64


class Kind(Enum):
    """The type of an expression, in the words of an error message."""

    NUMBER = "a number"
    TEXT = "a text"
    FLAG = "true or false"
    CONDITION = "a condition"


class Name(msgspec.Struct, frozen=True):
    """One name: its type, and where its value is found: a dict's key or, for the event, a field."""

    name: str
    kind: Kind
    place: Literal["features", "event", "population"]
    field: str

    def read(self, features: NamedValues, event: Transaction, population: dict[str, float]) -> object:
        """The value for one transaction; None or NaN where it is unknown."""
        if self.place == "event":
            return getattr(event, self.field)
        return (features if self.place == "features" else population)[self.field]


class Vocabulary:
    """The names known to one rule book."""

    def __init__(self, feature_names: Iterable[str]) -> None:
        self._names: dict[str, Name] = {}
        for name in EVENT_TEXTS:
            self._names[name] = Name(name, Kind.TEXT, "event", name)
        for name, field in EVENT_NUMBERS.items():
            self._names[name] = Name(name, Kind.NUMBER, "event", field)
        for name in EVENT_FLAGS:
            self._names[name] = Name(name, Kind.FLAG, "event", name)
        for name in POPULATION_NAMES:
            self._names[name] = Name(name, Kind.NUMBER, "population", name)
        for name in feature_names:
            if name in self._names or name in KEYWORDS:
                raise ValueError(f"feature {name!r} has the name of an event field, population figure or keyword")
            self._names[name] = Name(name, Kind.NUMBER, "features", name)

    def __iter__(self) -> Iterator[Name]:
        return iter(self._names.values())

    def lookup(self, name: str, position: int) -> Name:
        """The name's type and source. Raises RuleError with the nearest known name where it is unknown."""
        known = self._names.get(name)
        if known is None:
            raise RuleError(f"unknown name {shown(name)}", position, hint=self._suggestion(name))
        return known

    def _suggestion(self, name: str) -> str | None:
        if len(name) > _LONGEST_MISSPELLING:
            return None
        near = get_close_matches(name.lower(), [*KEYWORDS, *self._names], 1)
        return f"did you mean {near[0]!r}?" if near else None


def shown(text: str) -> str:
    """A piece of an author's text, quoted, on one line and not too long, for an error message."""
    return repr(text if len(text) <= 40 else text[:40] + "…")

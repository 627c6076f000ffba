"""One alert's values in an analyst's words, and what is usual beside them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from udfs.features.quantities import quantity
from udfs.features.words import words_of, written
from udfs.reasoning.evidence import Examiner
from udfs.reasoning.inputs import AlertInputs
from udfs.reasoning.signals import signal_of
from udfs.reasoning.usual import (
    FEWEST_PAYMENTS,
    amounts_in_words,
    frequency_in_words,
    known_before,
    nights_in_words,
    of_population,
    without_fraud_in_words,
)

_LONGEST_IDENTITY: Final = 40
_LATEST_MS: Final = 253_402_214_400_000  # 9999-12-31: later moments have no local time in zones east of Greenwich
_IDENTITIES: Final = {
    "is_new_country": "country",
    "is_new_city": "city",
    "is_merchant_abroad": "merchant_country",
    "is_new_category": "merchant_category",
    "is_high_risk_category": "merchant_category",
}
"""Features whose words name a field of the event."""


class Wording:
    """Writes about one alert."""

    def __init__(self, inputs: AlertInputs, examiner: Examiner) -> None:
        self._inputs = inputs
        self._features = inputs.features
        self._examiner = examiner

    def text(self, name: str, value: float) -> str:
        """A known value in words, e.g. `amount 8.4x this user's mean`."""
        signal, words, inputs = signal_of(name), words_of(name), self._inputs
        if signal.risky == "night":
            return f"at {self._clock()} local time"
        if name == "speed_kmh":
            return self._trip(value)
        if words.form != "flag":
            is_low = bool(words.lowered) and self._examiner.is_small(name, value, signal)
            return written(words, value, inputs.base_currency, is_low)
        field = _IDENTITIES.get(name)
        identity = getattr(inputs.transaction, field) if field is not None else None
        if isinstance(identity, str) and identity.isprintable() and len(identity) <= _LONGEST_IDENTITY:
            return f"{words.raised} ({identity})"
        return words.raised

    def usual(self, name: str, value: float) -> str | None:
        """What is usual instead, of this user where it is known, or else of the population."""
        signal, features, inputs = signal_of(name), self._features, self._inputs
        amounts = self._examiner.amounts
        if signal.concept == "amount" and amounts is not None and name != "monthly_spend_share":
            return amounts_in_words(amounts, inputs.base_currency)
        if signal.risky == "night":
            return nights_in_words(features) or of_population("is_night", 1.0, inputs.quantiles, "")
        if name == "is_new_device" and features["known_device_count"] >= 1.0:
            count = features["known_device_count"]
            return f"this user's payments come from {count:,.0f} known device{'s' if count > 1.0 else ''}"
        if name.startswith("is_new_") and features["user_txn_count"] >= FEWEST_PAYMENTS:
            return known_before(features)
        if name == "days_since_unblock":  # how long ago it is with others, who were unblocked, is no comfort
            return None
        if name == "days_since_fraud_known":
            return without_fraud_in_words(inputs.quantiles)
        population = of_population(name, value, inputs.quantiles, inputs.base_currency)
        if signal.risky == "rate":
            return population or f"base rate {quantity('percent', inputs.base_rate)}"
        if signal.concept == "velocity":
            own = frequency_in_words(features)
            return "; ".join([words for words in (own, population) if words]) or None
        return population

    def _clock(self) -> str:
        """The user's local time to the minute; to the hour where the zone does not agree with the hour."""
        timezone, hour = self._inputs.timezone, self._features["hour_local"]
        moment = datetime.fromtimestamp(min(self._inputs.transaction.timestamp, _LATEST_MS) / 1000, tz=UTC)
        if timezone is not None and timezone != "UTC":
            try:
                moment = moment.astimezone(ZoneInfo(timezone))
            except (ZoneInfoNotFoundError, ValueError, OSError):
                return quantity("hour", hour)
        return f"{moment:%H:%M}" if moment.hour == hour else quantity("hour", hour)

    def _trip(self, speed: float) -> str:
        features = self._features
        text = quantity("kmh", speed)
        distance, seconds = features["km_from_last"], features["seconds_since_last"]
        if distance != distance or seconds != seconds:
            return f"{text} since the last payment"
        return f"{quantity('km', distance)} in {quantity('seconds', seconds)} since the last payment ({text})"

"""Normalises enumerated text fields (channel, entry_mode, kind, auth_result, countries) to their codes.

Case, surrounding space and common spellings are accepted: " ATM " is atm; swipe and Mag-Stripe are magstripe, USA is US.
Unknown channels and entry modes are kept in lower case, unknown countries in upper case, and counted.
"""

from __future__ import annotations

from typing import Final

from udfs.records.countries import country_code

_SPELLINGS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "channel": {
        "pos": ("pointofsale",),
        "atm": (),
        "ecommerce": ("ecom",),
        "online": (),
        "web": ("website",),
        "app": ("inapp", "mobileapp"),
        "mobile": (),
        "upi": (),
        "transfer": ("banktransfer",),
        "wire": ("wiretransfer",),
        "p2p": (),
    },
    "entry_mode": {
        "chip": ("emv", "icc", "chipandpin", "chip&pin"),
        "contactless": ("nfc", "tap"),
        "magstripe": ("swipe", "swiped", "magneticstripe"),
        "manual": ("keyed", "keyentered", "manualentry"),
        "online": ("ecommerce", "ecom"),
    },
}
"""Field -> code -> alternative spellings, in lower case without spaces, hyphens and underscores."""

KNOWN_CODES: Final[dict[str, dict[str, str]]] = {
    field: {code: code for code in codes} for field, codes in _SPELLINGS.items()
}
"""Field -> code -> code, for texts that need no normalisation; others are passed to `known_code`."""
_ALLOWED_SPELLINGS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "kind": {
        "purchase": ("sale", "payment"),
        "refund": ("refunded", "return"),
        "reversal": ("reversed", "void", "voided"),
    },
    "auth_result": {
        "approved": ("approve", "accepted", "authorized", "authorised", "success", "successful"),
        "declined": ("decline", "denied", "rejected", "refused", "failed", "failure"),
    },
}
ALLOWED_CODES: Final[dict[str, dict[str, str]]] = {
    field: {code: code for code in codes} for field, codes in _ALLOWED_SPELLINGS.items()
}
"""Field -> code -> code, for fields that allow no other values."""
COUNTRY_FIELDS: Final = ("merchant_country", "country")
MAX_UNKNOWN: Final = 100
OTHERS: Final = "(others)"
UNREADABLE: Final = "(unreadable)"
_SHOWN_LENGTH: Final = 40
_BY_SPELLING: Final[dict[str, dict[str, str]]] = {
    field: {spelling: code for code, others in codes.items() for spelling in (code, *others)}
    for field, codes in _SPELLINGS.items()
}
_ALLOWED_BY_SPELLING: Final[dict[str, dict[str, str]]] = {
    field: {spelling: code for code, others in codes.items() for spelling in (code, *others)}
    for field, codes in _ALLOWED_SPELLINGS.items()
}


def known_code(field: str, text: str, unknown: dict[str, int] | None = None) -> str | None:
    """The code of a text in the field "channel" or "entry_mode".

    An unknown text is returned stripped and in lower case, and counted in `unknown` if given. None for a blank text.
    """
    plain = text.strip().lower()
    if not plain:
        return None
    code = _BY_SPELLING[field].get(plain.replace(" ", "").replace("-", "").replace("_", ""))
    if code is not None:
        return code
    if unknown is not None:
        count_unknown(unknown, field, plain)
    return plain


def allowed_code(field: str, text: str) -> str | None:
    """The code of a text in the field "kind" or "auth_result"; None if there is none."""
    return _ALLOWED_BY_SPELLING[field].get(text.strip().lower())


def known_country(field: str, text: str, unknown: dict[str, int] | None = None) -> str:
    """The alpha-2 code of a country. An unknown text is returned stripped and in upper case, and counted in `unknown`."""
    code = country_code(text)
    if code is not None:
        return code
    plain = text.strip().upper()
    if unknown is not None:
        count_unknown(unknown, field, plain)
    return plain


def count_unknown(counts: dict[str, int], field: str, text: str) -> None:
    """Add 1 to the count of `<field>=<text>`, or of `<field>=(others)` after MAX_UNKNOWN different texts.

    With the text UNREADABLE: of values of the field that could not be read and were dropped.
    """
    name = f"{field}={text[:_SHOWN_LENGTH]}"
    if name not in counts and len(counts) >= MAX_UNKNOWN and text != UNREADABLE:
        name = f"{field}={OTHERS}"
    counts[name] = counts.get(name, 0) + 1

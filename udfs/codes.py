"""Codes that are told in words: channel, entry mode, kind and result, whatever their case, and usual other spellings.

ATM and " atm " are atm, swipe and Mag-Stripe are magstripe; a channel Kiosk, which the contract does not know, is kept as
kiosk, and counted.
"""

from __future__ import annotations

from typing import Final

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
"""Each code that features know, and what else it is called: in small letters, without spaces, hyphens and underscores."""

KNOWN_CODES: Final[dict[str, dict[str, str]]] = {
    field: {code: code for code in codes} for field, codes in _SPELLINGS.items()
}
"""Each field's codes, as they are written here. A text that is none of them is for `known_code`."""
ALLOWED_CODES: Final[dict[str, dict[str, str]]] = {
    "kind": {code: code for code in ("purchase", "refund", "reversal")},
    "auth_result": {code: code for code in ("approved", "declined")},
}
"""Fields that may hold nothing else."""
MAX_UNKNOWN: Final = 100
OTHERS: Final = "(others)"
_SHOWN_LENGTH: Final = 40
_BY_SPELLING: Final[dict[str, dict[str, str]]] = {
    field: {spelling: code for code, others in codes.items() for spelling in (code, *others)}
    for field, codes in _SPELLINGS.items()
}


def known_code(field: str, text: str, unknown: dict[str, int] | None = None) -> str | None:
    """The code that a text of "channel" or "entry_mode" means: one that features know, or else the text itself in small
    letters without space around it, counted in `unknown`. None for a text without anything."""
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
    """The code that a text of "kind" or "auth_result" means, None for one that means none."""
    return ALLOWED_CODES[field].get(text.strip().lower())


def count_unknown(counts: dict[str, int], field: str, text: str) -> None:
    """One more of `<field>=<text>`; after MAX_UNKNOWN different ones, of `<field>=(others)`."""
    name = f"{field}={text[:_SHOWN_LENGTH]}"
    if name not in counts and len(counts) >= MAX_UNKNOWN:
        name = f"{field}={OTHERS}"
    counts[name] = counts.get(name, 0) + 1

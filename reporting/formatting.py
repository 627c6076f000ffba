"""Formats numbers, times and names for the terminal and the HTML page."""

from __future__ import annotations

from datetime import UTC, datetime

NOT_KNOWN = "—"
UNPRINTABLE = "�"
ACTION_LABELS = {
    "allow": "allow",
    "refer_to_analyst": "refer to analyst",
    "soft_challenge": "soft challenge",
    "hard_block": "hard block",
}


def count(value: int | None) -> str:
    """`1,234,567`."""
    return NOT_KNOWN if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    """`87.3%`, below 1% with two decimals; `0%` and `100%` only for exactly 0 and 1."""
    if share is None:
        return NOT_KNOWN
    if share in (0, 1):
        return f"{share:.0%}"
    if share < 0.00005:
        return "<0.01%"
    if share > 0.9995:
        return ">99.9%"
    return f"{share:.1%}" if share >= 0.00995 else f"{share:.2%}"


def ratio(value: float | None) -> str:
    """`0.948`."""
    return NOT_KNOWN if value is None else f"{value:.3f}"


def amount(value: float | None) -> str:
    """`12,346`, below 1,000 with two decimals; `0` only for exactly 0."""
    if value is None:
        return NOT_KNOWN
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.2f}"


def rate(per_second: float | None) -> str:
    """`11,834/s`, below 100 with one decimal."""
    if per_second is None:
        return NOT_KNOWN
    return f"{per_second:,.0f}/s" if per_second >= 100 else f"{per_second:,.1f}/s"


def milliseconds(value: float | None) -> str:
    """`9.8 ms`."""
    if value is None:
        return NOT_KNOWN
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 1 else f"{value:.3f} ms"


def moment(time_ms: int | None) -> str:
    """`2026-01-03 02:14`, in UTC."""
    return NOT_KNOWN if time_ms is None else f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def second(time_ms: int) -> str:
    """`2026-01-03 02:14:07`, in UTC."""
    return f"{datetime.fromtimestamp(time_ms // 1000, UTC):%Y-%m-%d %H:%M:%S}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 fraud`, `2 frauds`, `0 frauds`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def visible(text: str) -> str:
    """The text on one line; every character that is not printable, such as a bidirectional control, becomes U+FFFD."""
    return "".join(character if character.isprintable() else UNPRINTABLE for character in " ".join(text.split()))


def shortened(text: str, length: int) -> str:
    """The text, cut to `length` characters with `…` at the end if it is longer."""
    return text if len(text) <= length else text[: length - 1] + "…"

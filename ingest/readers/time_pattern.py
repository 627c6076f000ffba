"""Parses times by a strptime pattern, with what strptime does not do: lost leading zeros, zone names, a missing year."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

_DIRECTIVE: Final = re.compile(r"%[A-Za-z%]")
_DIGITS: Final = {"%Y": 4, "%y": 2, "%m": 2, "%d": 2, "%H": 2, "%I": 2, "%M": 2, "%S": 2, "%j": 3}
_YEARS: Final = ("%Y", "%y", "%c", "%x", "%G", "%D")
_ZONE_NAME: Final = re.compile(r"[A-Za-z]+(?:/[A-Za-z_]+(?:/[A-Za-z_]+)?)?")
_MINUTES: Final = {
    **dict.fromkeys(("UTC", "GMT", "UCT", "Z", "WET"), 0),
    **dict.fromkeys(("CET", "WEST", "BST"), 60),
    **dict.fromkeys(("EET", "CEST", "SAST", "CAT"), 120),
    **dict.fromkeys(("MSK", "EEST", "EAT"), 180),
    "PKT": 300, "WIB": 420, "ICT": 420, "HKT": 480, "SGT": 480, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660,
    "NZST": 720, "NZDT": 780, "BRT": -180, "EDT": -240, "EST": -300, "CDT": -300, "CST": -360, "MDT": -360, "MST": -420,
    "PDT": -420, "PST": -480,
}  # fmt: skip
"""Minutes east of UTC of zone names. IST and others that mean several zones are known only as a name of `timezone`."""


@dataclass(frozen=True)
class TimePattern:
    """A strptime pattern. Digits of directives that touch each other, as in %H%M%S, are padded with zeros on the left: a
    number loses them, and strptime would read 3827 as 3:8:27 instead of 0:38:27."""

    pattern: str

    def parse(self, text: str, zone: ZoneInfo, year: int | None = None) -> datetime:
        """The time, naive unless the text has an offset or a zone's name. Raises ValueError."""
        pattern = self.pattern
        offset: timezone | ZoneInfo | None = None
        name = None
        if "%Z" in pattern:
            text, name = self._without_zone(text, zone)
            pattern = " ".join(pattern.replace("%Z", " ").split())
        text = self._padded(text) if self._runs is not None else text
        if year is not None and not self.has_year:
            text, pattern = f"{year} {text}", f"%Y {pattern}"
        moment = datetime.strptime(text, pattern)
        if name is None:
            return moment
        offset = _offset_of(name, zone, moment)
        return moment.replace(tzinfo=offset)

    @property
    def has_year(self) -> bool:
        return any(directive in self.pattern for directive in _YEARS)

    @property
    def has_two_digit_year(self) -> bool:
        return any(directive in self.pattern for directive in ("%y", "%D", "%x"))

    @property
    def has_day(self) -> bool:
        has_month = any(directive in self.pattern for directive in ("%m", "%b", "%B"))
        return "%j" in self.pattern or (has_month and "%d" in self.pattern)

    @cached_property
    def _runs(self) -> re.Pattern[str] | None:
        """Matches a text whose runs of touching directives lack leading zeros; None for a pattern without such runs."""
        parts: list[str] = []
        position, has_run = 0, False
        while position < len(self.pattern):
            width = count = 0
            while (found := _DIRECTIVE.match(self.pattern, position)) and found[0] in _DIGITS:
                width, count, position = width + _DIGITS[found[0]], count + 1, found.end()
            if count > 1:
                has_run = True
                parts.append(rf"(?P<w{width}_{len(parts)}>[0-9]{{1,{width}}})")
            elif count == 1:
                parts.append("[0-9]+")
            elif found := _DIRECTIVE.match(self.pattern, position):
                parts.append(".+?")
                position = found.end()
            else:
                parts.append(r"\s+" if self.pattern[position].isspace() else re.escape(self.pattern[position]))
                position += 1
        return re.compile("".join(parts)) if has_run else None

    def _padded(self, text: str) -> str:
        assert self._runs is not None
        found = self._runs.fullmatch(text)
        if found is None:
            return text
        for name in sorted(found.groupdict(), key=found.start, reverse=True):
            width = int(name[1:].partition("_")[0])
            text = text[: found.start(name)] + found[name].zfill(width) + text[found.end(name) :]
        return text

    def _without_zone(self, text: str, zone: ZoneInfo) -> tuple[str, str]:
        """The text without its zone's name, and the name. Raises ValueError where no word is one."""
        own = {zone.tzname(datetime(2001, month, 1)) for month in (1, 7)}
        for found in _ZONE_NAME.finditer(text):
            word = found[0]
            if word.upper() in _MINUTES or word in own or "/" in word:
                return " ".join(f"{text[: found.start()]} {text[found.end() :]}".split()), word
        raise ValueError(text)


def _offset_of(name: str, zone: ZoneInfo, moment: datetime) -> timezone | ZoneInfo:
    """The offset of a zone's name. The names of the mapping's own zone come first. Raises ValueError."""
    for fold in (0, 1):
        own = moment.replace(tzinfo=zone, fold=fold)
        if own.tzname() == name and (offset := own.utcoffset()) is not None:
            return timezone(offset)
    if name.upper() in _MINUTES:
        return timezone(timedelta(minutes=_MINUTES[name.upper()])) if _MINUTES[name.upper()] else UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError):
        raise ValueError(name) from None

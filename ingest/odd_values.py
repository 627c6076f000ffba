"""Values of converted transactions that look as if the mapping or the export were wrong, in a sentence each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ingest.currency_names import is_iso_currency
from ingest.new_year import crosses_new_year
from udfs.records.codes import COUNTRY_FIELDS, KNOWN_CODES
from udfs.records.countries import country_code
from udfs.records.events import Transaction

LEAST_ROWS: Final = 20
SHARED_SHARE: Final = 0.2
MIDNIGHT_SHARE: Final = 0.99
FRAUD_SHARE: Final = 0.2
LONG_YEARS: Final = 30
MAX_COUNTED: Final = 1_000
SHOWN: Final = 3
DAY_MS: Final = 86_400_000
_OWN_IDS: Final = ("device_id", "card_id", "ip_address", "session_id")


class OddValues:
    """Counts the values of codes and ids; at most MAX_COUNTED different ones of each field, the first that come."""

    def __init__(self, has_assumed_year: bool = False) -> None:
        """`has_assumed_year`: the times have the `year` of the mapping."""
        self._has_assumed_year = has_assumed_year
        self._codes: dict[str, Counter[str]] = {
            field: Counter() for field in (*COUNTRY_FIELDS, "channel", "entry_mode", "currency", *_OWN_IDS)
        }
        self._known = Counter[str]()

    def add(self, transaction: Transaction) -> None:
        for field, counts in self._codes.items():
            value = getattr(transaction, field)
            if value is not None:
                self._known[field] += 1
                if value in counts or len(counts) < MAX_COUNTED:
                    counts[value] += 1

    def sentences(
        self,
        amounts: npt.NDArray[np.float64],
        times: npt.NDArray[np.int64],
        users: Counter[int],
        repeated: int,
        labelled: int,
        frauds: int,
    ) -> Iterator[str]:
        """What looks odd. `repeated`: transactions whose id their user has had before."""
        yield from self._of_codes()
        count = len(amounts)
        if repeated:
            yield f"{repeated:,} transactions repeat an id of the same user: they are scored once within 48 hours"
        if self._has_assumed_year and crosses_new_year(times):
            yield (
                "the times go over New Year, but all have the `year` of the mapping: convert the rows of each year apart, "
                "with its own `year`"
            )
        if count < LEAST_ROWS:
            return
        if np.mean(times % DAY_MS == 0) >= MIDNIGHT_SHARE:
            yield "all times are midnight UTC: the time of day is missing, and features of hours know nothing"
        years = (int(times.max()) - int(times.min())) / (365.25 * DAY_MS)
        if years > LONG_YEARS:
            yield f"the period is {years:.0f} years: check the format of the times"
        if np.all(amounts == np.floor(amounts)) and np.median(amounts) >= 1_000:
            yield "all amounts are whole numbers: if they are minor units, set `minor_units: true` or `scale: 0.01`"
        if len(users) == count:
            yield "every transaction has a user of its own: there is no history to compare with; check user_id"
        if labelled and frauds == 0:
            yield "no label is a fraud: check is_fraud"
        elif labelled and frauds / labelled > FRAUD_SHARE:
            yield f"{frauds / labelled:.0%} of the labels are frauds: check is_fraud, or whether the table is a sample"
        yield from self._shared_ids(users)

    def _of_codes(self) -> Iterator[str]:
        for field in COUNTRY_FIELDS:
            unknown = Counter({text: n for text, n in self._codes[field].items() if country_code(text) is None})
            yield from _told(field, unknown, "are no countries of ISO 3166")
            if self._codes[field]["NA"]:
                yield f"{field}: NA is read as Namibia ({self._codes[field]['NA']:,}); if it means none, use `lookup`"
        for field in ("channel", "entry_mode"):
            unknown = Counter({text: n for text, n in self._codes[field].items() if text not in KNOWN_CODES[field]})
            yield from _told(
                field, unknown, "are no known codes: each is a category of its own, or map it with `lookup`"
            )
        unknown = Counter({text: n for text, n in self._codes["currency"].items() if not is_iso_currency(text)})
        yield from _told("currency", unknown, "are no codes of ISO 4217")

    def _shared_ids(self, users: Counter[int]) -> Iterator[str]:
        busiest = max(users.values()) / users.total()
        for field in _OWN_IDS:
            for value, count in self._codes[field].most_common(1):
                share = count / self._known[field]
                if len(users) >= LEAST_ROWS and count >= LEAST_ROWS and share >= max(SHARED_SHARE, 2 * busiest):
                    yield (
                        f"{field}: {value} is in {share:.0%} of the transactions; if it stands for a missing value, "
                        "list it in `blank_values`"
                    )


def _told(field: str, counts: Counter[Any], words: str) -> Iterator[str]:
    if counts:
        most = ", ".join(f"{text} ({count:,})" for text, count in counts.most_common(SHOWN))
        more = f" and {len(counts) - SHOWN:,} more" if len(counts) > SHOWN else ""
        yield f"{field}: {most}{more} {words}"

"""The report page of customer profiles: conditions, checks of the data, columns, and the customers with most conditions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from customers.numbers import NUMBERS
from customers.profiles import Profiles
from reporting.html import page_environment

MOST_CUSTOMERS = 50


class ConditionRow(NamedTuple):
    """A condition, how many customers meet it, and how many meet no other."""

    id: str
    when: str
    customers: int
    alone: int


class CustomerRow(NamedTuple):
    """A flagged customer with the conditions met."""

    id: str
    reasons: list[str]


def write_customer_page(profiles: Profiles, database: str, path: Path) -> None:
    """Write the page. `database` is its URL without a password. The same profiles give the same bytes. Raises OSError."""
    path.write_text(customer_page(profiles, database), encoding="utf-8", newline="\n")


def customer_page(profiles: Profiles, database: str) -> str:
    """The page as text; all texts of the database are escaped."""
    met = profiles.met
    counts = Counter(condition for one in met for condition in one.conditions)
    alone = Counter(one.conditions[0] for one in met if len(one.conditions) == 1)
    flagged = sorted(
        (place for place, one in enumerate(met) if one.conditions),
        key=lambda place: (-len(met[place].conditions), profiles.totals.ids[place]),
    )
    return (
        page_environment()
        .get_template("customers.html.j2")
        .render(
            database=database,
            as_of_ms=profiles.as_of_ms,
            customers=len(met),
            flagged=len(flagged),
            conditions=[
                ConditionRow(one.id, " ".join(one.when.split()), counts[one.id], alone[one.id])
                for one in profiles.settings.conditions
            ],
            quality=profiles.quality,
            numbers=NUMBERS,
            top=[
                CustomerRow(profiles.totals.ids[place], list(met[place].reasons)) for place in flagged[:MOST_CUSTOMERS]
            ],
        )
    )

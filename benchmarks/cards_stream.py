"""Converts the tables to events and profiles by the shipped mappings, and prepends history to the later file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.cards_columns import TableError, first_of_each
from benchmarks.cards_table import CardTable

MAPPINGS = Path(__file__).parents[1] / "deploy" / "mappings"
TRANSACTIONS_MAPPING, USERS_MAPPING = MAPPINGS / "cards.yaml", MAPPINGS / "cards_users.yaml"
EARLIER_CARD_PREFIX = "first:"
MIN_LEAD_MS = 86_400_000


@dataclass(frozen=True)
class Stream:
    """Input of the job: `events` with labels, `reference` with users.jsonl. `table` and `users` hold the same rows.

    Transactions before row `first_measured` are history: they build up state but are not measured.
    """

    table: CardTable
    users: pa.Table
    events: Path
    reference: Path
    first_measured: int = 0


def write_stream(table: CardTable, users: pa.Table, folder: Path, first_measured: int = 0) -> Stream:
    """Writes the table as events with labels a week later, and users as profiles. Raises TableError, UserError."""
    from cli.convert import convert_tables

    reference = folder / "reference"
    reference.mkdir(parents=True)
    transactions_file, users_file = folder / "transactions.parquet", folder / "users.parquet"
    pq.write_table(table.transactions, transactions_file)
    pq.write_table(users, users_file)
    for file, mapping, out in (
        (transactions_file, TRANSACTIONS_MAPPING, folder),
        (users_file, USERS_MAPPING, reference),
    ):
        summary = convert_tables((file,), (mapping,), out)
        if summary.rejected:
            raise TableError(
                f"{table.path}: {summary.rejected:,} rows were rejected by {mapping.name}: {summary.first_errors[0]}"
            )
    return Stream(table, users, folder / "events.jsonl", reference, first_measured)


def with_earlier_history(
    first: CardTable, first_users: pa.Table, later: CardTable, later_users: pa.Table, until_ms: int
) -> tuple[CardTable, pa.Table, int]:
    """The later file preceded by the earlier transactions of the first; returns transactions, users and the number of
    prepended rows.

    Where the later file continues the first one, the first contains the users' habits and the entity history. Where both
    cover the same time, nothing is prepended, so that the periods never overlap. A card number that belongs to another
    person in the first file (different date of birth or gender) is renamed there.

        first  |======================|          first  |======================|
        later                  |===========|     later  |===================================|
        stream |---------------|===========|     stream |===================================|
    """
    begins_ms = min(int(later.times_ms[0]), until_ms)
    if begins_ms - int(first.times_ms[0]) < MIN_LEAD_MS:
        return later, later_users, 0
    before = first.take(slice(0, first.rows_before(begins_ms)))
    before = _without_duplicates(_with_renamed_cards(before, _reused_card_numbers(first_users, later_users)), later)
    known = set(later_users["cc_num"].to_pylist())
    others = first_users.filter(pa.array([number not in known for number in first_users["cc_num"].to_pylist()]))
    users = pa.concat_tables([later_users, others])
    joined = CardTable(
        later.path,
        pa.concat_tables([before.transactions, later.transactions]).combine_chunks(),
        pa.concat_arrays([pa.nulls(len(before), later.cc_nums.type), later.cc_nums]),
    )
    return joined, users, len(before)


def _reused_card_numbers(first_users: pa.Table, later_users: pa.Table) -> set[str]:
    """Card numbers that occur in both tables with different holders."""
    columns = ("cc_num", "gender", "dob")
    people = {row[0]: row[1:] for row in zip(*(first_users[name].to_pylist() for name in columns), strict=True)}
    later = zip(*(later_users[name].to_pylist() for name in columns), strict=True)
    return {number for number, *person in later if number in people and people[number] != tuple(person)}


def _with_renamed_cards(table: CardTable, reused: set[str]) -> CardTable:
    numbers = table.transactions["cc_num"].combine_chunks()
    is_reused = pc.is_in(numbers, value_set=pa.array(sorted(reused), pa.string()))
    renamed = pc.if_else(is_reused, pc.binary_join_element_wise(EARLIER_CARD_PREFIX, numbers, ""), numbers)
    index = table.transactions.column_names.index("cc_num")
    return CardTable(table.path, table.transactions.set_column(index, "cc_num", renamed), renamed)


def _without_duplicates(before: CardTable, later: CardTable) -> CardTable:
    """Drops transactions that are in the later file too, so that each is decided once."""
    both = pa.concat_tables([later.transactions, before.transactions]).select(["cc_num", "trans_num"])
    first: npt.NDArray[np.int64] = first_of_each([column.combine_chunks() for column in both.columns])
    return before.take(first[first >= len(later)] - len(later))

"""The tables as a file of events and a folder of profiles, by the shipped mappings; and what comes before the later file."""

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
EARLIER_NAMESAKE = "first:"
LEAST_LEAD_MS = 86_400_000


@dataclass(frozen=True)
class Stream:
    """What the job reads: `events` with labels, `reference` with users.jsonl. `table` and `users` hold the same rows.

    Transactions before row `first_measured` are history: they build up state and are not measured.
    """

    table: CardTable
    users: pa.Table
    events: Path
    reference: Path
    first_measured: int = 0


def write_stream(table: CardTable, users: pa.Table, folder: Path, first_measured: int = 0) -> Stream:
    """The table as events, each with its label a week later, and the users as profiles. Raises TableError, UserError."""
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
                f"{table.path}: {summary.rejected:,} rows do not fit {mapping.name}: {summary.first_errors[0]}"
            )
    return Stream(table, users, folder / "events.jsonl", reference, first_measured)


def with_earlier_history(
    first: CardTable, first_users: pa.Table, later: CardTable, later_users: pa.Table, until_ms: int
) -> tuple[CardTable, pa.Table, int]:
    """The later file behind what the first file has before it; gives transactions, users and how many were put before.

    Where the later file goes on where the first one ends, its people's habits and the merchants' history are in the
    first. Where both cover the same time, nothing is put before it: no moment is ever covered by both. A card number
    that stands for another person in the first file (another date of birth or gender) keeps apart from its namesake.

        first  |======================|          first  |======================|
        later                  |===========|     later  |===================================|
        stream |---------------|===========|     stream |===================================|
    """
    begins_ms = min(int(later.times_ms[0]), until_ms)
    if begins_ms - int(first.times_ms[0]) < LEAST_LEAD_MS:
        return later, later_users, 0
    before = first.take(slice(0, first.rows_before(begins_ms)))
    before = _without_repeats(_apart(before, _namesakes(first_users, later_users)), later)
    known = set(later_users["cc_num"].to_pylist())
    others = first_users.filter(pa.array([number not in known for number in first_users["cc_num"].to_pylist()]))
    users = pa.concat_tables([later_users, others])
    joined = CardTable(
        later.path,
        pa.concat_tables([before.transactions, later.transactions]).combine_chunks(),
        pa.concat_arrays([pa.nulls(len(before), later.cc_nums.type), later.cc_nums]),
    )
    return joined, users, len(before)


def _namesakes(first_users: pa.Table, later_users: pa.Table) -> set[str]:
    """Card numbers of both tables that belong to different people."""
    columns = ("cc_num", "gender", "dob")
    people = {row[0]: row[1:] for row in zip(*(first_users[name].to_pylist() for name in columns), strict=True)}
    later = zip(*(later_users[name].to_pylist() for name in columns), strict=True)
    return {number for number, *person in later if number in people and people[number] != tuple(person)}


def _apart(table: CardTable, namesakes: set[str]) -> CardTable:
    numbers = table.transactions["cc_num"].combine_chunks()
    is_namesake = pc.is_in(numbers, value_set=pa.array(sorted(namesakes), pa.string()))
    renamed = pc.if_else(is_namesake, pc.binary_join_element_wise(EARLIER_NAMESAKE, numbers, ""), numbers)
    place = table.transactions.column_names.index("cc_num")
    return CardTable(table.path, table.transactions.set_column(place, "cc_num", renamed), renamed)


def _without_repeats(before: CardTable, later: CardTable) -> CardTable:
    """Without what stands in the later file too: a transaction is decided once, and there."""
    both = pa.concat_tables([later.transactions, before.transactions]).select(["cc_num", "trans_num"])
    first: npt.NDArray[np.int64] = first_of_each([column.combine_chunks() for column in both.columns])
    return before.take(first[first >= len(later)] - len(later))

"""Tables for a terminal: texts to the left, numbers to the right, none of which is cropped."""

from __future__ import annotations

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from reporting import formatting

WIDTH = 100
MOST_ROWS = 20  # of a table; the HTML page has more


def table_of(title: str, first: str, *others: str) -> Table:
    """A table whose first column has texts, the others numbers."""
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False
    )
    table.add_column(first, min_width=18, overflow="fold")
    for other in others:
        table.add_column(other, justify="right")
    return table


def fit(table: Table, width: int, console: Console) -> None:
    """Where the table is wider than the terminal, wrap headers and texts: no number is cropped."""
    if Measurement.get(console, console.options.update(width=10 * WIDTH), table).maximum <= width:
        return
    for column in table.columns:
        if column.justify == "right":
            words = [*map(str, column.cells), *str(column.header).split()]
            column.width = max(map(cell_len, words))
        else:
            column.min_width = None


def with_rest(table: Table, rows: int) -> Table:
    """The table with a last line that counts the rows beyond MOST_ROWS."""
    if rows > MOST_ROWS:
        table.add_row(Text(f"… and {formatting.count(rows - MOST_ROWS)} more, in the HTML report", "dim"))
    return table

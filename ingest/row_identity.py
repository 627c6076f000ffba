"""The id of a row without one: its number and a digest of its content.

The number alone starts again at 1 in each file, so that the rows of a second month would be duplicates of the first's. The
same file gives the same ids again, also when rows were appended to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

DIGEST_BYTES: Final = 4  # tells rows of the same number apart


def row_identity(row_number: int, row: Mapping[str, object]) -> str:
    """`<number>-<8 hexadecimal digits>` of a row with the values of the mapped columns."""
    content = repr(sorted(row.items(), key=lambda item: item[0]))
    digest = blake2b(content.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()
    return f"{row_number}-{digest}"

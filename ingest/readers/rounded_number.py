"""Numbers that may have been whole numbers with more digits before they were stored in fewer bits."""

from __future__ import annotations

from typing import Final

EXACT_INTEGERS_BELOW_OF: Final = {2: 2**11, 4: 2**24}
"""By bytes of a float: from here on, neighbouring whole numbers are stored as the same one."""


class RoundedNumber(float):
    """A 16-bit or 32-bit float beyond the whole numbers that it holds exactly: an amount, but no id, code or time."""
